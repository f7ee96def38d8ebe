"""Errors as answers: `application/problem+json` (RFC 9457) for backends. One place; what a door shows in its own shape starts here.

An answer names the member at fault and never a value.
"""

from collections.abc import Mapping, Sequence

import msgspec

from accredit.errors import CODES, AccreditError


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


_TRACED = {"trace_id": "traceId", "invalid_params": "invalidParams"}


class RestProblem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename=_TRACED):
    """The body of an error at the rest door (protocol-rest.md section 14). trace_id: as `X-Request-Id` has it."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    trace_id: str
    invalid_params: list[dict[str, str]] = []


def rest_problem(
    error: AccreditError,
    request_id: str,
    public_url: str,
    *,
    code: str | None = None,
    status: int | None = None,
    invalid_params: Sequence[Mapping[str, str]] = (),
) -> bytes:
    """The problem document of an error at the rest door. code, status: told instead of the error's own."""
    told = error.code if code is None else code
    return _ENCODER.encode(
        RestProblem(
            type=f"{public_url}/docs/errors#{told}",
            title=CODES[told].title,
            status=error.status if status is None else status,
            code=told,
            detail=invalid_params[0]["reason"] if invalid_params else CODES[told].title,
            trace_id=request_id,
            invalid_params=[dict(each) for each in invalid_params],
        )
    )


class ApiError(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One error of the flow door's API (JSON:API 1.1, error objects). source: a `pointer`, `header` or `parameter`."""

    id: str
    status: str
    code: str
    title: str
    detail: str
    source: dict[str, str] = {}


def api_problem(error: AccreditError, request_id: str, _public_url: str) -> bytes:
    """An error of the flow door's API that no call came to, in its shape."""
    title = error.title
    return api_errors([ApiError(id=request_id, status=str(error.status), code=error.code, title=title, detail=title)])


def api_errors(errors: Sequence[ApiError]) -> bytes:
    """The body that tells of errors at the flow door's API (protocol-flow.md section 11)."""
    return _ENCODER.encode({"errors": errors})
