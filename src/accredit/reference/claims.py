"""The claims of a reference token: their form, and whether they are of this moment, template and page.

Step 3 of protocol-flow.md section 3, in its order. Unknown claims are ignored.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeGuard

from accredit.encoding import Json
from accredit.errors import MalformedError, Refused
from accredit.reference.customer import read_customer_reference

AUDIENCE, ENVIRONMENTS = "flow", ("live", "sandbox")
LEEWAY_S, MAX_LIFETIME_S = 30, 3600
_MAX_ENTRIES = 20
_ID = re.compile(r"[A-Za-z0-9_]{1,64}")
_JTI = re.compile(r"[A-Za-z0-9_-]{22,64}")
_ORIGIN = re.compile(r"[!-~]{1,300}")


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of a token, each of the right form. origins: None where any will do. session_id, user: None where not given."""

    environment: str
    customer_reference: str = field(repr=False)
    templates: tuple[str, ...]
    origins: tuple[str, ...] | None
    issued: int
    expires: int
    jti: str
    user: dict[str, Json] | None = field(repr=False)
    session_id: str | None


def read_claims(payload: Mapping[str, Json]) -> Claims:
    """The claims of a verified payload. Raises Refused: `token_claims_invalid` with the claim's name."""
    aud, env, sub, jti = (_read_text(payload, name) for name in ("aud", "env", "sub", "jti"))
    for name, sound in (("aud", aud == AUDIENCE), ("env", env in ENVIRONMENTS), ("jti", _JTI.fullmatch(jti))):
        if not sound:
            raise _invalid(name)
    try:
        read_customer_reference(sub)
    except MalformedError as error:
        raise _invalid("sub") from error
    user, session_id = payload.get("usr"), payload.get("sid")
    if "usr" in payload and not isinstance(user, dict):
        raise _invalid("usr")
    if "sid" in payload and not (isinstance(session_id, str) and _ID.fullmatch(session_id)):
        raise _invalid("sid")
    return Claims(
        environment=env,
        customer_reference=sub,
        templates=_read_list(payload.get("tpl"), _ID, "tpl"),
        origins=_read_list(payload["ori"], _ORIGIN, "ori") if "ori" in payload else None,
        issued=_read_time(payload, "iat"),
        expires=_read_time(payload, "exp"),
        jti=jti,
        user=user if isinstance(user, dict) else None,
        session_id=session_id if isinstance(session_id, str) else None,
    )


def _invalid(name: str) -> Refused:
    return Refused("token_claims_invalid", name)


def _read_text(payload: Mapping[str, Json], name: str) -> str:
    value = payload.get(name)
    if not isinstance(value, str):
        raise _invalid(name)
    return value


def _read_time(payload: Mapping[str, Json], name: str) -> int:
    value = payload.get(name)
    if not _is_whole(value):
        raise _invalid(name)
    return value


def _is_whole(value: Json) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _read_list(value: Json, form: re.Pattern[str], name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= _MAX_ENTRIES:
        raise _invalid(name)
    texts = tuple(text for text in value if isinstance(text, str) and form.fullmatch(text))
    if len(texts) != len(value):
        raise _invalid(name)
    return texts


def check_claims(claims: Claims, *, environment: str, template_id: str, origin: str | None, now: int) -> None:
    """Whether the claims hold here and now.

    Raises Refused: `token_claims_invalid` (env), `token_not_yet_valid`, `token_expired`, `token_lifetime`, `token_template_mismatch`,
    `token_origin_mismatch`.
    """
    if claims.environment != environment:
        raise _invalid("env")
    if claims.issued > now + LEEWAY_S:
        raise Refused("token_not_yet_valid", "iat")
    if now >= claims.expires + LEEWAY_S:
        raise Refused("token_expired", "exp")
    if not 0 < claims.expires - claims.issued <= MAX_LIFETIME_S:
        raise Refused("token_lifetime", "exp")
    if template_id not in claims.templates:
        raise Refused("token_template_mismatch", "tpl")
    if claims.origins is not None and origin not in claims.origins:
        raise Refused("token_origin_mismatch", "ori")
