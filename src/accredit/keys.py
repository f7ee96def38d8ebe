"""Keys and secrets: which forms are accepted, how they are named, and how new ones are made.

RFC 7517 (JWK), RFC 7518 section 6, RFC 8037, RFC 7638 (thumbprints); protocol-embed.md section 10. The algorithm of a key is
part of its record: a token's header may name it, but never chooses it.

    key = generate_deployment_key()
    key.private_jwk          # for the deployer's server, shown once
    key.public_jwk           # for Accredit
"""

import hashlib
import re
import secrets
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, cast

from joserfc.jwk import ECKey, OKPKey
from joserfc.jws import JWSRegistry

from accredit.encoding import Json, b64url_decode, b64url_encode, compact_json
from accredit.errors import MalformedError, Refused

Jwk = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    """One row of the table of signature algorithms (RFC 7518 section 3.4, RFC 8037 section 3.1)."""

    kty: str
    crv: str
    coordinates: tuple[str, ...]
    coordinate_bytes: int
    signature_bytes: int


SIGNATURE_ALGORITHMS: Mapping[str, SignatureAlgorithm] = {
    "ES512": SignatureAlgorithm("EC", "P-521", ("x", "y"), 66, 132),
    "ES256": SignatureAlgorithm("EC", "P-256", ("x", "y"), 32, 64),
    "EdDSA": SignatureAlgorithm("OKP", "Ed25519", ("x",), 32, 64),
}

# RFC 7518 section 6: every member that stands for a private or symmetric key; `priv` is that of newer key types.
PRIVATE_MEMBERS = ("d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv")


class VerificationKey(Protocol):
    """What a signature is verified with: a public key and the one algorithm that it is recorded for."""

    @property
    def alg(self) -> str: ...
    @property
    def parsed(self) -> ECKey | OKPKey: ...


@dataclass(frozen=True, slots=True)
class DeploymentKey:
    """A deployer's public key, parsed once.

    key_id: how the record is named. alg: the one algorithm it verifies. kids: what a token's `kid` may call it.
    """

    key_id: str
    alg: str
    kids: frozenset[str]
    thumbprint: str
    parsed: ECKey | OKPKey


@dataclass(frozen=True, slots=True)
class GeneratedKey:
    """A fresh key pair as JWKs: the private half for its holder alone, the public half for the other side."""

    private_jwk: dict[str, Json]
    public_jwk: dict[str, Json]
    thumbprint: str


def parse_deployment_key(
    jwk: object, alg: str = "ES512", *, key_id: str | None = None, kid: str | None = None
) -> DeploymentKey:
    """Check a deployer's public JWK and make it ready for verification.

    jwk: a JSON object. alg: `ES512`, `ES256` or `EdDSA`, the algorithm that it is recorded for. key_id: the record's name
    (default: the thumbprint). kid: the name under which it was registered, besides the thumbprint.

    Raises MalformedError with the first code that applies (protocol-embed.md section 10): `key_malformed`,
    `key_private_member`, `key_type_unsupported`, `key_use_invalid`, `key_alg_mismatch`, `key_curve_unsupported`,
    `key_encoding_invalid`, `key_value_invalid`; `field_invalid` for an alg that is none of the three.
    """
    row = _find_row(alg)
    if not isinstance(jwk, dict):
        raise MalformedError("key_malformed")
    if any(jwk.get(member) is not None for member in PRIVATE_MEMBERS):
        raise MalformedError("key_private_member")
    _check_purpose(jwk, alg)
    if jwk.get("kty") != row.kty or jwk.get("crv") != row.crv:
        raise MalformedError("key_curve_unsupported", "crv")
    public = {"kty": row.kty, "crv": row.crv, **read_members(jwk, dict.fromkeys(row.coordinates, row.coordinate_bytes))}
    try:
        parsed = _import_key(public)
    except ValueError as error:
        raise MalformedError("key_value_invalid") from error
    # The library checks points of the other curves only.
    if row.crv == "Ed25519" and not _is_point_of_ed25519(b64url_decode(public["x"])):
        raise MalformedError("key_value_invalid")
    thumbprint = jwk_thumbprint(public)
    names = frozenset(name for name in (thumbprint, kid) if name)
    return DeploymentKey(key_id or thumbprint, alg, names, thumbprint, parsed)


def _find_row(alg: str) -> SignatureAlgorithm:
    if alg not in SIGNATURE_ALGORITHMS:
        raise MalformedError("field_invalid", "alg")
    return SIGNATURE_ALGORITHMS[alg]


def _check_purpose(jwk: dict[str, Json], alg: str) -> None:
    if jwk.get("kty") not in ("EC", "OKP"):
        raise MalformedError("key_type_unsupported", "kty")
    if jwk.get("use") not in (None, "sig"):
        raise MalformedError("key_use_invalid", "use")
    if jwk.get("key_ops") not in (None, ["verify"]):
        raise MalformedError("key_use_invalid", "key_ops")
    if jwk.get("alg") not in (None, alg):
        raise MalformedError("key_alg_mismatch", "alg")


def read_members(jwk: Mapping[str, object], sizes: Mapping[str, int | None]) -> dict[str, str]:
    """The named members of a JWK, each canonical base64url of just so many octets, or of any number where the size is None.

    Coordinates keep their leading zero octets (RFC 7518 section 6.2.1.2). Raises MalformedError: `key_encoding_invalid`.
    """
    members: dict[str, str] = {}
    for name, size in sizes.items():
        text = jwk.get(name)
        try:
            octets = b64url_decode(text) if isinstance(text, str) else b""
        except ValueError:
            octets = b""
        if not isinstance(text, str) or not octets or size not in (None, len(octets)):
            raise MalformedError("key_encoding_invalid", name)
        members[name] = text
    return members


def _import_key(members: dict[str, str]) -> ECKey | OKPKey:
    # joserfc's parameter type is an invariant dict with list members, which none of these curves has.
    parameters = cast(dict[str, str | list[str]], members)
    return ECKey.import_key(parameters) if members["kty"] == "EC" else OKPKey.import_key(parameters)


_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P


def _is_point_of_ed25519(octets: bytes) -> bool:
    """Whether the octets are a point (RFC 8032 section 5.1.3) that is not of small order, for whose key anybody could sign."""
    y = int.from_bytes(octets, "little") & (2**255 - 1)
    if y >= _P:
        return False
    if pow(_x_squared(y), (_P - 1) // 2, _P) != 1:
        return False  # Not on the curve; or x is 0, which only points of small order have.
    for _ in range(3):  # Doubled three times, a point of order 2, 4 or 8 is the neutral one.
        x2 = _x_squared(y)
        y = (y * y + x2) * pow(1 - _D * x2 * y * y, -1, _P) % _P
    return y != 1


def _x_squared(y: int) -> int:
    # -x^2 + y^2 = 1 + d x^2 y^2; the divisor is never 0, because -1/d is no square.
    return (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P


def jwk_thumbprint(public: Mapping[str, str]) -> str:
    """RFC 7638 SHA-256 thumbprint of the required public members, base64url."""
    return b64url_encode(hashlib.sha256(compact_json(dict(sorted(public.items())))).digest())


# RFC 7638 section 3.2, RFC 8037 section 2: the members that a thumbprint is made of.
_THUMBPRINT_MEMBERS = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}


def public_thumbprint(jwk: Mapping[str, object]) -> str | None:
    """The thumbprint of the public half of any JWK, whatever else it holds; None if it has no such half."""
    members = _THUMBPRINT_MEMBERS.get(str(jwk.get("kty")), ())
    public = {name: text for name in members if isinstance(text := jwk.get(name), str)}
    return jwk_thumbprint(public) if members and len(public) == len(members) else None


def generate_deployment_key(alg: str = "ES512") -> GeneratedKey:
    """Make a key pair for signing deployments: the private half stays with the deployer, the public half goes to Accredit.

    alg: `ES512` (default), `ES256` or `EdDSA`. Both halves carry `alg`, as JOSE libraries want it, and the thumbprint as `kid`.
    Raises MalformedError: `field_invalid` (no such alg).
    """
    row = _find_row(alg)
    made = ECKey.generate_key(row.crv) if row.kty == "EC" else OKPKey.generate_key("Ed25519")
    public = {"kty": row.kty, "crv": row.crv} | {name: str(made.as_dict()[name]) for name in row.coordinates}
    thumbprint = jwk_thumbprint(public)
    described: dict[str, Json] = {"alg": alg, "use": "sig", "kid": thumbprint}
    private: dict[str, Json] = {**public, "d": str(made.as_dict(private=True)["d"]), **described, "key_ops": ["sign"]}
    return GeneratedKey(private, {**public, **described, "key_ops": ["verify"]}, thumbprint)


def parse_signing_key(jwk: object, alg: str | None = None) -> tuple[str, ECKey | OKPKey]:
    """Read a deployer's private JWK for signing; the algorithm is that of its curve, and alg or the JWK's own must agree.

    Raises MalformedError: `key_malformed`, `key_curve_unsupported`, `key_alg_mismatch`, `key_encoding_invalid`,
    `key_value_invalid` (also where the two halves do not belong together).
    """
    if not isinstance(jwk, dict) or not isinstance(jwk.get("d"), str):
        raise MalformedError("key_malformed")
    by_curve = {(row.kty, row.crv): name for name, row in SIGNATURE_ALGORITHMS.items()}
    own = by_curve.get((str(jwk.get("kty")), str(jwk.get("crv"))))
    if own is None:
        raise MalformedError("key_curve_unsupported", "crv")
    if alg not in (None, own) or jwk.get("alg") not in (None, own):
        raise MalformedError("key_alg_mismatch", "alg")
    row = SIGNATURE_ALGORITHMS[own]
    members = read_members(jwk, dict.fromkeys((*row.coordinates, "d"), row.coordinate_bytes))
    try:
        key = _import_key({"kty": row.kty, "crv": row.crv, **members})
    except ValueError as error:
        raise MalformedError("key_value_invalid") from error
    # Ed25519 is imported by `d` alone; a token must not name a key by an `x` that does not verify it.
    if isinstance(key, OKPKey) and OKPKey.import_key(key.public_key).as_dict()["x"] != members["x"]:
        raise MalformedError("key_value_invalid")
    return own, key


def verify_signature(key: VerificationKey, signing_input: bytes, signature: bytes) -> None:
    """Check a raw signature (R || S, or Ed25519); the one place that asks the JOSE library.

    Raises Refused: `jws_signature_invalid` (wrong length, r or s zero, or it does not verify; RFC 7518 section 3.4).
    """
    row = SIGNATURE_ALGORITHMS[key.alg]
    half = row.signature_bytes // 2
    if (
        len(signature) != row.signature_bytes
        # CVE-2022-21449 and its kin: r = 0 or s = 0 is never a signature, whatever a library makes of it.
        or (row.kty == "EC" and not (any(signature[:half]) and any(signature[half:])))
        or not JWSRegistry.algorithms[key.alg].verify(signing_input, signature, key.parsed)
    ):
        raise Refused("jws_signature_invalid")


# Secrets have a form that scanners and people recognise: accredit_{live|sandbox}_{purpose}_ + 32 random octets + CRC-32.


def generate_secret(environment: str, purpose: str) -> str:
    """A fresh secret, `accredit_{environment}_{purpose}_` + 43 base64url characters + 6 of check (design.md section 7)."""
    body = f"accredit_{environment}_{purpose}_{b64url_encode(secrets.token_bytes(32))}"
    return body + _check(body)


def has_secret_form(text: str) -> bool:
    """Whether the text is one of our secrets by prefix, length and check: worth a look-up, whatever it opens."""
    return text.startswith(("accredit_live_", "accredit_sandbox_")) and len(text) <= 128 and text[-6:] == _check(text[:-6])


_AS_WRITTEN = re.compile("[!-~]{32,128}")


def read_written_secret(text: str) -> bytes:
    """The octets of a secret that is taken as written: its ASCII, prefix included, never decoded (protocol-flow.md section 1).

    text: 32 to 128 visible ASCII characters. Raises MalformedError: `secret_malformed`.
    """
    if not isinstance(text, str) or not _AS_WRITTEN.fullmatch(text):
        raise MalformedError("secret_malformed")
    return text.encode("ascii")


def secret_hash(text: str) -> bytes:
    """How a secret is found again: SHA-256, enough for 256 random bits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _check(body: str) -> str:
    return b64url_encode(zlib.crc32(body.encode("utf-8", "surrogatepass")).to_bytes(4, "big"))
