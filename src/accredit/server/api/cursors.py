"""Cursors: where the next page of a list begins, authenticated and bound to whose list it is and how it was filtered.

cursor = issue_cursor(node.sealer, binding, last_id)
after = read_cursor(node.sealer, binding, cursor)
"""

import hmac
from dataclasses import dataclass

import msgspec

from accredit.encoding import b64url_decode, b64url_encode
from accredit.errors import MalformedError
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer

_MAC_BYTES = 16


@dataclass(frozen=True, slots=True)
class ListBinding:
    """Which list a cursor belongs to. filters: what narrows it, in a fixed order."""

    name: str
    scope: Scope
    filters: tuple[str | None, ...] = ()


def issue_cursor(sealer: Sealer, binding: ListBinding, position: str) -> str:
    """A cursor behind that position."""
    mac = sealer.server_mac("list_cursor", msgspec.msgpack.encode((binding, position)))
    return b64url_encode(mac[:_MAC_BYTES] + position.encode())


def read_cursor(sealer: Sealer, binding: ListBinding, cursor: str) -> str:
    """The position behind which to go on. Raises MalformedError `cursor_invalid` for one that was not issued for this list."""
    try:
        position = b64url_decode(cursor)[_MAC_BYTES:].decode()
    except ValueError as error:
        raise MalformedError("cursor_invalid", "cursor") from error
    if not hmac.compare_digest(issue_cursor(sealer, binding, position).encode(), cursor.encode()):
        raise MalformedError("cursor_invalid", "cursor")
    return position
