"""The flow door's API for backends: `/flow_sessions` and below (protocol-flow.md sections 8, 9 and 11).

`authentication` finds out who signed a call, `traffic` lets each key have its share and each signed request its one effect, `calls`
answers at an address; the other modules are what the addresses do.
"""
