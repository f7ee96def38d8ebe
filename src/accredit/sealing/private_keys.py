"""The private half of a key pair for sealed answers: how it is made, and how it is read.

RFC 7518 section 6, RFC 8037 section 2; protocol-rest.md sections 6 and 16. A private half is as strictly judged as its public one,
except for what other libraries write into it: `use` may be absent, `key_ops` is not looked at.

    made = generate_encryption_key("ECDH-ES", crv="P-384")
    made.public_jwk                                     # to be sent as encryptionPublicKey
    key = parse_decryption_key(made.private_jwk)        # stays where answers are read
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast

from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from joserfc.jwk import ECKey, OKPKey, RSAKey

from accredit.encoding import Json, b64url_decode
from accredit.errors import MalformedError
from accredit.keys import GeneratedKey, read_members
from accredit.sealing.algorithms import CURVES, KEY_ALGORITHMS, RSA_BITS
from accredit.sealing.keys import PublicKey, parse_encryption_key

PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | x25519.X25519PrivateKey

_RSA_PRIVATE = ("d", "p", "q", "dp", "dq", "qi")
_PUBLIC = ("kty", "crv", "x", "y", "n", "e", "alg", "kid")


@dataclass(frozen=True, slots=True)
class DecryptionKey:
    """A private key that opens what was sealed to its public half; `parse_decryption_key` makes it.

    alg: its one algorithm. crv: its curve, None for RSA. kid: as the JWK has it, or None. thumbprint: RFC 7638, of the public half.
    """

    alg: str
    crv: str | None
    kid: str | None
    thumbprint: str
    parsed: PrivateKey


def parse_decryption_key(jwk: object) -> DecryptionKey:
    """Check a private JWK and make it ready for opening; do it once, because it costs more than opening does.

    jwk: a JSON object with `alg`, and for RSA with all of `d p q dp dq qi`.

    Raises MalformedError: `key_malformed` (also for a public half alone), `key_type_not_allowed`, `key_use`,
    `key_size_not_allowed`, `key_encoding_invalid`, `key_value_invalid` (also where the two halves do not belong together).
    """
    if not isinstance(jwk, dict) or jwk.get("d") is None:
        raise MalformedError("key_malformed", "d")
    use = "enc" if jwk.get("use") is None else jwk["use"]
    public = parse_encryption_key({name: jwk.get(name) for name in _PUBLIC} | {"use": use})
    crv = jwk.get("crv") if jwk["kty"] != "RSA" else None
    try:
        parsed = _import_private(jwk, public.parsed)
    except ValueError as error:
        raise MalformedError("key_value_invalid") from error
    return DecryptionKey(public.alg, crv, public.kid, public.thumbprint, parsed)


def _import_private(jwk: Mapping[str, object], public: PublicKey) -> PrivateKey:
    """Raises ValueError where the halves do not belong together; MalformedError `key_encoding_invalid`."""
    if isinstance(public, rsa.RSAPublicKey):
        texts = read_members(jwk, dict.fromkeys(_RSA_PRIVATE))
        d, p, q, dp, dq, qi = (int.from_bytes(b64url_decode(texts[name])) for name in _RSA_PRIVATE)
        return rsa.RSAPrivateNumbers(p, q, d, dp, dq, qi, public.public_numbers()).private_key()
    size = CURVES[str(jwk["crv"])].coordinate_bytes
    octets = b64url_decode(read_members(jwk, {"d": size})["d"])
    if isinstance(public, ec.EllipticCurvePublicKey):
        return ec.EllipticCurvePrivateNumbers(int.from_bytes(octets), public.public_numbers()).private_key()
    parsed = x25519.X25519PrivateKey.from_private_bytes(octets)
    if parsed.public_key() != public:
        raise ValueError("another key's half")
    return parsed


def generate_encryption_key(
    alg: str = "RSA-OAEP", *, size: int = 2048, crv: str = "P-256", kid: str | None = None
) -> GeneratedKey:
    """Make a key pair for sealed answers: the private half stays where they are read, the public half goes into requests.

    alg: `RSA-OAEP` (default, the original's), `RSA-OAEP-256`, `ECDH-ES` or `ECDH-ES+A256KW`. size: of RSA, 2048, 3072 or 4096 bits.
    crv: for ECDH, `P-256`, `P-384`, `P-521` or `X25519`. kid: 1 to 256 characters, which answers then name; None for none, as the
    original has it. Raises MalformedError: `field_invalid` (no such alg, size or crv), `key_malformed` (the kid).
    """
    if alg not in KEY_ALGORITHMS:
        raise MalformedError("field_invalid", "alg")
    if KEY_ALGORITHMS[alg].oaep is not None and size not in RSA_BITS:
        raise MalformedError("field_invalid", "size")
    if crv not in CURVES:
        raise MalformedError("field_invalid", "crv")
    private = _generate(alg, size, crv) | {"alg": alg, "use": "enc"} | ({} if kid is None else {"kid": kid})
    public = {name: value for name, value in private.items() if name not in ("d", *_RSA_PRIVATE)}
    return GeneratedKey(private, public, parse_encryption_key(public).thumbprint)


def _generate(alg: str, size: int, crv: str) -> dict[str, Json]:
    made: RSAKey | ECKey | OKPKey
    if KEY_ALGORITHMS[alg].oaep is not None:
        made = RSAKey.generate_key(size)
    else:
        made = ECKey.generate_key(crv) if CURVES[crv].kty == "EC" else OKPKey.generate_key("X25519")
    return cast("dict[str, Json]", made.as_dict(private=True))
