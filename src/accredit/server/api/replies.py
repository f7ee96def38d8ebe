"""Answers of the API: JSON bodies, and errors as problem documents (RFC 9457)."""

from dataclasses import dataclass

import msgspec

from accredit.errors import AccreditError
from accredit.server import headers
from accredit.server.problems import problem
from accredit.server.streams import StatusStream

_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer, or the beginning of a stream."""

    status: int
    headers: headers.Headers
    body: bytes
    stream: StatusStream | None = None


def json_reply(request_id: str, value: object, status: int = 200, extra: headers.Headers | None = None) -> Reply:
    """A struct as a JSON answer."""
    return Reply(status, [headers.JSON, *headers.api(request_id), *(extra or ())], _ENCODER.encode(value))


def empty_reply(request_id: str, extra: headers.Headers | None = None) -> Reply:
    """An answer without a body: done."""
    return Reply(204, [*headers.api(request_id), *(extra or ())], b"")


def problem_reply(error: AccreditError, request_id: str, public_url: str, extra: headers.Headers | None = None) -> Reply:
    """An error as its problem document."""
    lines = [headers.PROBLEM, *headers.api(request_id), *(extra or ())]
    # RFC 6750 section 3: a 401 says which credential it asks for.
    if error.status == 401:
        lines.append((b"www-authenticate", b'Bearer realm="accredit"'))
    return Reply(error.status, lines, problem(error, request_id, public_url))
