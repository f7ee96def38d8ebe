"""Keys that open encrypted passports, and the algorithms that they may be recorded for.

RFC 7518 sections 4 and 6; protocol-embed.md section 8. The record of a key says which `alg` and `enc` it is for; a header only
has to agree. Symmetric keys are the deployer's and ours alike; of a pair the deployer has the public half.

    made = generate_passport_key("ECDH-ES+A128KW")
    made.public_jwk          # for the deployer's server
    parse_passport_key(made.private_jwk, "ECDH-ES+A128KW", key_id="pk_1")
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from joserfc.jwk import ECKey, OctKey, RSAKey

from accredit.encoding import Json, b64url_decode
from accredit.errors import MalformedError
from accredit.keys import read_members


@dataclass(frozen=True, slots=True)
class PassportAlgorithm:
    """One row of the table of key algorithms.

    header: members that the algorithm adds to the header. encrypted_key: whether the second segment of the JWE is filled.
    """

    kty: str
    header: frozenset[str] = frozenset()
    encrypted_key: bool = True


ALGORITHMS: Mapping[str, PassportAlgorithm] = {
    "A128KW": PassportAlgorithm("oct"),
    "dir": PassportAlgorithm("oct", encrypted_key=False),
    "A128GCMKW": PassportAlgorithm("oct", frozenset(("iv", "tag"))),
    "ECDH-ES": PassportAlgorithm("EC", frozenset(("epk",)), encrypted_key=False),
    "ECDH-ES+A128KW": PassportAlgorithm("EC", frozenset(("epk",))),
    "ECDH-ES+A256KW": PassportAlgorithm("EC", frozenset(("epk",))),
    "RSA-OAEP-256": PassportAlgorithm("RSA"),
}
PASSPORT_ALGORITHMS = tuple(ALGORITHMS)
# Anybody can encrypt to a public key, so what these seal counts only inside a signed token.
PUBLIC_KEY_ALGORITHMS = frozenset(name for name, row in ALGORITHMS.items() if row.kty != "oct")
_KEY_BYTES = {"A128GCM": 16, "A256GCM": 32}
PASSPORT_ENCRYPTIONS = tuple(_KEY_BYTES)
CURVE_BYTES: Mapping[str, int] = {"P-256": 32, "P-384": 48, "P-521": 66}
_RSA_PUBLIC, _RSA_PRIVATE, _RSA_MIN_BITS = ("n", "e"), ("d", "p", "q", "dp", "dq", "qi"), 2048


@dataclass(frozen=True, slots=True)
class PassportKey:
    """A key that opens encrypted passports; alg and enc are the record's, and a header must agree.

    key_id: the record's name, which a header's `kid` may give. `parse_passport_key` makes one from a JWK.
    """

    key_id: str
    alg: str
    enc: str
    key: OctKey | ECKey | RSAKey


@dataclass(frozen=True, slots=True)
class GeneratedPassportKey:
    """A fresh key. private_jwk opens; public_jwk seals, None for a symmetric key, which does both."""

    private_jwk: dict[str, Json]
    public_jwk: dict[str, Json] | None


def parse_passport_key(jwk: object, alg: str = "A128KW", enc: str = "A128GCM", *, key_id: str = "") -> PassportKey:
    """Check a JWK and make it ready for opening (a symmetric key, a private half) or for sealing (a public half).

    jwk: a JSON object; symmetric keys have 128 bits, for `dir` as many as enc; EC keys are on P-256, P-384 or P-521, RSA keys have
    2048 bits or more. alg: `A128KW`, `dir`, `A128GCMKW`, `ECDH-ES`, `ECDH-ES+A128KW`, `ECDH-ES+A256KW` or `RSA-OAEP-256`, and enc:
    `A128GCM` or `A256GCM`: what the key is recorded for. key_id: the record's name, which `open_passport` tells, and which the
    `kid` of a header picks.

    Raises MalformedError: `field_invalid` (no such alg or enc), `key_malformed`, `key_type_unsupported`, `key_use_invalid`,
    `key_alg_mismatch`, `key_curve_unsupported`, `key_encoding_invalid`, `key_value_invalid`.
    """
    row = _find_row(alg, enc)
    if not isinstance(jwk, dict):
        raise MalformedError("key_malformed")
    if jwk.get("kty") != row.kty:
        raise MalformedError("key_type_unsupported", "kty")
    if jwk.get("use") not in (None, "enc"):
        raise MalformedError("key_use_invalid", "use")
    # RFC 7518 section 4.5: a key for `dir` is a key of the content encryption, and may say so.
    if jwk.get("alg") not in (None, alg, *((enc,) if alg == "dir" else ())):
        raise MalformedError("key_alg_mismatch", "alg")
    if row.kty == "oct":
        return PassportKey(key_id, alg, enc, _read_octets(jwk, _octet_key_bytes(alg, enc)))
    return PassportKey(key_id, alg, enc, _read_point(jwk) if row.kty == "EC" else _read_rsa(jwk))


def generate_passport_key(alg: str = "A128KW", enc: str = "A128GCM") -> GeneratedPassportKey:
    """Make a key for encrypted passports: symmetric, a P-256 pair, or an RSA pair of 2048 bits, as alg asks.

    Raises MalformedError: `field_invalid` (no such alg or enc).
    """
    row = _find_row(alg, enc)
    made: OctKey | ECKey | RSAKey
    if row.kty == "oct":
        made = OctKey.generate_key(8 * _octet_key_bytes(alg, enc))
    else:
        made = ECKey.generate_key("P-256") if row.kty == "EC" else RSAKey.generate_key(_RSA_MIN_BITS)
    private = cast(dict[str, Json], made.as_dict(private=True)) | {"alg": alg, "use": "enc"}
    public = None if row.kty == "oct" else cast(dict[str, Json], made.as_dict()) | {"alg": alg, "use": "enc"}
    return GeneratedPassportKey(private, public)


def _find_row(alg: str, enc: str) -> PassportAlgorithm:
    if alg not in ALGORITHMS:
        raise MalformedError("field_invalid", "alg")
    if enc not in PASSPORT_ENCRYPTIONS:
        raise MalformedError("field_invalid", "enc")
    return ALGORITHMS[alg]


def _octet_key_bytes(alg: str, enc: str) -> int:
    return _KEY_BYTES[enc] if alg == "dir" else 16


def _read_octets(jwk: Mapping[str, object], size: int) -> OctKey:
    return OctKey.import_key(_parameters("oct", read_members(jwk, {"k": size})))


def _read_point(jwk: Mapping[str, object]) -> ECKey:
    curve = jwk.get("crv")
    if not isinstance(curve, str) or curve not in CURVE_BYTES:
        raise MalformedError("key_curve_unsupported", "crv")
    members = read_members(jwk, dict.fromkeys(("x", "y", "d") if "d" in jwk else ("x", "y"), CURVE_BYTES[curve]))
    try:
        return ECKey.import_key(_parameters("EC", members | {"crv": curve}))
    except ValueError as error:
        raise MalformedError("key_value_invalid") from error


def _read_rsa(jwk: Mapping[str, object]) -> RSAKey:
    members = read_members(jwk, dict.fromkeys(_RSA_PUBLIC + _RSA_PRIVATE if "d" in jwk else _RSA_PUBLIC))
    if int.from_bytes(b64url_decode(members["n"])).bit_length() < _RSA_MIN_BITS:
        raise MalformedError("key_value_invalid", "n")
    try:
        return RSAKey.import_key(_parameters("RSA", members))
    except ValueError as error:
        raise MalformedError("key_value_invalid") from error


def _parameters(kty: str, members: dict[str, str]) -> dict[str, str | list[str]]:
    # Nothing but what makes the key: the JOSE library would enforce `key_ops`, which others fill in as they like.
    return {"kty": kty, **members}
