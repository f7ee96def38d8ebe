"""Reading what a call sends: JSON bodies and query strings, strictly, into structs.

A body is one JSON object of at most 64 KiB with no member twice; an empty body counts as `{}`. Errors name the member, never a value.
"""

from collections.abc import Mapping
from typing import Annotated, TypeVar

import msgspec

from accredit.encoding import Json, JsonError, parse_json
from accredit.errors import MalformedError
from accredit.server.asgi import Receive
from accredit.server.forms import check_media_type, parse_form, read_body
from accredit.server.integrations.parsing import member_at_fault

MAX_BODY_BYTES, MAX_DEPTH = 64 * 1024, 32
DEFAULT_LIMIT, MAX_LIMIT = 50, 100

Wanted = TypeVar("Wanted")

Label = Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]*\Z")]
Limit = Annotated[int, msgspec.Meta(ge=1, le=MAX_LIMIT, description="How many at most.")]
Cursor = Annotated[str, msgspec.Meta(max_length=512, description="`next_cursor` of the page before.")]


async def read_octets(receive: Receive, sent: Mapping[bytes, bytes]) -> bytes:
    """The body of a call as it came. Raises MalformedError: `media_type_unsupported`, `body_too_large`, `request_malformed`."""
    octets = await read_body(receive, MAX_BODY_BYTES)
    if octets:
        check_media_type(sent.get(b"content-type", b""), b"application/json")
    return octets


async def read_fields(receive: Receive, sent: Mapping[bytes, bytes]) -> dict[str, str]:
    """The fields of a posted form. Raises MalformedError: `media_type_unsupported`, `body_too_large`, `request_malformed`."""
    octets = await read_body(receive, MAX_BODY_BYTES)
    check_media_type(sent.get(b"content-type", b""), b"application/x-www-form-urlencoded")
    return parse_form(octets)


def parse_members(octets: bytes) -> dict[str, Json]:
    """The members of a body. Raises MalformedError `request_malformed`."""
    if not octets:
        return {}
    try:
        members = parse_json(octets, max_depth=MAX_DEPTH)
    except JsonError as error:
        raise MalformedError("request_malformed") from error
    if not isinstance(members, dict):
        raise MalformedError("request_malformed")
    return members


def convert(members: dict[str, Json], wanted: type[Wanted]) -> Wanted:
    """The members as the struct that an operation reads. Raises MalformedError: `field_missing`, `field_invalid`."""
    try:
        return msgspec.convert(members, wanted)
    except msgspec.ValidationError as error:
        missing = str(error).startswith("Object missing required field")
        raise MalformedError("field_missing" if missing else "field_invalid", member_at_fault(error)) from error


def parse_query(query_string: bytes, wanted: type[Wanted]) -> Wanted:
    """The parameters of a query string. Raises MalformedError `query_invalid`, for one that comes twice or means nothing too."""
    try:
        parameters = parse_form(query_string)
    except MalformedError as error:
        raise MalformedError("query_invalid") from error
    try:
        return msgspec.convert(parameters, wanted, strict=False)
    except msgspec.ValidationError as error:
        raise MalformedError("query_invalid", member_at_fault(error)) from error
