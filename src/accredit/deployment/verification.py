"""Verification of signed deployments: steps 4 to 6 of protocol-embed.md section 7.

RFC 7515 section 5.2, RFC 7518 section 3.4. The key's record chooses the algorithm, never the header. Verifying raises or returns
a VerifiedDeployment, which nothing else can make.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import InitVar, dataclass
from functools import cache

from accredit.deployment.claims import ORIGINAL_POLICY, TokenPolicy, check_freshness, find_warnings, read_claims
from accredit.deployment.token import PeekedDeployment, peek_deployment
from accredit.errors import Refused
from accredit.keys import DeploymentKey, generate_deployment_key, parse_deployment_key, verify_signature
from accredit.properties import NO_DIRECT_PROPERTIES, DirectProperties, Properties, merge_signed


@dataclass(frozen=True, slots=True)
class VerifiedDeployment:
    """What a deployer signed; only `verify_deployment` makes it. expires, jti: the claims, or None. key_id: who signed."""

    properties: Properties
    key_id: str
    jti: str | None
    expires: int | None
    warnings: tuple[str, ...] = ()
    # Not kept, so that `dataclasses.replace` cannot make another one out of this one.
    made_by: InitVar[object] = None

    def __post_init__(self, made_by: object) -> None:
        if made_by is not _VERIFIER:
            raise TypeError("a VerifiedDeployment comes from verify_deployment only")


_VERIFIER = object()


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
    seconds; 30 s of leeway. policy: what is demanded beyond the original. audience: the server's public URL. origin: the page's,
    None if it has none. direct: what the page passed beside the token; strict_direct: a differing direct value is refused, not
    ignored. verified_by: id of a key that verified these very octets before (a cache; never from a caller).

    Numbers are those of protocol-embed.md section 7: (1) shape, (4) signature, (5) freshness, (6) properties.
    Raises Refused with the first code that applies; every code is in `accredit.errors.CODES`. Replay of `jti` is the
    caller's to check, and so is that the integration is the deployer's.
    """
    peeked = peek_deployment(token) if isinstance(token, str) else token  # (1)
    key = _find_signer(peeked, keys, policy, verified_by)  # (4)
    claims = read_claims(peeked.payload)  # (5)
    check_freshness(claims, policy, now=now, audience=audience, origin=origin)
    properties = merge_signed(peeked.payload, direct, strict=strict_direct)  # (6)
    return VerifiedDeployment(
        properties=properties,
        key_id=key.key_id,
        jti=claims.jti,
        expires=claims.exp,
        warnings=_find_header_warnings(peeked, policy) + find_warnings(claims, policy) + properties.warnings,
        made_by=_VERIFIER,
    )


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
    if policy.key_id == "require":
        for name in _find_missing_members(peeked):
            raise Refused("token_claim_missing", name)
    return signer


def _find_header_warnings(peeked: PeekedDeployment, policy: TokenPolicy) -> tuple[str, ...]:
    return tuple(f"token_claim_missing:{name}" for name in _find_missing_members(peeked)) if policy.key_id == "warn" else ()


def _find_missing_members(peeked: PeekedDeployment) -> tuple[str, ...]:
    return tuple(name for name, value in (("kid", peeked.kid), ("typ", peeked.typ)) if value is None)


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
