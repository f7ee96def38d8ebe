"""Signatures of other parties: which public keys are taken, and strict compact JWS under them.

RFC 7515, RFC 7518 section 3, RFC 8037; protocol-rest.md section 12. Asymmetric algorithms only: never `HS*`, never `none`. A key's
own `alg` binds it; a key without one verifies what its type can. Nothing that a header could bring along is used as a key.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from accredit.encoding import Json, b64url_decode, parse_json
from accredit.errors import MalformedError
from accredit.keys import PRIVATE_MEMBERS, read_members

ParsedKey: TypeAlias = RSAKey | ECKey | OKPKey


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One row of the table. coordinate_bytes: of EC and OKP. signature_bytes: None where it is the size of the modulus."""

    kty: str
    crv: str | None = None
    coordinate_bytes: int | None = None
    signature_bytes: int | None = None


ALGORITHMS: Mapping[str, Algorithm] = {
    "RS256": Algorithm("RSA"),
    "PS256": Algorithm("RSA"),
    "ES256": Algorithm("EC", "P-256", 32, 64),
    "ES384": Algorithm("EC", "P-384", 48, 96),
    "ES512": Algorithm("EC", "P-521", 66, 132),
    "EdDSA": Algorithm("OKP", "Ed25519", 32, 64),
}
MAX_TOKEN_BYTES = 64 * 1024
_MIN_RSA_BITS, _MAX_RSA_BITS = 2048, 8192
_MAX_HEADER_BYTES, _MAX_DEPTH = 4 * 1024, 16
# RFC 7515 sections 4.1.2 to 4.1.6 and 4.1.11, RFC 7797: what would bring a key along, or change what is signed.
_FORBIDDEN = frozenset(("jku", "jwk", "x5u", "x5c", "crit", "b64", "zip"))


class AnswerError(Exception):
    """An answer that does not hold. audit: which check failed, for the audit record alone."""

    def __init__(self, audit: str) -> None:
        super().__init__(audit)
        self.audit = audit


@dataclass(frozen=True, slots=True)
class PeerKey:
    """Somebody else's public key, ready to verify. algs: what it may verify."""

    kid: str | None
    algs: frozenset[str]
    parsed: ParsedKey
    modulus_bytes: int


def read_jwks(jwks: object) -> tuple[PeerKey, ...]:
    """The keys of a JWKS that may verify; those of other forms and uses are skipped. Raises ValueError if it is none."""
    keys = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if not isinstance(keys, list):
        raise ValueError("not a key set")  # noqa: TRY004 - what a peer sent, not a mistake of the caller
    parsed = [_parse_key(jwk) for jwk in keys[:100] if isinstance(jwk, dict)]
    return tuple(key for key in parsed if key is not None)


def _parse_key(jwk: dict[str, Json]) -> PeerKey | None:
    kid, own = jwk.get("kid"), jwk.get("alg")
    algs = frozenset(
        name
        for name, row in ALGORITHMS.items()
        if (row.kty, row.crv) == (jwk.get("kty"), jwk.get("crv")) and own in (None, name)
    )
    operations = jwk.get("key_ops")
    may_verify = operations is None or (isinstance(operations, list) and "verify" in operations)
    exposed = any(jwk.get(member) is not None for member in PRIVATE_MEMBERS)
    if not algs or exposed or jwk.get("use") not in (None, "sig") or not may_verify or not isinstance(kid, str | None):
        return None
    try:
        parsed = _import_key(jwk, ALGORITHMS[min(algs)])
    except ValueError:
        return None
    return PeerKey(kid, algs, parsed, parsed.public_key.key_size // 8 if isinstance(parsed, RSAKey) else 0)


def _import_key(jwk: dict[str, Json], row: Algorithm) -> ParsedKey:
    sizes = {"RSA": {"n": None, "e": None}, "EC": dict.fromkeys(("x", "y"), row.coordinate_bytes)}
    try:
        members = read_members(jwk, sizes.get(row.kty, {"x": row.coordinate_bytes}))
    except MalformedError as error:
        raise ValueError("not canonical") from error
    # joserfc's parameter type is an invariant dict with list members, which none of these has.
    parameters = cast("dict[str, str | list[str]]", {"kty": row.kty, **({"crv": row.crv} if row.crv else {}), **members})
    if row.kty == "RSA":
        bits = int.from_bytes(b64url_decode(members["n"])).bit_length()
        if not _MIN_RSA_BITS <= bits <= _MAX_RSA_BITS or bits % 8:
            raise ValueError("size")
        return RSAKey.import_key(parameters)
    return ECKey.import_key(parameters) if row.kty == "EC" else OKPKey.import_key(parameters)


@dataclass(frozen=True, slots=True)
class PeekedJws:
    """A compact JWS that has its form and is not verified."""

    header: dict[str, Json]
    payload: bytes
    signing_input: bytes
    signature: bytes

    @property
    def kid(self) -> str | None:
        """What the header calls the key."""
        kid = self.header.get("kid")
        return kid if isinstance(kid, str) else None


def peek_jws(compact: str, *, max_bytes: int = MAX_TOKEN_BYTES) -> PeekedJws:
    """Read the form of a compact JWS. Raises AnswerError: `token_malformed`, `jws_header_not_allowed`."""
    parts = compact.split(".")
    if len(compact) > max_bytes or len(parts) != 3:
        raise AnswerError("token_malformed")
    try:
        header_octets, payload, signature = map(b64url_decode, parts)
        header = parse_json(header_octets, max_depth=4)
    except ValueError as error:
        raise AnswerError("token_malformed") from error
    kid = header.get("kid") if isinstance(header, dict) else None
    if not isinstance(header, dict) or len(header_octets) > _MAX_HEADER_BYTES or not isinstance(kid, str | None):
        raise AnswerError("token_malformed")
    if not _FORBIDDEN.isdisjoint(header):
        raise AnswerError("jws_header_not_allowed")
    return PeekedJws(header, payload, f"{parts[0]}.{parts[1]}".encode("ascii"), signature)


def verify_jws(
    peeked: PeekedJws, keys: Sequence[PeerKey], *, algs: Collection[str] = tuple(ALGORITHMS), kid_required: bool = False
) -> dict[str, Json]:
    """Verify and read the claims.

    keys: those of the issuer. Without `kid` in the header the one key that fits counts, if there is but one.
    Raises AnswerError: `signature_alg_not_allowed`, `signature_key_unknown`, `signature_invalid`, `token_malformed`.
    """
    alg = peeked.header.get("alg")
    if not isinstance(alg, str) or alg not in algs or alg not in ALGORITHMS:
        raise AnswerError("signature_alg_not_allowed")
    key = find_key(peeked, keys, kid_required=kid_required)
    if key is None:
        raise AnswerError("signature_key_unknown")
    if not _is_signed(key, alg, peeked):
        raise AnswerError("signature_invalid")
    try:
        claims = parse_json(peeked.payload, max_depth=_MAX_DEPTH)
    except ValueError as error:
        raise AnswerError("token_malformed") from error
    if not isinstance(claims, dict):
        raise AnswerError("token_malformed")
    return claims


def find_key(peeked: PeekedJws, keys: Sequence[PeerKey], *, kid_required: bool = False) -> PeerKey | None:
    """The key that a header means, or None."""
    fitting = [key for key in keys if peeked.header.get("alg") in key.algs]
    if peeked.kid is not None or kid_required:
        fitting = [key for key in fitting if peeked.kid is not None and key.kid == peeked.kid]
    return fitting[0] if len(fitting) == 1 else None


def _is_signed(key: PeerKey, alg: str, peeked: PeekedJws) -> bool:
    size = ALGORITHMS[alg].signature_bytes or key.modulus_bytes
    half = size // 2
    return (
        len(peeked.signature) == size
        # CVE-2022-21449 and its kin: r = 0 or s = 0 is never a signature, whatever a library makes of it.
        and any(peeked.signature[:half])
        and any(peeked.signature[half:])
        and JWSRegistry.algorithms[alg].verify(peeked.signing_input, peeked.signature, key.parsed)
    )
