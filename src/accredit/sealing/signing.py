"""Our own signatures over answers: the server's `signing` keys, and strict compact JWS under them.

RFC 7515, RFC 7518 section 3; protocol-rest.md section 15. A header has `alg`, `kid` and `typ`, and what its use adds; the key that
`kid` names decides the algorithm; `typ` keeps a signature of one use from being another's.

    key = parse_server_key(generate_server_key().private_jwk)
    compact = sign_compact(b'{"sub":"c-1"}', key, typ="at+jwt")
    verify_compact(compact, {"keys": [public_jwk]}, typ="at+jwt").payload         # b'{"sub":"c-1"}'
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from accredit.encoding import Json, b64url_decode, b64url_encode, compact_json, parse_json
from accredit.errors import MalformedError
from accredit.keys import GeneratedKey, jwk_thumbprint, read_members
from accredit.sealing.algorithms import RSA_BITS

# The first is what is made and used where nothing is said.
SERVER_ALGORITHMS: Mapping[str, str] = {"ES256": "EC", "PS256": "RSA", "RS256": "RSA"}
_PUBLIC, _PRIVATE = {"EC": ("x", "y"), "RSA": ("n", "e")}, {"EC": ("d",), "RSA": ("d", "p", "q", "dp", "dq", "qi")}
_P256_BYTES, _RSA_BITS = 32, 2048
_KID = re.compile("[!-~]{1,256}")


@dataclass(frozen=True, slots=True)
class ServerKey:
    """A key of the server's that signs, or its public half that verifies. kid: what the header calls it. alg: its one algorithm."""

    kid: str
    alg: str
    parsed: ECKey | RSAKey

    @property
    def signature_bytes(self) -> int:
        """How many octets a signature has, no more and no fewer."""
        return 2 * _P256_BYTES if isinstance(self.parsed, ECKey) else self.parsed.public_key.key_size // 8

    def sign(self, octets: bytes) -> bytes:
        """The raw signature (R || S, or of RSA), as JWS and RFC 9421 have it."""
        return JWSRegistry.algorithms[self.alg].sign(octets, self.parsed)

    def is_signed(self, octets: bytes, signature: bytes) -> bool:
        """Whether this key signed these octets."""
        half = self.signature_bytes // 2
        return (
            len(signature) == self.signature_bytes
            # CVE-2022-21449 and its kin: r = 0 or s = 0 is never a signature, whatever a library makes of it.
            and any(signature[:half])
            and any(signature[half:])
            and JWSRegistry.algorithms[self.alg].verify(octets, signature, self.parsed)
        )


def generate_server_key(alg: str = "ES256") -> GeneratedKey:
    """Make a key pair for signing: `ES256` (default), `PS256` or `RS256` (2048 bits). Both halves have the thumbprint as `kid`.

    Raises MalformedError: `field_invalid` (no such alg).
    """
    if alg not in SERVER_ALGORITHMS:
        raise MalformedError("field_invalid", "alg")
    made = ECKey.generate_key("P-256") if SERVER_ALGORITHMS[alg] == "EC" else RSAKey.generate_key(_RSA_BITS)
    public = {name: str(value) for name, value in made.as_dict(private=False).items()}
    thumbprint = jwk_thumbprint(public)
    described: dict[str, Json] = {"alg": alg, "use": "sig", "kid": thumbprint}
    private = cast("dict[str, Json]", made.as_dict(private=True))
    return GeneratedKey({**private, **described}, {**public, **described}, thumbprint)


def parse_server_key(jwk: object) -> ServerKey:
    """Read a key of a server: with its private half to sign, without to verify.

    jwk: a JSON object with one of the three `alg`, and as `kid` 1 to 256 visible ASCII characters.

    Raises MalformedError: `key_malformed`, `key_alg_mismatch`, `key_use_invalid`, `key_curve_unsupported`, `key_encoding_invalid`,
    `key_value_invalid`.
    """
    if not isinstance(jwk, dict):
        raise MalformedError("key_malformed")
    kid = jwk.get("kid")
    if not isinstance(kid, str) or not _KID.fullmatch(kid):
        raise MalformedError("key_malformed", "kid")
    alg, kty = jwk.get("alg"), jwk.get("kty")
    if not isinstance(alg, str) or SERVER_ALGORITHMS.get(alg) != kty:
        raise MalformedError("key_alg_mismatch", "alg")
    if jwk.get("use") not in (None, "sig"):
        raise MalformedError("key_use_invalid", "use")
    names = _PUBLIC[str(kty)] + (_PRIVATE[str(kty)] if jwk.get("d") is not None else ())
    if kty == "EC" and jwk.get("crv") != "P-256":
        raise MalformedError("key_curve_unsupported", "crv")
    members = read_members(jwk, dict.fromkeys(names, _P256_BYTES if kty == "EC" else None))
    return ServerKey(kid, alg, _import_key(members))


def _import_key(members: dict[str, str]) -> ECKey | RSAKey:
    if "n" in members and int.from_bytes(b64url_decode(members["n"])).bit_length() not in RSA_BITS:
        raise MalformedError("key_value_invalid", "n")
    try:
        if "n" in members:
            return RSAKey.import_key({"kty": "RSA", **members})
        return ECKey.import_key({"kty": "EC", "crv": "P-256", **members})
    except ValueError as error:
        raise MalformedError("key_value_invalid") from error


def sign_compact(payload: bytes, key: ServerKey, *, typ: str, more: Mapping[str, Json] | None = None) -> str:
    """A compact JWS whose header is `alg`, `kid`, `typ`, and what a use of it has more."""
    header = {"alg": key.alg, "kid": key.kid, "typ": typ, **(more or {})}
    signing_input = f"{b64url_encode(compact_json(header))}.{b64url_encode(payload)}"
    return f"{signing_input}.{b64url_encode(key.sign(signing_input.encode('ascii')))}"


@dataclass(frozen=True, slots=True)
class VerifiedCompact:
    """What was signed, and under which header."""

    payload: bytes
    header: dict[str, Json]


def verify_compact(
    compact: str, jwks: Mapping[str, object], *, typ: str, more: frozenset[str] = frozenset()
) -> VerifiedCompact:
    """Verify a compact JWS by a JWKS. more: further members that the header must have, for the caller to judge.

    Raises ValueError for whatever does not hold: form, header, key (`kid` must name exactly one), signature.
    """
    header_text, payload_text, signature_text = compact.split(".")
    header = parse_json(b64url_decode(header_text), max_depth=2)
    if not isinstance(header, dict) or header.keys() != {"alg", "kid", "typ", *more} or header["typ"] != typ:
        raise ValueError("header")
    key, signature = find_server_key(jwks, header["kid"]), b64url_decode(signature_text)
    signing_input = f"{header_text}.{payload_text}".encode("ascii")
    if header["alg"] != key.alg or not key.is_signed(signing_input, signature):
        raise ValueError("signature")
    return VerifiedCompact(b64url_decode(payload_text), header)


def find_server_key(jwks: Mapping[str, object], kid: object) -> ServerKey:
    """The one key of a JWKS that has this `kid`. Raises ValueError for none, for several, and for one that is no key of ours."""
    keys = jwks.get("keys")
    named = [jwk for jwk in keys if isinstance(jwk, dict) and jwk.get("kid") == kid] if isinstance(keys, list) else []
    if len(named) != 1:
        raise ValueError("key")
    try:
        return parse_server_key({name: value for name, value in named[0].items() if name != "d"})
    except MalformedError as error:
        raise ValueError("key") from error
