"""A code by e-mail (protocol-rest.md section 12)."""
