"""Themes: how the pages of the rest door look for one account and environment (protocol-rest.md section 11)."""
