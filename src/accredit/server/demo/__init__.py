"""What `accredit demo` runs: Accredit itself, a bank that embeds, a utility that boots, a rental that asks who drives, and more.

The credit report is shown by bank and utility; a copycat copies their snippets; an exchange has its users verified.

Each has an origin of its own on this machine and speaks to the others over HTTP only, with the keys that such a party would have.
Bank, utility, rental, exchange and report are what deployers and owners write; they use `accredit` and the HTTP API, and nothing
of the server's inside.
"""
