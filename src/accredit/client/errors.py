"""What a call may end in besides an answer: the server's refusal, in the family of the error tree that says whose fault it is.

    try:
        session = client.create(request)
    except CallError as error:
        log.warning("refused: %s (request %s) %s", error.code, error.request_id, error.invalid_params)

No answer at all is a FailureError: `connect_failed`, `response_timeout`. An answer that cannot be read is one as well,
`answer_malformed`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accredit.client.wire import HttpAnswer
from accredit.encoding import Json, JsonError, parse_json
from accredit.errors import (
    CODES,
    AccreditError,
    ConflictError,
    FailureError,
    MalformedError,
    NotFoundError,
    Refused,
)

_MAX_DEPTH = 8


@dataclass(frozen=True, slots=True)
class InvalidParam:
    """One member at fault. name: a path, as in `callbackUrls.success`. code: `required`, `type`, ..., or one of a key, `key_use`."""

    name: str
    code: str
    reason: str


class CallError(AccreditError):
    """The server refused a call, or failed.

    code: the server's, which may be one that this version does not know. status: of HTTP. request_id: what the server's operator can
    look up. invalid_params: the members at fault. retry_after_s: when it may go better, if the server said so.
    """

    def __init__(
        self,
        code: str,
        status: int,
        title: str,
        request_id: str = "",
        invalid_params: tuple[InvalidParam, ...] = (),
        retry_after_s: int | None = None,
    ) -> None:
        # Not by way of the tree's own constructor: a newer server has codes that are not declared here.
        member = invalid_params[0].name if invalid_params else None
        Exception.__init__(self, code if member is None else f"{code}: {member}")
        self.code = code
        self.member = member
        self.request_id = request_id
        self.invalid_params = invalid_params
        self.retry_after_s = retry_after_s
        self._status, self._title = status, title

    def __reduce__(self) -> Any:
        told = (self.code, self._status, self._title, self.request_id, self.invalid_params, self.retry_after_s)
        return type(self), told

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return self._status

    @property
    def title(self) -> str:
        """One sentence for a person, as the server has it."""
        return self._title


class CallMalformedError(CallError, MalformedError):
    """The request is to be mended: 400, 405, 413, 415, and of 422 what tells of its members."""


class CallRefused(CallError, Refused):
    """Who calls may not do this, or not now: 401, 403, 429."""


class CallNotFoundError(CallError, NotFoundError):
    """There is no such thing, or no more: 404, 410."""


class CallConflictError(CallError, ConflictError):
    """The request does not fit the present state: 409, 412, 422."""


class CallFailureError(CallError, FailureError):
    """The server failed, or what stands before it: 5xx, and what is no answer of Accredit's."""


_FAMILIES: dict[int, type[CallError]] = {
    **dict.fromkeys((400, 405, 413, 415), CallMalformedError),
    **dict.fromkeys((401, 403, 429), CallRefused),
    **dict.fromkeys((404, 410), CallNotFoundError),
    **dict.fromkeys((409, 412, 422), CallConflictError),
}


def read_error(answer: HttpAnswer) -> CallError:
    """The error that an answer tells, in whatever shape of the server's: a problem document, JSON:API, that of the token endpoint."""
    members = _members_of(answer.body)
    errors = members.get("errors")
    objects = [each for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []
    if objects:
        members = {**objects[0], "request_id": objects[0].get("id")}
    code = members.get("code") or members.get("error")
    if not isinstance(code, str):
        return CallFailureError("answer_malformed", answer.status, CODES["answer_malformed"].title)
    title = members.get("title") or members.get("error_description")
    request_id = members.get("traceId") or members.get("request_id") or answer.headers.get("x-request-id")
    return _family(code, answer.status)(
        code,
        answer.status,
        title if isinstance(title, str) else code,
        request_id if isinstance(request_id, str) else "",
        _faults_of(objects) if objects else _invalid_params(members),
        _seconds(answer.headers.get("retry-after", "")),
    )


def _family(code: str, status: int) -> type[CallError]:
    """Whose fault it is. A 422 tells of the state of things, or of the request itself."""
    if status == 422 and code in CODES and CODES[code].family is MalformedError:
        return CallMalformedError
    return _FAMILIES.get(status, CallFailureError)


def _members_of(body: bytes) -> dict[str, Json]:
    try:
        parsed = parse_json(body, max_depth=_MAX_DEPTH)
    except JsonError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _invalid_params(members: Mapping[str, Json]) -> tuple[InvalidParam, ...]:
    """Of the rest door all that it tells, of the API the one member."""
    told, member = members.get("invalidParams"), members.get("member")
    if isinstance(told, list):
        rows = (each for each in told if isinstance(each, dict))
        return tuple(InvalidParam(*(str(row.get(name, "")) for name in ("name", "code", "reason"))) for row in rows)
    return (InvalidParam(member, str(members.get("code")), ""),) if isinstance(member, str) else ()


def _faults_of(objects: Sequence[Mapping[str, Json]]) -> tuple[InvalidParam, ...]:
    """What the flow door names in `source`: a member by its path, a header or a parameter."""
    faults = []
    for each in objects:
        source = each.get("source")
        for name in source.values() if isinstance(source, dict) else ():
            path = str(name).removeprefix("/").replace("/", ".")
            faults.append(InvalidParam(path, str(each.get("code")), str(each.get("detail", ""))))
    return tuple(faults)


def _seconds(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None
