"""Lists of sessions for their account: newest first, stable while new ones come (protocol-flow.md section 9)."""

from dataclasses import dataclass

from accredit.server.keyring.scope import Scope
from accredit.server.sessions.flow.record import COLUMNS, TABLES, FlowSession, read_row
from accredit.server.sessions.flow.statuses import UNFINISHED, FlowWord, read_flow_word
from accredit.server.sessions.listing import searched_text
from accredit.server.store import Transaction, Value

# Sorts behind every session id.
NEWEST = "g"


@dataclass(frozen=True, slots=True)
class FlowSearch:
    """Which sessions of a scope are wanted; None leaves a member open. customer_hash: as `record.customer_hash` makes it."""

    scope: Scope
    now_ms: int
    template_id: str | None = None
    customer_hash: bytes | None = None
    status: FlowWord | None = None
    tag: str | None = None


def find_flow_sessions(tx: Transaction, wanted: tuple[FlowSearch, str, int]) -> list[FlowSession]:
    """Query: up to that many sessions, newest first, older than the one named."""
    search, before, limit = wanted
    scope = search.scope
    conditions: list[tuple[str, tuple[Value, ...]]] = [
        ("s.account_id = ? AND s.environment = ? AND s.door = 'flow'", (scope.account_id, scope.environment)),
        ("s.id < ?", (before,)),
    ]
    if search.template_id is not None:
        conditions.append(("f.integration_id = ?", (search.template_id,)))
    if search.customer_hash is not None:
        conditions.append(("f.customer_hash = ?", (search.customer_hash,)))
    if search.status is not None:
        conditions.append(_of_word(search.status, search.now_ms))
    if search.tag is not None:
        # What both engines have: a text that has less without the tag has the tag.
        conditions.append(("replace(f.tags, ?, '') <> f.tags", (searched_text(search.tag),)))
    text = " AND ".join(condition for condition, _ in conditions)
    values = [value for _, each in conditions for value in each]
    rows = tx.rows(f"SELECT {COLUMNS} FROM {TABLES} WHERE {text} ORDER BY s.id DESC LIMIT ?", (*values, limit))
    return [read_row(row) for row in rows]


def _of_word(word: FlowWord, now_ms: int) -> tuple[str, tuple[Value, ...]]:
    """The statuses of one word as every reader sees them: expiry is a fact of the clock."""
    statuses = read_flow_word(word)
    marks = ",".join("?" * len(statuses))
    if word == "active":
        return f"s.status IN ({marks}) AND s.expires_ms > ?", (*statuses, now_ms)
    if word == "expired":
        unfinished = ",".join("?" * len(UNFINISHED))
        return f"(s.status = 'expired' OR (s.status IN ({unfinished}) AND s.expires_ms <= ?))", (*UNFINISHED, now_ms)
    return f"s.status IN ({marks})", statuses
