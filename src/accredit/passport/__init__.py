"""Data passports: what a deployer sends along about its user, in plain or encrypted.

protocol-embed.md section 8; RFC 7516. A passport is a flat object of strings, numbers and booleans. An encrypted one is opened
with a key whose *record* decides the algorithms; its keys are server-only: they reach a backend, never a browser.

    sealed = seal_passport({"card_number": "4111..."}, key_jwk, alg="A128KW")          # the deployer's server
    keys = [parse_passport_key(key_jwk, "A128KW")]                                     # who owns the application
    opened = open_passport(sealed, keys, integration_id="i", uid="user-1", now=1700000000)
    opened.passport          # {"card_number": "4111..."}
"""

from accredit.passport.encrypted import OpenedPassport, open_passport, peek_passport, seal_passport
from accredit.passport.keys import (
    PASSPORT_ALGORITHMS,
    PASSPORT_ENCRYPTIONS,
    PUBLIC_KEY_ALGORITHMS,
    GeneratedPassportKey,
    PassportKey,
    generate_passport_key,
    parse_passport_key,
)
from accredit.passport.values import CheckedPassport, Passport, PassportKeyRule, PassportRules, check_passport, check_values

__all__ = [
    "PASSPORT_ALGORITHMS",
    "PASSPORT_ENCRYPTIONS",
    "PUBLIC_KEY_ALGORITHMS",
    "CheckedPassport",
    "GeneratedPassportKey",
    "OpenedPassport",
    "Passport",
    "PassportKey",
    "PassportKeyRule",
    "PassportRules",
    "check_passport",
    "check_values",
    "generate_passport_key",
    "open_passport",
    "parse_passport_key",
    "peek_passport",
    "seal_passport",
]
