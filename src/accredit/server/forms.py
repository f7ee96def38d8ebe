"""Reading request bodies: bounded, complete, and with one reading for each form.

`application/x-www-form-urlencoded` as browsers post it (WHATWG URL, section 5.1), in UTF-8. A field that comes twice is refused:
nobody may show one value to a filter and another to us.
"""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote_to_bytes

from accredit.errors import MalformedError

Receive = Callable[[], Awaitable[Any]]


async def read_body(receive: Receive, limit: int) -> bytes:
    """The whole body of an ASGI request. Raises MalformedError: `body_too_large`, `request_malformed` (the peer went away)."""
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        if len(body) > limit:
            raise MalformedError("body_too_large")
        message = await receive()
        body += message.get("body", b"")
    if message["type"] == "http.disconnect":
        raise MalformedError("request_malformed")
    if len(body) > limit:
        raise MalformedError("body_too_large")
    return body


def check_media_type(content_type: bytes, wanted: bytes) -> None:
    """Raises MalformedError `media_type_unsupported` unless the media type is that one, in UTF-8 if it names a charset."""
    essence, _, parameters = content_type.partition(b";")
    if essence.strip().lower() != wanted:
        raise MalformedError("media_type_unsupported")
    name, _, charset = parameters.strip().partition(b"=")
    if name.lower() == b"charset" and charset.strip(b'" ').lower() not in (b"utf-8", b"utf8"):
        raise MalformedError("media_type_unsupported")


def parse_pairs(body: bytes) -> list[tuple[str, str]]:
    """The pairs of a form in their order. Empty pairs count for nothing. Raises MalformedError `request_malformed`."""
    # A plus sign is a space wherever it stands, and browsers send ASCII only.
    text = body.replace(b"+", b" ").decode("latin-1")
    pairs = [pair.partition("=") for pair in text.split("&") if pair]
    if text.isascii():
        return [(_decode(name) if "%" in name else name, _decode(value) if "%" in value else value) for name, _, value in pairs]
    return [(_decode(name), _decode(value)) for name, _, value in pairs]


def parse_form(body: bytes) -> dict[str, str]:
    """The fields of a form. An empty value counts as sent. Raises MalformedError `request_malformed`."""
    pairs = parse_pairs(body)
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise MalformedError("request_malformed")
    return fields


def _decode(text: str) -> str:
    """text: octets as latin-1."""
    try:
        return unquote_to_bytes(text.encode("latin-1")).decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError("request_malformed") from error
