"""Reading the audit trail: pages of one scope's entries, newest first, stable while new ones come."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from accredit.encoding import b64url_decode, b64url_encode
from accredit.errors import MalformedError
from accredit.server.keyring.scope import SERVER, Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.store import Row, Store, Transaction

from .entry import COLUMNS, AuditEntry, read_entry

_NEWEST = 2**63 - 1
_MAC_BYTES = 16


@dataclass(frozen=True, slots=True)
class AuditSearch:
    """Which entries of a scope are wanted; None: all."""

    scope: Scope
    request_id: str | None = None
    kind: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """An entry with its number."""

    seq: int
    entry: AuditEntry


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Records, newest first, and the cursor of the next page if there is one."""

    records: Sequence[AuditRecord]
    next_cursor: str | None


async def find(store: Store, sealer: Sealer, search: AuditSearch, *, cursor: str | None = None, limit: int = 50) -> AuditPage:
    """One page. Raises MalformedError cursor_invalid for a cursor that another search, or nobody, was given."""
    await sealer.ready(SERVER)
    before = _NEWEST if cursor is None else _read_cursor(sealer, search, cursor)
    rows = await store.read(_find_before, (search, before, limit + 1))
    records = [AuditRecord(row[0], read_entry(row)) for row in rows[:limit]]
    return AuditPage(records, _cursor(sealer, search, records[-1].seq) if len(rows) > limit else None)


def _find_before(tx: Transaction, item: tuple[AuditSearch, int, int]) -> Sequence[Row]:
    search, before, limit = item
    wanted = {"request_id": search.request_id, "kind": search.kind, "code": search.code}
    given = {column: value for column, value in wanted.items() if value is not None}
    conditions = "".join(f" AND {column} = ?" for column in given)
    return tx.rows(
        f"SELECT {COLUMNS} FROM audit WHERE account_id = ? AND environment = ? AND seq < ?{conditions} ORDER BY seq DESC LIMIT ?",
        (search.scope.account_id, search.scope.environment, before, *given.values(), limit),
    )


def _cursor(sealer: Sealer, search: AuditSearch, seq: int) -> str:
    """The number of the last record shown, bound to the search so that it serves no other."""
    binding = msgspec.msgpack.encode((search, seq))
    return b64url_encode(seq.to_bytes(8, "big") + sealer.server_mac("audit_cursor", binding)[:_MAC_BYTES])


def _read_cursor(sealer: Sealer, search: AuditSearch, cursor: str) -> int:
    try:
        seq = int.from_bytes(b64url_decode(cursor)[:8], "big")
    except ValueError as error:
        raise MalformedError("cursor_invalid", "cursor") from error
    if not hmac.compare_digest(_cursor(sealer, search, seq).encode(), cursor.encode()):
        raise MalformedError("cursor_invalid", "cursor")
    return seq
