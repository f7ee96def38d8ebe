"""Call-outs: steps that a service of the owner decides (protocol-webhooks.md section 8).

`step` begins one, `records` keeps it until it is answered, `dispatcher` sends it, `request` writes and signs it, `answers` reads what
comes back, `returning` takes what the service posts later.
"""
