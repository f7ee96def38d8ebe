"""Lists of sessions for their account: plain control data, newest first, stable while new ones come (protocol-rest.md section 15)."""

from dataclasses import dataclass

from accredit.server.keyring.scope import Scope
from accredit.server.sessions.listing import searched_text
from accredit.server.sessions.record import OPEN, Status
from accredit.server.sessions.rest.record import COLUMNS, TABLES, RestSession, read_row
from accredit.server.store import Transaction, Value


@dataclass(frozen=True, slots=True)
class RestSearch:
    """Which sessions of a scope are wanted; None leaves a member open. from_ms: created then or later; to_ms: before."""

    scope: Scope
    now_ms: int
    statuses: tuple[Status, ...] = ()
    provider: str | None = None
    tag: str | None = None
    external_reference: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None


def find_rest_sessions(tx: Transaction, wanted: tuple[RestSearch, str, int]) -> list[RestSession]:
    """Query: up to that many sessions, newest first, older than the one named."""
    search, before, limit = wanted
    conditions = [
        ("s.account_id = ? AND s.environment = ? AND s.door = 'rest' AND r.deleted_ms IS NULL", _whose(search.scope)),
        ("s.id < ?", (before,)),
        *_narrowing(search),
    ]
    text = " AND ".join(condition for condition, _ in conditions)
    values = [value for _, each in conditions for value in each]
    rows = tx.rows(f"SELECT {COLUMNS} FROM {TABLES} WHERE {text} ORDER BY s.id DESC LIMIT ?", (*values, limit))
    return [read_row(row) for row in rows]


def _whose(scope: Scope) -> tuple[Value, ...]:
    return scope.account_id, scope.environment


def _narrowing(search: RestSearch) -> list[tuple[str, tuple[Value, ...]]]:
    conditions: list[tuple[str, tuple[Value, ...]]] = []
    if search.statuses:
        conditions.append(_of_statuses(search.statuses, search.now_ms))
    if search.provider is not None:
        conditions.append(("r.provider_id = ?", (search.provider,)))
    if search.tag is not None:
        # What both engines have: a text that has less without the tag has the tag.
        conditions.append(("replace(r.tags, ?, '') <> r.tags", (searched_text(search.tag),)))
    if search.external_reference is not None:
        conditions.append(("r.external_reference = ?", (searched_text(search.external_reference),)))
    if search.from_ms is not None:
        conditions.append(("s.created_ms >= ?", (search.from_ms,)))
    if search.to_ms is not None:
        conditions.append(("s.created_ms < ?", (search.to_ms,)))
    return conditions


def _of_statuses(statuses: tuple[Status, ...], now_ms: int) -> tuple[str, tuple[Value, ...]]:
    """The statuses of one word as every reader sees them: expiry is a fact of the clock."""
    marks = ",".join("?" * len(statuses))
    if statuses == ("expired",):
        still_open = ",".join("?" * len(OPEN))
        return f"(s.status = 'expired' OR (s.status IN ({still_open}) AND s.expires_ms <= ?))", (*OPEN, now_ms)
    if statuses[0] in OPEN:
        return f"s.status IN ({marks}) AND s.expires_ms > ?", (*statuses, now_ms)
    return f"s.status IN ({marks})", statuses
