"""The flow door: the modal frame, what its page asks, hosted links, and the API of backends (protocol-flow.md)."""
