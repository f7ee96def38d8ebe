"""The owner's HTTP API: what an owner's backend and an operator's terminal ask (protocol-embed.md sections 9 to 11)."""
