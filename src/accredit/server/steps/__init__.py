"""The steps of a flow: what each asks of the person, and how it finds out (protocol-flow.md section 7, protocol-webhooks.md section 8)."""
