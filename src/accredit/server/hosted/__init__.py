"""The pages that a person sees inside a frame or at a link of ours (protocol-embed.md sections 3 and 9)."""
