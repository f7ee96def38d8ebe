"""Errors as answers: `application/problem+json` (RFC 9457) for backends. One place; what a door shows in its own shape starts here.

An answer names the member at fault and never a value.
"""

import msgspec

from accredit.errors import AccreditError


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of an error. code: stable; member: the name of the member at fault; reason: the audit code, where debugging allows."""

    type: str
    title: str
    status: int
    code: str
    request_id: str
    member: str | None = None
    reason: str | None = None


_ENCODER = msgspec.json.Encoder()


def problem(error: AccreditError, request_id: str, public_url: str, *, reason: str | None = None) -> bytes:
    """The problem document of an error."""
    return _ENCODER.encode(
        Problem(
            type=f"{public_url}/docs/errors#{error.code}",
            title=error.title,
            status=error.status,
            code=error.code,
            request_id=request_id,
            member=error.member,
            reason=reason,
        )
    )
