"""Keys of references: secrets that a deployer's backend shares with Accredit, and public keys of backends that share none.

protocol-flow.md sections 1 and 3. A secret is the text as it is written, prefix included, and never decoded. It signs references
as it is; tokens too where it was made for references alone, while that of an API credential signs them under a key derived from it.

    secret = ReferenceSecret.from_text(os.environ["ACCREDIT_API_SECRET"], key_id="live_key_...")
    key = parse_reference_key(public_jwk, "ES256", key_id="rfk_1")
"""

import re
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc.jwk import ECKey, OKPKey

from accredit.errors import MalformedError
from accredit.keys import parse_deployment_key, read_written_secret

TOKEN_SECRET_ALGORITHM = "HS256"
# Secrets of purpose `reference`; any other text is an API credential's.
_OWN_PREFIXES = ("accredit_live_reference_", "accredit_sandbox_reference_")
_BRIDGE_INFO = b"flow/customer-token/v2"
_MIN_BYTES = 32
_KEY_ID = re.compile("[!-~]{0,128}")


@dataclass(frozen=True, slots=True)
class ReferenceSecret:
    """A secret, read. `ReferenceSecret.from_text` makes one from its text.

    octets: what the original's signature is made with. token_octets: what HS256 tokens are made with. Neither stands in a
    representation of the value. key_id: the record's name, which tokens name; empty where it is not known.
    """

    octets: bytes = field(repr=False)
    token_octets: bytes = field(repr=False)
    key_id: str = ""

    def __post_init__(self) -> None:
        if min(len(self.octets), len(self.token_octets)) < _MIN_BYTES:
            raise MalformedError("secret_malformed")
        _check_key_id(self.key_id)

    @classmethod
    def from_text(cls, text: str, key_id: str = "") -> "ReferenceSecret":
        """Read a secret as it was shown: 32 to 128 visible ASCII characters, taken as written.

        key_id: the API key id for an API secret, else the record's. Raises MalformedError: `secret_malformed`; `field_invalid` for
        a key id that is none.
        """
        octets = read_written_secret(text)
        return cls(octets, octets if text.startswith(_OWN_PREFIXES) else _derive(octets), key_id)


def _check_key_id(key_id: str) -> None:
    if not _KEY_ID.fullmatch(key_id):
        raise MalformedError("field_invalid", "key_id")


def _derive(octets: bytes) -> bytes:
    """The bridge of section 3: what has signed API requests and references signs no token."""
    return HKDF(SHA256(), length=32, salt=None, info=_BRIDGE_INFO).derive(octets)


@dataclass(frozen=True, slots=True)
class ReferenceKey:
    """A public key that verifies tokens, parsed once; `parse_reference_key` makes it.

    key_id: how the record is named, which is what tokens call it. alg: the one algorithm that it verifies.
    """

    key_id: str
    alg: str
    thumbprint: str
    parsed: ECKey | OKPKey


def parse_reference_key(jwk: object, alg: str = "ES256", *, key_id: str | None = None) -> ReferenceKey:
    """Check a public JWK and make it ready for verification of tokens.

    jwk: a JSON object. alg: `ES256`, `ES512` or `EdDSA`, the algorithm that it is recorded for. key_id: the record's name, which
    tokens have as `kid` (default: the thumbprint).

    Raises MalformedError as `parse_deployment_key`; `field_invalid` for a key id that is none.
    """
    parsed = parse_deployment_key(jwk, alg, key_id=key_id)
    _check_key_id(parsed.key_id)
    return ReferenceKey(parsed.key_id, parsed.alg, parsed.thumbprint, parsed.parsed)
