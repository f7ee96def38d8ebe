"""Sessions of the flow door: whether a deployer's user is who it should be, asked once (protocol-flow.md sections 5 to 10).

A customer has one newest session for each template, found by a keyed hash of the reference. What tells of the person is sealed under
the session's own key, which redaction destroys. Every change is one compare-and-set on the session's `revision`, with its events in
the same transaction.
"""
