"""What webhooks are signed and verified with: an endpoint's shared secret, and the Ed25519 pair of an account.

Standard Webhooks 1.0.0, sections on signature schemes; protocol-webhooks.md sections 1 and 5. A secret is `whsec_` and the base64
of its octets; a public key is a JWK, as `/.well-known/jwks.json` has it, or `whpk_` and the base64 of its 32 octets.

    secret = WebhookSecret.from_text(os.environ["WEBHOOK_SECRET"])
    key = parse_webhook_key("whpk_...")
"""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from joserfc.jwk import ECKey, OKPKey
from joserfc.jws import JWSRegistry

from accredit.encoding import b64_decode, b64_encode, b64url_decode, b64url_encode
from accredit.errors import MalformedError, Refused
from accredit.keys import parse_deployment_key, parse_signing_key, verify_signature

SECRET_PREFIX, PUBLIC_PREFIX = "whsec_", "whpk_"
_MIN_BYTES, _MAX_BYTES, _ISSUED_BYTES = 24, 64, 32
_ALG = "EdDSA"


@dataclass(frozen=True, slots=True)
class WebhookSecret:
    """A secret, decoded. `WebhookSecret.from_text` makes one from its text. octets: never in a representation of the value."""

    octets: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.octets, bytes) or not _MIN_BYTES <= len(self.octets) <= _MAX_BYTES:
            raise MalformedError("secret_malformed")

    @classmethod
    def from_text(cls, text: str) -> "WebhookSecret":
        """Read a secret as it was shown: `whsec_` and canonical padded base64 of 24 to 64 octets.

        Raises MalformedError: `secret_malformed`.
        """
        if not isinstance(text, str) or not text.startswith(SECRET_PREFIX):
            raise MalformedError("secret_malformed")
        try:
            return cls(b64_decode(text.removeprefix(SECRET_PREFIX)))
        except ValueError as error:
            raise MalformedError("secret_malformed") from error


def read_secrets(secrets: Iterable[str | WebhookSecret]) -> list[WebhookSecret]:
    """Secrets, those decoded that are texts. Raises MalformedError: `secret_malformed`."""
    return [secret if isinstance(secret, WebhookSecret) else WebhookSecret.from_text(secret) for secret in secrets]


def generate_webhook_secret() -> str:
    """Make an endpoint's secret: `whsec_` and 32 random octets as base64, 50 characters. Raises nothing."""
    return SECRET_PREFIX + b64_encode(secrets.token_bytes(_ISSUED_BYTES))


@dataclass(frozen=True, slots=True)
class WebhookKey:
    """An Ed25519 public key, parsed once; `parse_webhook_key` makes it. thumbprint: RFC 7638."""

    thumbprint: str
    alg: str
    parsed: ECKey | OKPKey

    def is_signed(self, octets: bytes, signature: bytes) -> bool:
        """Whether this key's other half signed the octets."""
        try:
            verify_signature(self, octets, signature)
        except Refused:
            return False
        return True


def parse_webhook_key(key: object) -> WebhookKey:
    """Check a public key that webhooks are signed with, and make it ready for verification.

    key: a JWK (`OKP`, `Ed25519`) with whatever else its key set says of it, or its `whpk_` text.

    Raises MalformedError as `parse_deployment_key`: `key_malformed`, `key_private_member`, `key_value_invalid` and so on.
    """
    parsed = parse_deployment_key(_read_public_text(key) if isinstance(key, str) else key, _ALG)
    return WebhookKey(parsed.thumbprint, parsed.alg, parsed.parsed)


def _read_public_text(text: str) -> dict[str, str]:
    try:
        if not text.startswith(PUBLIC_PREFIX):
            raise ValueError("another prefix")
        octets = b64_decode(text.removeprefix(PUBLIC_PREFIX))
    except ValueError as error:
        raise MalformedError("key_malformed") from error
    return {"kty": "OKP", "crv": "Ed25519", "x": b64url_encode(octets)}


@dataclass(frozen=True, slots=True)
class WebhookSigningKey:
    """The private half of an Ed25519 pair, parsed once; `parse_webhook_signing_key` makes it.

    public_text: `whpk_` and base64, for receivers.
    """

    public_text: str
    parsed: ECKey | OKPKey = field(repr=False)

    def sign(self, octets: bytes) -> bytes:
        """The signature, 64 octets (RFC 8032)."""
        return JWSRegistry.algorithms[_ALG].sign(octets, self.parsed)


def parse_webhook_signing_key(jwk: Mapping[str, object]) -> WebhookSigningKey:
    """Read a private JWK that webhooks are signed with.

    jwk: `OKP`, `Ed25519`, such as `generate_deployment_key("EdDSA")` makes.

    Raises MalformedError: `key_malformed`, `key_curve_unsupported`, `key_alg_mismatch`, `key_encoding_invalid`,
    `key_value_invalid`.
    """
    _, parsed = parse_signing_key(dict(jwk), _ALG)
    return WebhookSigningKey(PUBLIC_PREFIX + b64_encode(b64url_decode(str(jwk["x"]))), parsed)
