"""What `accredit demo` runs: Accredit itself, a bank that embeds, a utility that boots, a credit report, and a copycat.

Each has an origin of its own on this machine and speaks to the others over HTTP only, with the keys that such a party would have.
Bank, utility and report are what deployers and owners write; they use `accredit` and `/v1`, and nothing of the server's inside.
"""
