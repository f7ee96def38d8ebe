"""Lists of sessions for their owner, newest first, stable while new ones come; never the personal part."""

from dataclasses import dataclass

import msgspec

from accredit.server.keyring.scope import Scope
from accredit.server.sessions.record import COLUMNS, OF_FRAMED_DOORS, OPEN, Session, Status, read_row
from accredit.server.store import Transaction, Value

# Sorts behind every session id, which is of hexadecimal digits.
NEWEST = "g"


@dataclass(frozen=True, slots=True)
class SessionSearch:
    """Which sessions of a scope are wanted; None leaves a member open. integration_ids: those that the caller may reach."""

    scope: Scope
    now_ms: int
    status: Status | None = None
    integration_id: str | None = None
    integration_ids: frozenset[str] | None = None


def find_sessions(tx: Transaction, wanted: tuple[SessionSearch, str, int]) -> list[Session]:
    """Query: up to that many sessions, newest first, older than the one named."""
    search, before, limit = wanted
    conditions: list[tuple[str, tuple[Value, ...]]] = [
        ("account_id = ?", (search.scope.account_id,)),
        ("environment = ?", (search.scope.environment,)),
        ("id < ?", (before,)),
        (OF_FRAMED_DOORS, ()),
    ]
    if search.integration_id is not None:
        conditions.append(("integration_id = ?", (search.integration_id,)))
    if search.integration_ids is not None:
        marks = ",".join("?" * len(search.integration_ids))
        conditions.append((f"integration_id IN ({marks})", tuple(sorted(search.integration_ids))))
    if search.status is not None:
        conditions.append(_of_status(search.status, search.now_ms))
    text = " AND ".join(condition for condition, _ in conditions)
    values = [value for _, each in conditions for value in each]
    rows = tx.rows(f"SELECT {COLUMNS} FROM sessions WHERE {text} ORDER BY id DESC LIMIT ?", (*values, limit))
    return [read_row(row) for row in rows]


def _of_status(status: Status, now_ms: int) -> tuple[str, tuple[Value, ...]]:
    """The status as every reader sees it: expiry is a fact of the clock, whether it was written down or not."""
    if status in OPEN:
        return "status = ? AND expires_ms > ?", (status, now_ms)
    if status == "expired":
        marks = ",".join("?" * len(OPEN))
        return f"(status = 'expired' OR (status IN ({marks}) AND expires_ms <= ?))", (*OPEN, now_ms)
    return "status = ?", (status,)


def searched_text(*texts: str) -> str | None:
    """Texts as a column keeps them that is searched for one of them; None for none. As JSON, no text holds what parts them."""
    return "".join(f"\n{_ENCODER.encode(text).decode()}\n" for text in texts) or None


_ENCODER = msgspec.json.Encoder()
