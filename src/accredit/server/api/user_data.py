"""Stored data of a user over HTTP: entity tags and preconditions (RFC 9110 sections 8.8.3 and 13.1)."""

import re
from typing import Any

from accredit.encoding import compact_json
from accredit.errors import MalformedError
from accredit.server import headers
from accredit.server.api.operations import Call
from accredit.server.api.replies import Reply, empty_reply
from accredit.server.sessions.user_data import (
    UNCONDITIONAL,
    Precondition,
    User,
    delete_data,
    load_data,
    parse_data,
    write_data,
)

UserData = dict[str, Any]
_TAGS = re.compile(rb'\s*(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"(?:\s*,\s*(?:W/)?"[\x21\x23-\x7e\x80-\xff]*")*\s*')
# A weak tag never matches: comparison for a write is the strong one (RFC 9110 section 8.8.3.2).
_STRONG = re.compile(rb'(?<!W/)"[^"]*"')


def read_precondition(call: Call) -> Precondition:
    """What the caller makes its call depend on. Raises MalformedError `field_invalid` with the header's name."""
    match, absent = call.sent.get(b"if-match"), call.sent.get(b"if-none-match")
    if match is None and absent is None:
        return UNCONDITIONAL
    if absent is not None and absent.strip() != b"*":
        raise MalformedError("field_invalid", "If-None-Match")
    return Precondition(None if match is None else _read_tags(match), absent is not None)


def _read_tags(line: bytes) -> frozenset[str]:
    if line.strip() == b"*":
        return frozenset("*")
    if not _TAGS.fullmatch(line):
        raise MalformedError("field_invalid", "If-Match")
    return frozenset(tag.decode("latin-1") for tag in _STRONG.findall(line))


async def read_reply(call: Call, user: User) -> Reply:
    """What is stored, with its entity tag; nothing again for a caller that names it in `If-None-Match`."""
    stored = await load_data(call.node.store, call.node.sealer, user)
    lines = [*headers.api(call.request_id), *_tag(stored.etag)]
    # RFC 9110 section 13.1.2: for reading, a weak tag is as good as a strong one.
    known = call.sent.get(b"if-none-match", b"").replace(b"W/", b"")
    if known.strip() == b"*" or stored.etag.encode("ascii") in _STRONG.findall(known):
        return Reply(304, lines, b"")
    return Reply(200, [headers.JSON, *lines], compact_json(stored.data))


async def write_reply(call: Call, user: User, octets: bytes) -> Reply:
    """Store the body as it stands; the answer has its entity tag."""
    if not octets:
        raise MalformedError("request_malformed")
    data, precondition = parse_data(octets), read_precondition(call)
    etag = await write_data(call.node.store, call.node.sealer, user, data, precondition, now_ms=call.now_ms)
    return empty_reply(call.request_id, _tag(etag))


async def delete_reply(call: Call, user: User) -> Reply:
    """Delete what is stored."""
    await delete_data(call.node.store, user, read_precondition(call), now_ms=call.now_ms)
    return empty_reply(call.request_id)


def _tag(etag: str) -> headers.Headers:
    return [(b"etag", etag.encode("ascii"))]
