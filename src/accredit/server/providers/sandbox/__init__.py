"""The sandbox: every person, end and fault of a sign-in, without a network (protocol-rest.md section 12)."""
