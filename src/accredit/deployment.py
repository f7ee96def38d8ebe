"""Signed deployments: compact JWS, ES512, by the deployer's server.

RFC 7515, RFC 7518 section 3.4; protocol-embed.md sections 5 to 7. The strict profile stands before the JOSE library: canonical
base64url, exact header members, the algorithm of the key record, the exact signature length, no duplicate members.

    token = sign_deployment({"deployer_id": "d", "integration_id": "i", "owner_id": "o", "uid": "user-1"}, private_jwk)
    key = parse_deployment_key(public_jwk)
    verified = verify_deployment(token, [key], now=int(time.time()))
    verified.properties.uid          # "user-1"
"""

import re
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, cast

from joserfc.jws import JWSRegistry

from accredit.encoding import DuplicateMemberError, Json, JsonError, b64url_decode, b64url_encode, compact_json, parse_json
from accredit.errors import Refused
from accredit.keys import (
    SIGNATURE_ALGORITHMS,
    DeploymentKey,
    generate_deployment_key,
    parse_deployment_key,
    parse_signing_key,
    public_thumbprint,
    verify_signature,
)
from accredit.properties import NO_DIRECT_PROPERTIES, DirectProperties, Properties, is_id, merge_signed

MAX_TOKEN_BYTES = 64 * 1024
TOKEN_TYPE = "accredit-deployment+jws"
LEEWAY_S, MAX_LIFETIME_S = 30, 300
_JTI = re.compile(r"[!-~]{16,128}")
_EXTENDED_HEADER = frozenset(("alg", "kid", "typ"))

Demand = Literal["off", "warn", "require"]


@dataclass(frozen=True, slots=True)
class TokenPolicy:
    """What an integration demands of tokens beyond the original; `warn` passes and is told in `warnings` (section 6)."""

    key_id: Demand = "off"
    expiry: Demand = "off"
    single_use: Demand = "off"
    audience: Demand = "off"
    origins: Demand = "off"


@dataclass(frozen=True, slots=True)
class PeekedDeployment:
    """A token of the right shape. Nothing in it is verified; `peek_deployment` makes it."""

    alg: str
    kid: str | None
    typ: str | None
    payload: dict[str, Json]
    signing_input: bytes
    signature: bytes
    deployer_id: str
    integration_id: str


@dataclass(frozen=True, slots=True)
class VerifiedDeployment:
    """What a deployer signed; only `verify_deployment` makes it. expires, jti: the claims, or None. key_id: who signed."""

    properties: Properties
    key_id: str
    jti: str | None
    expires: int | None
    warnings: tuple[str, ...] = ()
    _made_by: object = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self._made_by is not _VERIFIER:
            raise TypeError("a VerifiedDeployment comes from verify_deployment only")


_VERIFIER = object()
ORIGINAL_POLICY = TokenPolicy()


def verify_deployment(
    token: str | PeekedDeployment,
    keys: Sequence[DeploymentKey],
    *,
    now: int,
    policy: TokenPolicy = ORIGINAL_POLICY,
    audience: str | None = None,
    origin: str | None = None,
    direct: DirectProperties = NO_DIRECT_PROPERTIES,
    strict_direct: bool = False,
    verified_by: str | None = None,
) -> VerifiedDeployment:
    """Verify a signed deployment and return what counts of it.

    token: compact JWS of at most 64 KiB, or what `peek_deployment` made of it. keys: the deployer's live keys. now: Unix
    seconds; 30 s of leeway. audience: the server's public URL. origin: the page's, None if it has none. direct: what the page
    passed beside the token. verified_by: id of a key that verified these very octets before (a cache; never from a caller).

    Numbers are those of protocol-embed.md section 7: (1) shape, (4) signature, (5) freshness, (6) properties.
    Raises Refused with the first code that applies; every code is in `accredit.errors.CODES`. Replay of `jti` is the
    caller's to check, and so is that the integration is the deployer's.
    """
    peeked = peek_deployment(token) if isinstance(token, str) else token  # (1)
    key = _find_signer(peeked, keys, policy, verified_by)  # (4)
    _check_freshness(peeked.payload, policy, now, audience, origin)  # (5)
    properties = merge_signed(peeked.payload, direct, strict=strict_direct)  # (6)
    return VerifiedDeployment(
        properties=properties,
        key_id=key.key_id,
        jti=cast(str | None, peeked.payload.get("jti")),
        expires=cast(int | None, peeked.payload.get("exp")),
        warnings=_policy_warnings(peeked, policy) + properties.warnings,
        _made_by=_VERIFIER,
    )


def peek_deployment(token: str) -> PeekedDeployment:
    """Read the shape of a token: step 1 of protocol-embed.md section 7. Nothing it returns is verified.

    Raises Refused: `jws_malformed`, `jws_header_not_allowed`, `jws_alg_not_allowed`, `payload_malformed`,
    `payload_duplicate_member`, `payload_not_object`, `missing_required_property`.
    """
    parts = token.split(".")
    if len(parts) != 3 or not all(parts) or len(token) > MAX_TOKEN_BYTES:
        raise Refused("jws_malformed")
    try:
        octets, payload_octets, signature = (b64url_decode(part) for part in parts)
        header = _ORIGINAL_HEADERS.get(octets) or parse_json(octets, max_depth=3)
    except ValueError as error:
        raise Refused("jws_malformed") from error
    alg, kid, typ = _check_header(header)
    payload = _parse_payload(payload_octets)
    for name in ("deployer_id", "integration_id"):
        if not is_id(payload.get(name)):
            raise Refused("missing_required_property", name)
    return PeekedDeployment(
        alg=alg,
        kid=kid,
        typ=typ,
        payload=payload,
        signing_input=token[: len(parts[0]) + 1 + len(parts[1])].encode("ascii"),
        signature=signature,
        deployer_id=cast(str, payload["deployer_id"]),
        integration_id=cast(str, payload["integration_id"]),
    )


# What the original's clients send, spelt as their library spells it; saves parsing the same few octets each time.
_ORIGINAL_HEADERS: Mapping[bytes, Json] = {compact_json({"alg": alg}): {"alg": alg} for alg in SIGNATURE_ALGORITHMS}


def _check_header(header: Json) -> tuple[str, str | None, str | None]:
    if not isinstance(header, dict):
        raise Refused("jws_malformed")
    kid, typ = header.get("kid"), header.get("typ")
    if not header.keys() <= _EXTENDED_HEADER or (typ is not None and typ != TOKEN_TYPE):
        raise Refused("jws_header_not_allowed")
    if kid is not None and not isinstance(kid, str):
        raise Refused("jws_header_not_allowed")
    alg = header.get("alg")
    if not isinstance(alg, str) or alg not in SIGNATURE_ALGORITHMS:
        raise Refused("jws_alg_not_allowed")
    return alg, kid, typ if isinstance(typ, str) else None


def _parse_payload(octets: bytes) -> dict[str, Json]:
    try:
        payload = parse_json(octets, max_depth=3)
    except DuplicateMemberError as error:
        raise Refused("payload_duplicate_member") from error
    except JsonError as error:
        raise Refused("payload_malformed") from error
    if not isinstance(payload, dict):
        raise Refused("payload_not_object")
    return payload


def _find_signer(
    peeked: PeekedDeployment, keys: Sequence[DeploymentKey], policy: TokenPolicy, verified_by: str | None
) -> DeploymentKey:
    """Step 4: the live key that verifies the signature."""
    try:
        candidates = _find_candidates(peeked, keys, policy)
    except Refused:
        spend_verification(peeked)
        raise
    signer = _try_keys(peeked, candidates, verified_by)
    if policy.key_id == "require" and (peeked.kid is None or peeked.typ is None):
        raise Refused("token_claim_missing", "kid" if peeked.kid is None else "typ")
    return signer


def _find_candidates(peeked: PeekedDeployment, keys: Sequence[DeploymentKey], policy: TokenPolicy) -> Sequence[DeploymentKey]:
    if policy.key_id == "off" and (peeked.kid is not None or peeked.typ is not None):
        raise Refused("jws_header_not_allowed")
    named = keys if peeked.kid is None else [key for key in keys if peeked.kid in key.kids]
    if peeked.kid is not None and not named:
        raise Refused("jws_key_unknown")
    # The record chooses the algorithm; the header only has to agree with it.
    candidates = [key for key in named if key.alg == peeked.alg]
    if not candidates:
        raise Refused("jws_alg_not_allowed" if keys else "jws_signature_invalid")
    return candidates


def spend_verification(peeked: PeekedDeployment | None) -> None:
    """Verify with a key that signed nothing, so that a refusal before any key was tried takes as long as one after."""
    if peeked is not None:
        with suppress(Refused):
            verify_signature(_dummy_key(peeked.alg), peeked.signing_input, peeked.signature)


@cache
def _dummy_key(alg: str) -> DeploymentKey:
    return parse_deployment_key(generate_deployment_key(alg).public_jwk, alg)


def _try_keys(peeked: PeekedDeployment, candidates: Sequence[DeploymentKey], verified_by: str | None) -> DeploymentKey:
    for key in candidates:
        if key.key_id == verified_by:
            return key
    for key in candidates:
        try:
            verify_signature(key, peeked.signing_input, peeked.signature)
        except Refused:
            continue
        return key
    raise Refused("jws_signature_invalid")


def _check_freshness(payload: dict[str, Json], policy: TokenPolicy, now: int, audience: str | None, origin: str | None) -> None:
    """Step 5. Claims that are present are checked at every policy value."""
    issued, expires, jti, named, origins = (payload.get(name) for name in ("iat", "exp", "jti", "aud", "origins"))
    if policy is ORIGINAL_POLICY and issued is expires is jti is named is origins is None:
        return
    _check_claim_types(payload)
    for demand, names in _demanded(policy):
        if demand == "require":
            for name in names:
                if payload.get(name) is None:
                    raise Refused("token_claim_missing", name)
    if isinstance(issued, int) and issued > now + LEEWAY_S:
        raise Refused("token_not_yet_valid", "iat")
    if isinstance(expires, int):
        if expires <= now - LEEWAY_S:
            raise Refused("token_expired", "exp")
        if policy.expiry == "require" and isinstance(issued, int) and not 1 <= expires - issued <= MAX_LIFETIME_S:
            raise Refused("token_lifetime", "exp")
    if named is not None and audience not in ([named] if isinstance(named, str) else cast(list[Json], named)):
        raise Refused("token_audience_mismatch", "aud")
    if isinstance(origins, list) and origin not in origins:
        raise Refused("token_origin_mismatch", "origins")


def _check_claim_types(payload: dict[str, Json]) -> None:
    for name in ("iat", "exp"):
        value = payload.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            raise Refused("token_claims_invalid", name)
    jti, named, origins = payload.get("jti"), payload.get("aud"), payload.get("origins")
    if jti is not None and not (isinstance(jti, str) and _JTI.fullmatch(jti) and payload.get("exp") is not None):
        raise Refused("token_claims_invalid", "jti")
    if named is not None and not isinstance(named, str) and not _is_list_of_texts(named):
        raise Refused("token_claims_invalid", "aud")
    if origins is not None and not _is_list_of_texts(origins):
        raise Refused("token_claims_invalid", "origins")


def _is_list_of_texts(value: Json) -> bool:
    return isinstance(value, list) and len(value) <= 20 and all(isinstance(item, str) for item in value)


def _demanded(policy: TokenPolicy) -> tuple[tuple[Demand, tuple[str, ...]], ...]:
    return (
        (policy.expiry, ("iat", "exp")),
        (policy.single_use, ("jti",)),
        (policy.audience, ("aud",)),
        (policy.origins, ("origins",)),
    )


def _policy_warnings(peeked: PeekedDeployment, policy: TokenPolicy) -> tuple[str, ...]:
    """What passes under `warn` and would be refused under `require`."""
    if policy is ORIGINAL_POLICY:
        return ()
    missing = [
        name for demand, names in _demanded(policy) if demand == "warn" for name in names if not peeked.payload.get(name)
    ]
    if policy.key_id == "warn":
        missing += [name for name, value in (("kid", peeked.kid), ("typ", peeked.typ)) if value is None]
    return tuple(f"token_claim_missing:{name}" for name in missing)


def sign_deployment(
    properties: Mapping[str, Json],
    private_jwk: Mapping[str, Json],
    *,
    now: int | None = None,
    lifetime_s: int = MAX_LIFETIME_S,
    single_use: bool = True,
    audience: str | None = None,
    origins: Sequence[str] | None = None,
    kid: str | None = None,
) -> str:
    """Sign the properties of `accredit.init` on the deployer's server; the page passes the result as `signed_deployment`.

    properties: `deployer_id`, `integration_id` and, as used, `owner_id`, `view_id`, `uid`, `data_passport`,
    `encrypted_passport`; never `location`. private_jwk: P-521 (ES512), or P-256, Ed25519 where the key record says so.

    Without `now` the token is the original's: header `{"alg":"ES512"}`, good until the key is revoked. With `now` (Unix
    seconds) it is an extended one: `kid`, `typ`, `iat`, `exp = now + lifetime_s` (1..300 s), a fresh `jti` if `single_use`,
    `aud` and `origins` as given; the integration's token policy must not be `off` for `kid`.

    Raises Refused for properties that no server would take, MalformedError for a key that is none (section 5).
    """
    payload = dict(properties)
    alg, key = parse_signing_key(dict(private_jwk))
    header: dict[str, Json] = {"alg": alg}
    if now is not None:
        header |= {"kid": kid or public_thumbprint(dict(private_jwk)), "typ": TOKEN_TYPE}
        payload |= {"iat": now, "exp": now + lifetime_s}
        payload |= {"jti": secrets.token_urlsafe(24)} if single_use else {}
        payload |= {"aud": audience} if audience else {}
        payload |= {"origins": list(origins)} if origins else {}
    signing_input = f"{b64url_encode(compact_json(header))}.{b64url_encode(compact_json(payload))}"
    signature = JWSRegistry.algorithms[alg].sign(signing_input.encode("ascii"), key)
    token = f"{signing_input}.{b64url_encode(signature)}"
    # Owner and view may still come directly, so only what stands inside is judged: as the server would.
    merge_signed(peek_deployment(token).payload, DirectProperties(owner_id="any"))
    return token
