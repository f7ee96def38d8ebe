"""Identity signatures: `timestamp:mac:nonce`, HMAC-SHA-256, by the deployer's backend, for the user that it boots a snippet for.

RFC 2104, RFC 8785; protocol-boot.md. `secret` decodes what is shared, `body` (with `spellings` and `fields`) reads what was posted,
`signature` the shape of a signature, `verification` puts the steps together, `signing` is the deployer's side, `diagnosis` (with
`mistakes`) says what is wrong.

    secret = IdentitySecret.from_base64(text, key_id="key_1")
    signature = sign_identity(secret, "cp_1", "cpd_1", "jane@example.com", now=int(time.time()))
    boot = read_boot_body({"cp_id": "cp_1", "cp_deployment_id": "cpd_1", "email": "jane@example.com", "signature": signature})
    verify_identity(boot.signature, [secret], boot, now=int(time.time())).email          # "jane@example.com"
"""

from accredit.identity.body import BootBody, read_boot_body
from accredit.identity.diagnosis import IdentityCheck, IdentityDiagnosis, diagnose_identity
from accredit.identity.fields import CUSTOMER_NAMES, CustomerFields, CustomerValue, read_customer_fields
from accredit.identity.mistakes import MISTAKES
from accredit.identity.secret import IdentitySecret, generate_identity_secret
from accredit.identity.signature import PeekedIdentity, peek_identity
from accredit.identity.signing import sign_identity, sign_identity_v2
from accredit.identity.spellings import BOOT_NAMES, Body
from accredit.identity.verification import (
    ORIGINAL_POLICY,
    WINDOW_S,
    Demand,
    IdentityPolicy,
    VerifiedIdentity,
    spend_mac,
    verify_identity,
)

__all__ = [
    "BOOT_NAMES",
    "CUSTOMER_NAMES",
    "MISTAKES",
    "ORIGINAL_POLICY",
    "WINDOW_S",
    "Body",
    "BootBody",
    "CustomerFields",
    "CustomerValue",
    "Demand",
    "IdentityCheck",
    "IdentityDiagnosis",
    "IdentityPolicy",
    "IdentitySecret",
    "PeekedIdentity",
    "VerifiedIdentity",
    "diagnose_identity",
    "generate_identity_secret",
    "peek_identity",
    "read_boot_body",
    "read_customer_fields",
    "sign_identity",
    "sign_identity_v2",
    "spend_mac",
    "verify_identity",
]
