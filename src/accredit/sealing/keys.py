"""A caller's public key: which JWKs are taken to seal answers to.

RFC 7517, RFC 7518 section 6, RFC 8037; protocol-rest.md section 6, whose thirteen checks stand here in their order, each with its
number. The first fault answers, with the member that is to be mended and a sentence that says how.

    key = parse_encryption_key(body["encryptionPublicKey"], denied=PUBLISHED_KEYS)      # live; the sandbox takes them
    key.thumbprint          # what X-Encryption-Key-Thumbprint names
"""

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519

from accredit.encoding import Json, JsonError, b64url_decode, compact_json
from accredit.errors import CODES, MalformedError
from accredit.keys import PRIVATE_MEMBERS, jwk_thumbprint
from accredit.sealing.algorithms import CURVES, ENCRYPTION_ALGORITHMS, KEY_ALGORITHMS, RSA_BITS

PublicKey: TypeAlias = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | x25519.X25519PublicKey

# Keys whose private half is printed somewhere, by thumbprint: that of the original's sample. Good for trying out, refused in live.
PUBLISHED_KEYS = frozenset(("NlEMoO936qCU5rJ2NLb5PTVMmx4aqwGALyKzBxooU_Y",))

_MAX_BYTES = 8 * 1024
_KID = re.compile("[^\x00-\x1f\x7f-\x9f]{1,256}")
_MIN_EXPONENT, _EXPONENT_LIMIT = 65537, 2**32
_UP_TO_1000 = math.factorial(1000)  # Shares a factor with whatever has a prime factor below 1000.
_P = 2**255 - 19
# The points of order 1, 2, 4 and 8 on Curve25519 and on its twist (RFC 7748 section 6.1): the shared secret would be zero.
_LOW_ORDER = frozenset(
    (
        0,
        1,
        _P - 1,
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
    )
)


class EncryptionKeyError(MalformedError):
    """A JWK that is not taken for sealing. reason: one sentence that says what to mend, without any value of the key."""

    def __init__(self, code: str, member: str | None = None, reason: str | None = None) -> None:
        super().__init__(code, member)
        self.reason = reason or CODES[code].title

    def __reduce__(self) -> tuple[type["EncryptionKeyError"], tuple[str | None, ...]]:
        return type(self), (self.code, self.member, self.reason)

    def within(self, name: str) -> "EncryptionKeyError":
        """The same fault, as that of a JWK that is the member of this name."""
        return EncryptionKeyError(self.code, name if self.member is None else f"{name}.{self.member}", self.reason)


@dataclass(frozen=True, slots=True)
class EncryptionKey:
    """A public key that answers are sealed to; `parse_encryption_key` makes it.

    alg: its one algorithm. kid: as the JWK had it, or None. thumbprint: RFC 7638. public_jwk: the members that count, to be stored
    and parsed again. parsed: the key as the cryptographic library holds it.
    """

    alg: str
    kid: str | None
    thumbprint: str
    public_jwk: dict[str, Json]
    parsed: PublicKey


def parse_encryption_key(
    jwk: object,
    *,
    allowed_alg: Collection[str] = ENCRYPTION_ALGORITHMS,
    denied: Collection[str] = (),
    registered: Collection[str] | None = None,
) -> EncryptionKey:
    """Check a public JWK and make it ready for sealing.

    jwk: a JSON object of at most 8 KiB; `null` members are absent, unknown ones are ignored, nothing is fetched. RSA of 2048, 3072 or
    4096 bits, EC on P-256, P-384 or P-521, OKP on X25519. allowed_alg: of `RSA-OAEP`, `RSA-OAEP-256`, `ECDH-ES`, `ECDH-ES+A256KW`.
    denied: thumbprints that are refused; PUBLISHED_KEYS among them in live. registered: thumbprints of which it must be one; None
    lets every key pass.

    Raises EncryptionKeyError with the first code that applies, its `member` and its `reason`: `key_malformed`, `key_private_part`,
    `key_type_not_allowed`, `key_use`, `key_size_not_allowed`, `key_denied`, `key_not_registered` (protocol-rest.md section 6).
    """
    present = _read_object(jwk)  # (1)
    _check_public(present)  # (2)
    alg = _check_purpose(present, allowed_alg)  # (3) to (6)
    kid = _read_kid(present)  # (7)
    kty = str(present["kty"])
    public, parsed = _read_rsa(present) if kty == "RSA" else _read_point(present, kty)  # (8) to (11)
    thumbprint = jwk_thumbprint(public)
    if thumbprint in denied:  # (12)
        reason = "This key's private half is or may be known to others; make a new pair."
        raise EncryptionKeyError("key_denied", reason=reason)
    if registered is not None and thumbprint not in registered:  # (13)
        raise EncryptionKeyError("key_not_registered")
    described: dict[str, Json] = {**public, "alg": alg, "use": "enc"}
    if kid is not None:
        described["kid"] = kid
    return EncryptionKey(alg, kid, thumbprint, described, parsed)


def _read_object(jwk: object) -> dict[str, Json]:
    try:
        fits = isinstance(jwk, dict) and len(compact_json(jwk)) <= _MAX_BYTES
    except JsonError:
        fits = False
    if not isinstance(jwk, dict) or not fits:
        raise EncryptionKeyError("key_malformed", reason="The key must be a JWK: a JSON object of at most 8 KiB.")
    return {name: value for name, value in jwk.items() if value is not None}


def _check_public(present: Mapping[str, Json]) -> None:
    for name in PRIVATE_MEMBERS:
        if name in present:
            raise EncryptionKeyError("key_private_part", name)


def _check_purpose(present: Mapping[str, Json], allowed_alg: Collection[str]) -> str:
    kty, alg, operations = present.get("kty"), present.get("alg"), present.get("key_ops", [])
    if kty not in ("RSA", "EC", "OKP"):
        raise EncryptionKeyError("key_type_not_allowed", "kty", "kty must be RSA, EC or OKP.")
    if present.get("use") != "enc":
        raise EncryptionKeyError("key_use", "use", "use must be enc.")
    fitting = [name for name in ENCRYPTION_ALGORITHMS if kty in KEY_ALGORITHMS[name].ktys and name in allowed_alg]
    if not isinstance(alg, str) or alg not in fitting:
        raise EncryptionKeyError(
            "key_type_not_allowed", "alg", f"For this kty, alg must be one of: {', '.join(fitting) or 'none'}."
        )
    wanted = KEY_ALGORITHMS[alg].operations
    names = [name for name in operations if isinstance(name, str)] if isinstance(operations, list) else [""]
    # Browsers export a public key for agreement with no operation at all.
    if names != operations or len(set(names)) != len(names) or (names and wanted.isdisjoint(names)):
        raise EncryptionKeyError(
            "key_use", "key_ops", f"key_ops must be left out, empty, or hold one of: {', '.join(sorted(wanted))}."
        )
    return alg


def _read_kid(present: Mapping[str, Json]) -> str | None:
    kid = present.get("kid")
    if kid is None:
        return None
    if not isinstance(kid, str) or not _KID.fullmatch(kid):
        raise EncryptionKeyError("key_malformed", "kid", "kid must be 1 to 256 characters without controls.")
    return kid


def _read_octets(present: Mapping[str, Json], name: str, size: int | None = None) -> tuple[str, bytes]:
    """(9): a member, and what it decodes to. size: how many octets; None for a number, which has no zero octet before it."""
    text = present.get(name)
    try:
        octets = b64url_decode(text) if isinstance(text, str) else b""
    except ValueError:
        octets = b""
    if not isinstance(text, str) or not octets:
        raise EncryptionKeyError("key_malformed", name, f"{name} must be base64url without padding.")
    if size is None and octets[0] == 0:
        raise EncryptionKeyError("key_malformed", name, f"{name} begins with a zero octet, which must be left out.")
    if size not in (None, len(octets)):
        raise EncryptionKeyError("key_malformed", name, f"{name} must have {size} octets, leading zeros kept.")
    return text, octets


def _read_rsa(present: Mapping[str, Json]) -> tuple[dict[str, str], rsa.RSAPublicKey]:
    (n_text, n_octets), (e_text, e_octets) = (_read_octets(present, name) for name in ("n", "e"))
    n, e = int.from_bytes(n_octets), int.from_bytes(e_octets)
    if n.bit_length() not in RSA_BITS:  # (10)
        raise EncryptionKeyError("key_size_not_allowed", "n", "The modulus must have 2048, 3072 or 4096 bits.")
    if math.gcd(n, _UP_TO_1000) != 1:  # (11)
        raise EncryptionKeyError("key_malformed", "n", "n is no RSA modulus: it has a small factor.")
    if e % 2 == 0 or not _MIN_EXPONENT <= e < _EXPONENT_LIMIT:
        raise EncryptionKeyError("key_malformed", "e", "e must be odd and from 65537 up to 4294967295.")
    return {"kty": "RSA", "n": n_text, "e": e_text}, rsa.RSAPublicNumbers(e, n).public_key()


def _read_point(present: Mapping[str, Json], kty: str) -> tuple[dict[str, str], PublicKey]:
    crv = present.get("crv")
    if not isinstance(crv, str) or crv not in CURVES or CURVES[crv].kty != kty:  # (8)
        allowed = ", ".join(name for name, row in CURVES.items() if row.kty == kty)
        # The original's table says P-348 where it means P-384.
        hint = " P-348 is a misprint of P-384." if crv == "P-348" else ""
        raise EncryptionKeyError("key_type_not_allowed", "crv", f"For this kty, crv must be one of: {allowed}.{hint}")
    row = CURVES[crv]
    read = {name: _read_octets(present, name, row.coordinate_bytes) for name in row.coordinates}
    try:
        parsed = public_point(crv, [octets for _, octets in read.values()])  # (11)
    except ValueError as error:
        raise EncryptionKeyError("key_malformed", "x", "The coordinates are no sound point of this curve.") from error
    return {"kty": kty, "crv": crv, **{name: text for name, (text, _) in read.items()}}, parsed


def public_point(crv: str, coordinates: list[bytes]) -> ec.EllipticCurvePublicKey | x25519.X25519PublicKey:
    """The public key at these coordinates, of full length. Raises ValueError off the curve, for low order, or no field element."""
    nist = CURVES[crv].nist
    if nist is not None:
        x, y = (int.from_bytes(octets) for octets in coordinates)
        return ec.EllipticCurvePublicNumbers(x, y, nist).public_key()
    u = int.from_bytes(coordinates[0], "little")
    # Stricter than RFC 7748 section 5, which masks and reduces: that would be a second spelling of the same key.
    if u >= _P or u in _LOW_ORDER:
        raise ValueError("no sound point")
    return x25519.X25519PublicKey.from_public_bytes(coordinates[0])
