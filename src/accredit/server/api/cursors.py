"""Cursors: where the next page of a list begins, authenticated and bound to whose list it is and how it was filtered.

cursor = issue_cursor(node.sealer, binding, last_id)
after = read_cursor(node.sealer, binding, cursor)
"""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from accredit.encoding import b64url_decode, b64url_encode
from accredit.errors import MalformedError
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer

_MAC_BYTES = 16

Listed = TypeVar("Listed")


@dataclass(frozen=True, slots=True)
class ListBinding:
    """Which list a cursor belongs to. filters: what narrows it, in a fixed order."""

    name: str
    scope: Scope
    filters: tuple[str | None, ...] = ()


def read_cursor(sealer: Sealer, binding: ListBinding, cursor: str | None, *, beginning: str = "") -> str:
    """The position behind which to go on; the beginning without a cursor.

    Raises MalformedError `cursor_invalid` for one that was not issued for this list.
    """
    if cursor is None:
        return beginning
    try:
        position = b64url_decode(cursor)[_MAC_BYTES:].decode()
    except ValueError as error:
        raise MalformedError("cursor_invalid", "cursor") from error
    if not hmac.compare_digest(_issue(sealer, binding, position).encode(), cursor.encode()):
        raise MalformedError("cursor_invalid", "cursor")
    return position


def cut_page(
    sealer: Sealer, binding: ListBinding, rows: Sequence[Listed], limit: int, position: Callable[[Listed], str]
) -> tuple[Sequence[Listed], str | None]:
    """The rows of one page, of which one more than its limit was looked for, and the cursor of the next if there is one."""
    shown = rows[:limit]
    return shown, _issue(sealer, binding, position(shown[-1])) if len(rows) > limit else None


def _issue(sealer: Sealer, binding: ListBinding, position: str) -> str:
    mac = sealer.server_mac("list_cursor", msgspec.msgpack.encode((binding, position)))
    return b64url_encode(mac[:_MAC_BYTES] + position.encode())
