"""The algorithms of sealed answers, one table for keys, one for curves, one for content.

RFC 7518 sections 4.3, 4.6, 4.8 and 5; protocol-rest.md sections 6 and 8. What is not in a table is refused by name: RSA1_5, `dir`,
PBES2, symmetric wrapping, other curves.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding


@dataclass(frozen=True, slots=True)
class KeyAlgorithm:
    """One row of the table of key algorithms.

    ktys: the key types it goes with. operations: what `key_ops` may name. oaep: the padding, None where keys are agreed upon. wraps:
    whether the agreed key wraps the content key, instead of being it.
    """

    ktys: tuple[str, ...]
    operations: frozenset[str]
    oaep: padding.OAEP | None = None
    wraps: bool = False


_FOR_RSA, _FOR_AGREEMENT = frozenset(("encrypt", "wrapKey")), frozenset(("deriveKey", "deriveBits"))

# RFC 7518 section 4.3: RSA-OAEP has SHA-1 and MGF1 with SHA-1. As a padding for encryption that is sound.
_OAEP_SHA1 = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303
_OAEP_SHA256 = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)

KEY_ALGORITHMS: Mapping[str, KeyAlgorithm] = {
    "RSA-OAEP": KeyAlgorithm(("RSA",), _FOR_RSA, oaep=_OAEP_SHA1),
    "RSA-OAEP-256": KeyAlgorithm(("RSA",), _FOR_RSA, oaep=_OAEP_SHA256),
    "ECDH-ES": KeyAlgorithm(("EC", "OKP"), _FOR_AGREEMENT),
    "ECDH-ES+A256KW": KeyAlgorithm(("EC", "OKP"), _FOR_AGREEMENT, wraps=True),
}
ENCRYPTION_ALGORITHMS = tuple(KEY_ALGORITHMS)
# RFC 7518 section 4.8: what A256KW wraps with, and by how much it makes a key longer (RFC 3394).
WRAPPING_KEY_BYTES, WRAPPING_OVERHEAD_BYTES = 32, 8


@dataclass(frozen=True, slots=True)
class Curve:
    """One row of the table of curves. coordinates: the public members of a JWK, each of coordinate_bytes octets."""

    kty: str
    coordinates: tuple[str, ...]
    coordinate_bytes: int
    nist: ec.EllipticCurve | None = None


CURVES: Mapping[str, Curve] = {
    "P-256": Curve("EC", ("x", "y"), 32, ec.SECP256R1()),
    "P-384": Curve("EC", ("x", "y"), 48, ec.SECP384R1()),
    "P-521": Curve("EC", ("x", "y"), 66, ec.SECP521R1()),
    "X25519": Curve("OKP", ("x",), 32),
}
RSA_BITS = (2048, 3072, 4096)


@dataclass(frozen=True, slots=True)
class ContentEncryption:
    """One row of the table of content encryptions. mac: the hash of AES-CBC with HMAC, None for AES-GCM."""

    cek_bytes: int
    iv_bytes: int
    tag_bytes: int
    mac: str | None = None


CONTENT_ENCRYPTIONS: Mapping[str, ContentEncryption] = {
    "A128CBC-HS256": ContentEncryption(32, 16, 16, "sha256"),
    "A256CBC-HS512": ContentEncryption(64, 16, 32, "sha512"),
    "A128GCM": ContentEncryption(16, 12, 16),
    "A256GCM": ContentEncryption(32, 12, 16),
}
ENCRYPTIONS = tuple(CONTENT_ENCRYPTIONS)
DEFAULT_ENCRYPTION = "A128CBC-HS256"
