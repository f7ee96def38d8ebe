"""The steps of a flow: what each asks of the person, and how it finds out.

protocol-flow.md section 7, protocol-webhooks.md section 8. `step` is the seam to the sessions, `screens` that to the pages;
`registry` makes a step of a template's rule: one that is built in, a call-out to a service of the owner, or a simulator.
"""
