"""Juniper Exchange, which has its users verified at the flow door: backend, page, webhooks, and what is tried with them."""
