"""Accounts and deployers: who owns applications here, and which businesses embed them (design.md section 2)."""
