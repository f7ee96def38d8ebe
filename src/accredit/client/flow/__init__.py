"""The flow door for backends: each user is verified once, and every request is signed (protocol-flow.md sections 8 and 9)."""
