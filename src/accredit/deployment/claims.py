"""The claims of an extended token, and what an integration demands of them: step 5 of protocol-embed.md section 7.

protocol-embed.md section 6. Claims that are present are checked whatever the policy says, so that a token which a deployer meant
to expire does expire.

    claims = read_claims(payload)
    check_freshness(claims, policy, now=1700000000, audience="https://id.owner.example", origin="https://shop.example")
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from accredit.encoding import Json
from accredit.errors import Refused

LEEWAY_S, MAX_LIFETIME_S = 30, 300
CLAIM_NAMES = frozenset(("iat", "exp", "jti", "aud", "origins"))
_JTI = re.compile(r"[!-~]{16,128}")
_MAX_TIME, _MAX_LISTED = 2**53 - 1, 20

Demand = Literal["off", "warn", "require"]


@dataclass(frozen=True, slots=True)
class TokenPolicy:
    """What an integration demands of tokens beyond the original; `warn` passes and is told in `warnings` (section 6)."""

    key_id: Demand = "off"
    expiry: Demand = "off"
    single_use: Demand = "off"
    audience: Demand = "off"
    origins: Demand = "off"


ORIGINAL_POLICY = TokenPolicy()


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of a payload, of the right types; None where there is none. iat, exp: Unix seconds."""

    iat: int | None = None
    exp: int | None = None
    jti: str | None = None
    aud: tuple[str, ...] | None = None
    origins: tuple[str, ...] | None = None


NO_CLAIMS = Claims()


def read_claims(payload: Mapping[str, Json]) -> Claims:
    """Take the claims out of a payload. Raises Refused: `token_claims_invalid` (a wrong type or form, or `jti` without `exp`)."""
    if CLAIM_NAMES.isdisjoint(payload):
        return NO_CLAIMS
    issued, expires, jti = _read_time(payload, "iat"), _read_time(payload, "exp"), payload.get("jti")
    # Null is a value of a wrong type, not absence: a token whose deployer lost the time on the way must not live for ever.
    if "jti" in payload and (not isinstance(jti, str) or not _JTI.fullmatch(jti) or expires is None):
        raise Refused("token_claims_invalid", "jti")
    audience = (payload["aud"],) if isinstance(payload.get("aud"), str) else payload.get("aud")
    return Claims(
        iat=issued,
        exp=expires,
        jti=jti if isinstance(jti, str) else None,
        aud=_read_texts(audience, "aud") if "aud" in payload else None,
        origins=_read_texts(payload["origins"], "origins") if "origins" in payload else None,
    )


def _read_time(payload: Mapping[str, Json], name: str) -> int | None:
    if name not in payload:
        return None
    value = payload[name]
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MAX_TIME:
        raise Refused("token_claims_invalid", name)
    return value


def _read_texts(value: object, name: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or len(value) > _MAX_LISTED or not all(isinstance(item, str) for item in value):
        raise Refused("token_claims_invalid", name)
    return tuple(value)


def check_freshness(claims: Claims, policy: TokenPolicy, *, now: int, audience: str | None, origin: str | None) -> None:
    """Hold the claims against time, server and page.

    Raises Refused: `token_claim_missing`, `token_not_yet_valid`, `token_expired`, `token_lifetime`, `token_audience_mismatch`,
    `token_origin_mismatch`.
    """
    for name in _find_missing(claims, policy, "require"):
        raise Refused("token_claim_missing", name)
    if claims.iat is not None and claims.iat > now + LEEWAY_S:
        raise Refused("token_not_yet_valid", "iat")
    if claims.exp is not None and claims.exp <= now - LEEWAY_S:
        raise Refused("token_expired", "exp")
    if policy.expiry == "require" and not _has_short_life(claims):
        raise Refused("token_lifetime", "exp")
    if claims.aud is not None and audience not in claims.aud:
        raise Refused("token_audience_mismatch", "aud")
    if claims.origins is not None and origin not in claims.origins:
        raise Refused("token_origin_mismatch", "origins")


def find_warnings(claims: Claims, policy: TokenPolicy) -> tuple[str, ...]:
    """What passes under `warn` and would be refused under `require`: `{code}:{claim}`."""
    missing = tuple(f"token_claim_missing:{name}" for name in _find_missing(claims, policy, "warn"))
    return missing if policy.expiry != "warn" or _has_short_life(claims) else (*missing, "token_lifetime:exp")


def _find_missing(claims: Claims, policy: TokenPolicy, demand: Demand) -> tuple[str, ...]:
    if policy is ORIGINAL_POLICY:
        return ()
    asked = (
        (policy.expiry, "iat", claims.iat),
        (policy.expiry, "exp", claims.exp),
        (policy.single_use, "jti", claims.jti),
        (policy.audience, "aud", claims.aud),
        (policy.origins, "origins", claims.origins),
    )
    return tuple(name for asked_for, name, value in asked if asked_for == demand and value is None)


def _has_short_life(claims: Claims) -> bool:
    """Whether the token lives for 1..300 s; where one end of its life is missing, another rule tells of it."""
    return claims.iat is None or claims.exp is None or 1 <= claims.exp - claims.iat <= MAX_LIFETIME_S
