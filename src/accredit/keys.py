"""Keys and secrets: which forms are accepted, how they are named, and how new ones are made.

RFC 7517 (JWK), RFC 7518 section 6, RFC 8037, RFC 7638 (thumbprints); protocol-embed.md section 10. The algorithm of a key is
part of its record: a token's header may name it, but never chooses it.

    key = generate_deployment_key()
    key.private_jwk          # for the deployer's server, shown once
    key.public_jwk           # for Accredit
"""

import hashlib
import secrets
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

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
    """A fresh key pair as JWKs: the private half for the deployer alone, the public half for the record."""

    private_jwk: dict[str, Json]
    public_jwk: dict[str, Json]
    thumbprint: str


def parse_deployment_key(jwk: Json, alg: str = "ES512", *, key_id: str | None = None, kid: str | None = None) -> DeploymentKey:
    """Check a deployer's public JWK and make it ready for verification.

    jwk: a JSON object. alg: `ES512`, `ES256` or `EdDSA`, the algorithm that it is recorded for. key_id: the record's name
    (default: the thumbprint). kid: the name under which it was registered, besides the thumbprint.

    Raises MalformedError with the first code that applies (protocol-embed.md section 10): `key_malformed`,
    `key_private_member`, `key_type_unsupported`, `key_use_invalid`, `key_alg_mismatch`, `key_curve_unsupported`,
    `key_encoding_invalid`, `key_value_invalid`.
    """
    if not isinstance(jwk, dict):
        raise MalformedError("key_malformed")
    if any(jwk.get(member) is not None for member in PRIVATE_MEMBERS):
        raise MalformedError("key_private_member")
    _check_purpose(jwk, alg)
    row = SIGNATURE_ALGORITHMS[alg]
    if jwk.get("kty") != row.kty or jwk.get("crv") != row.crv:
        raise MalformedError("key_curve_unsupported", "crv")
    public = _public_members(jwk, row)
    try:
        parsed = _import_key(public)
        _ = parsed.public_key  # The point is checked when the native key is built.
    except ValueError as error:
        raise MalformedError("key_value_invalid") from error
    thumbprint = jwk_thumbprint(public)
    names = frozenset(name for name in (thumbprint, kid) if name)
    return DeploymentKey(key_id or thumbprint, alg, names, thumbprint, parsed)


def _check_purpose(jwk: dict[str, Json], alg: str) -> None:
    if jwk.get("kty") not in ("EC", "OKP"):
        raise MalformedError("key_type_unsupported", "kty")
    if jwk.get("use") not in (None, "sig"):
        raise MalformedError("key_use_invalid", "use")
    if jwk.get("key_ops") not in (None, ["verify"]):
        raise MalformedError("key_use_invalid", "key_ops")
    if jwk.get("alg") not in (None, alg):
        raise MalformedError("key_alg_mismatch", "alg")


def _public_members(jwk: dict[str, Json], row: SignatureAlgorithm) -> dict[str, str]:
    """The members that make the key, each of full length (RFC 7518 section 6.2.1.2: leading zero octets are kept)."""
    public = {"kty": row.kty, "crv": row.crv}
    for name in row.coordinates:
        text = jwk.get(name)
        try:
            octets = b64url_decode(text) if isinstance(text, str) else b""
        except ValueError:
            octets = b""
        if len(octets) != row.coordinate_bytes:
            raise MalformedError("key_encoding_invalid", name)
        public[name] = cast(str, text)
    return public


def _import_key(members: dict[str, str]) -> ECKey | OKPKey:
    # joserfc's parameter type is an invariant dict with list members, which none of these curves has.
    parameters = cast(dict[str, str | list[str]], members)
    return ECKey.import_key(parameters) if members["kty"] == "EC" else OKPKey.import_key(parameters)


def jwk_thumbprint(public: Mapping[str, str]) -> str:
    """RFC 7638 SHA-256 thumbprint of the required public members, base64url."""
    return b64url_encode(hashlib.sha256(compact_json(dict(sorted(public.items())))).digest())


# RFC 7638 section 3.2, RFC 8037 section 2: the members that a thumbprint is made of.
_THUMBPRINT_MEMBERS = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}


def public_thumbprint(jwk: dict[str, Json]) -> str | None:
    """The thumbprint of the public half of any JWK, whatever else it holds; None if it has no such half."""
    members = _THUMBPRINT_MEMBERS.get(str(jwk.get("kty")), ())
    public = {name: text for name in members if isinstance(text := jwk.get(name), str)}
    return jwk_thumbprint(public) if members and len(public) == len(members) else None


def generate_deployment_key(alg: str = "ES512") -> GeneratedKey:
    """Make a key pair for signing deployments.

    alg: `ES512` (default), `ES256` or `EdDSA`. Both halves carry `alg`, as JOSE libraries want it, and the thumbprint as `kid`.
    """
    row = SIGNATURE_ALGORITHMS[alg]
    made = ECKey.generate_key(row.crv) if row.kty == "EC" else OKPKey.generate_key("Ed25519")
    public = {"kty": row.kty, "crv": row.crv} | {name: str(made.as_dict()[name]) for name in row.coordinates}
    thumbprint = jwk_thumbprint(public)
    described: dict[str, Json] = {"alg": alg, "use": "sig", "kid": thumbprint}
    private: dict[str, Json] = {**public, "d": str(made.as_dict(private=True)["d"]), **described, "key_ops": ["sign"]}
    return GeneratedKey(private, {**public, **described, "key_ops": ["verify"]}, thumbprint)


def parse_signing_key(jwk: Json, alg: str | None = None) -> tuple[str, ECKey | OKPKey]:
    """Read a deployer's private JWK for signing; the algorithm is `alg`, else the JWK's own, else that of its curve.

    Raises MalformedError: `key_malformed`, `key_curve_unsupported`, `key_value_invalid`.
    """
    if not isinstance(jwk, dict) or not isinstance(jwk.get("d"), str):
        raise MalformedError("key_malformed")
    by_curve = {(row.kty, row.crv): name for name, row in SIGNATURE_ALGORITHMS.items()}
    own = by_curve.get((str(jwk.get("kty")), str(jwk.get("crv"))))
    if own is None or alg not in (None, own) or jwk.get("alg") not in (None, own):
        raise MalformedError("key_curve_unsupported", "crv")
    row = SIGNATURE_ALGORITHMS[own]
    members = {name: str(jwk.get(name)) for name in ("kty", "crv", *row.coordinates, "d")}
    try:
        return own, _import_key(members)
    except ValueError as error:
        raise MalformedError("key_value_invalid") from error


def verify_signature(key: DeploymentKey, signing_input: bytes, signature: bytes) -> None:
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


def secret_hash(text: str) -> bytes:
    """How a secret is found again: SHA-256, enough for 256 random bits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _check(body: str) -> str:
    return b64url_encode(zlib.crc32(body.encode("utf-8", "surrogatepass")).to_bytes(4, "big"))
