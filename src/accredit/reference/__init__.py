"""Customer references: which of its users a deployer vouches for, signed on its backend.

RFC 2104, RFC 5869, RFC 7515; protocol-flow.md sections 2 and 3. `customer` says what a reference may be, `keys` reads secrets and
public keys, `signature` the shape of what a page passes, `claims` those of a token, `verification` puts the steps together, `signing`
is the deployer's side.

    secret = ReferenceSecret.from_text(text, key_id="live_key_1")
    signature = sign_reference(secret, "user-1")
    verify_reference("user-1", signature, [secret]).customer_reference                     # "user-1"
"""

from accredit.reference.claims import LEEWAY_S, MAX_LIFETIME_S
from accredit.reference.customer import read_customer_reference
from accredit.reference.keys import ReferenceKey, ReferenceSecret, parse_reference_key
from accredit.reference.published import is_published_secret
from accredit.reference.signature import PeekedReference, peek_reference
from accredit.reference.signing import sign_reference, sign_reference_v2
from accredit.reference.verification import VerifiedReference, spend_reference, verify_reference, verify_reference_v2

__all__ = [
    "LEEWAY_S",
    "MAX_LIFETIME_S",
    "PeekedReference",
    "ReferenceKey",
    "ReferenceSecret",
    "VerifiedReference",
    "is_published_secret",
    "parse_reference_key",
    "peek_reference",
    "read_customer_reference",
    "sign_reference",
    "sign_reference_v2",
    "spend_reference",
    "verify_reference",
    "verify_reference_v2",
]
