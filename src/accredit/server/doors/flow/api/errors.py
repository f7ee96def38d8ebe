"""Errors as the API tells them: JSON:API error objects, with what is at fault in `source` (protocol-flow.md section 11).

An unknown key id and a wrong signature are told alike. What is told is a member's name and never a value.
"""

import re

from accredit.errors import CODES, AccreditError
from accredit.server.gate.faults import FaultyRequestError
from accredit.server.problems import ApiError

# What another code tells of itself.
_TOLD = {
    "key_unknown": "signature_invalid",
    "mac_mismatch": "signature_invalid",
    "cursor_invalid": "parameter_invalid",
    "integration_disabled": "template_not_found",
}
_STATUSES = {"customer_reference_invalid": 422}
_HEADERS = frozenset(
    (
        *("authorization", "cognito-version", "content-digest", "content-type", "date", "digest", "idempotency-key"),
        *("signature", "signature-input"),
    )
)
_INDEX = re.compile(r"\[([0-9]+)\]")


def told_code(error: AccreditError) -> str:
    """The code that the caller hears."""
    return _TOLD.get(error.code, error.code)


def told_status(error: AccreditError) -> int:
    """The HTTP status of an answer that tells of it."""
    code = told_code(error)
    return _STATUSES.get(code, CODES[code].status)


def errors_of(error: AccreditError, request_id: str) -> list[ApiError]:
    """The objects that tell of an error: one for each member at fault, if several are known."""
    if isinstance(error, FaultyRequestError):
        return [_object(error, request_id, each.name, each.reason) for each in error.faults]
    return [_object(error, request_id, error.member, CODES[told_code(error)].title)]


def _object(error: AccreditError, request_id: str, member: str | None, detail: str) -> ApiError:
    code = told_code(error)
    return ApiError(
        id=request_id,
        status=str(told_status(error)),
        code=code,
        title=CODES[code].title,
        detail=detail,
        source={} if member is None else _source(code, member),
    )


def _source(code: str, member: str) -> dict[str, str]:
    if member.lower() in _HEADERS:
        return {"header": "-".join(word.capitalize() for word in member.split("-"))}
    if code == "parameter_invalid":
        return {"parameter": member}
    return {"pointer": "/" + _INDEX.sub(r".\1", member).replace(".", "/")}
