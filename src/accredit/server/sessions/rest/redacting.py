"""Erasing what tells of a person: on request, when the retention is over, soon after the answer was read (section 15).

Ids, status, times and the labels of the caller stay for 400 days after the end, so that lists stay true; of a deleted session only
its id stays so long, and nobody is told of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from accredit.errors import ConflictError
from accredit.server.audit import AuditEntry
from accredit.server.audit import append as append_audit
from accredit.server.events.outbox import Event, forget_bodies
from accredit.server.events.outbox import append as append_events
from accredit.server.keyring.changes import Cause
from accredit.server.node import Node
from accredit.server.sessions.rest.finishing import cancel, expire_if_due
from accredit.server.sessions.rest.reading import find_any
from accredit.server.sessions.rest.record import COLUMNS, TABLES, RestSession, read_row
from accredit.server.store import Transaction, one_by_one

ROW_LIFE_MS = 400 * 86_400_000
_AT_ONCE = 500


async def redact_session(node: Node, session: RestSession, cause: Cause) -> RestSession:
    """Destroy the answer of a session that ended; again is the same. Raises ConflictError `session_active`."""
    session = await expire_if_due(node, session)
    if session.is_open(cause.at_ms):
        raise ConflictError("session_active")
    await node.store.write(_redact, _Erasure(session, cause))
    return await find_any(node, session.session_id) or session


async def delete_session(node: Node, session: RestSession, cause: Cause) -> None:
    """Destroy all of a session but its id; an open one is cancelled first."""
    # Only an end that is written down erases what was sealed while the session was open.
    session = await expire_if_due(node, session)
    if session.is_open(cause.at_ms):
        try:
            session = await cancel(node, session)
        except ConflictError:
            # It came to another end meanwhile, and that one has been told of.
            session = await find_any(node, session.session_id) or session
    await node.store.write(_delete, _Erasure(session, cause))


async def note_read(node: Node, session: RestSession, now_ms: int) -> None:
    """The first GET after the end: where the policy asks for it, the answer goes soon. Durable when it returns."""
    after_s = session.control.delete_after_read_s
    if after_s is not None and session.read_ms is None:
        await node.store.write(_note_read, (session.session_id, now_ms, now_ms + after_s * 1000))


@dataclass(frozen=True, slots=True)
class _Erasure:
    session: RestSession
    cause: Cause


@one_by_one
def _note_read(tx: Transaction, item: tuple[str, int, int]) -> None:
    session_id, now_ms, redact_ms = item
    first = tx.execute("UPDATE rest_sessions SET read_ms = ? WHERE session_id = ? AND read_ms IS NULL", (now_ms, session_id))
    if first:
        tx.execute(
            "UPDATE sessions SET redact_ms = ? WHERE id = ? AND redacted_ms IS NULL AND (redact_ms IS NULL OR redact_ms > ?)",
            (redact_ms, session_id, redact_ms),
        )


@one_by_one
def _redact(tx: Transaction, item: _Erasure) -> None:
    if erase(tx, [item.session], item.cause.at_ms):
        append_audit(tx, [_entry("session.redacted", item)])


@one_by_one
def _delete(tx: Transaction, item: _Erasure) -> None:
    session_id = item.session.session_id
    deleted = tx.execute(
        "UPDATE rest_sessions SET revision = revision + 1, control = '{}', key_jwk = NULL, tags = NULL, external_reference = NULL,"
        " idempotency_key = NULL, request_hash = NULL, provider_id = NULL, attempt_id = NULL, deleted_ms = ?"
        " WHERE session_id = ? AND deleted_ms IS NULL",
        (item.cause.at_ms, session_id),
    )
    if deleted:
        erase(tx, [item.session], item.cause.at_ms)
        tx.execute("UPDATE sessions SET reason = NULL, answer_thumbprint = NULL WHERE id = ?", (session_id,))
        append_audit(tx, [_entry("session.deleted", item)])


def _entry(kind: str, item: _Erasure) -> AuditEntry:
    session, cause = item.session, item.cause
    return AuditEntry(
        at_ms=cause.at_ms,
        kind=kind,
        account_id=session.account_id,
        environment=session.environment,
        actor=cause.actor,
        integration_id=session.integration_id,
        session_id=session.session_id,
        request_id=cause.request_id,
    )


def erase(tx: Transaction, sessions: Sequence[RestSession], now_ms: int) -> int:
    """Erase the answers of ended sessions, and what else is of the person, with their events; how many there were.

    From now on `redact_ms` is the time at which the row goes.
    """
    if not sessions:
        return 0
    ids = sorted(session.session_id for session in sessions)
    marks = ",".join("?" * len(ids))
    tx.execute(
        f"UPDATE rest_sessions SET browser_hash = NULL, nonce_hash = NULL, request_hash = NULL WHERE session_id IN ({marks})",
        ids,
    )
    rows = tx.rows(
        "UPDATE sessions SET sealed = NULL, answer = NULL, redacted_ms = ?, sequence = sequence + 1,"
        " redact_ms = CASE WHEN completed_ms + ? > ? THEN completed_ms + ? ELSE CAST(? AS BIGINT) END"
        f" WHERE id IN ({marks}) AND redacted_ms IS NULL AND completed_ms IS NOT NULL RETURNING id, sequence",
        (now_ms, ROW_LIFE_MS, now_ms, ROW_LIFE_MS, now_ms, *ids),
    )
    erased = {row[0]: row[1] for row in rows}
    forget_bodies(tx, list(erased))
    append_events(tx, [_redacted(each, erased[each.session_id], now_ms) for each in sessions if each.session_id in erased])
    return len(erased)


def _redacted(session: RestSession, sequence: int, now_ms: int) -> Event:
    return Event(
        type="session.redacted",
        scope=session.scope,
        created_ms=now_ms,
        session_id=session.session_id,
        integration_id=session.integration_id,
        sequence=sequence,
        data={"door": "rest", "status": session.status, "reason": session.reason},
    )


@one_by_one
def erase_due(tx: Transaction, now_ms: int) -> int:
    """Change: erase up to 500 answers whose time is over, and remove rows that have been kept long enough."""
    rows = tx.rows(
        f"SELECT {COLUMNS} FROM {TABLES} WHERE s.door = 'rest' AND s.redact_ms <= ? ORDER BY s.id LIMIT {_AT_ONCE}", (now_ms,)
    )
    due = [read_row(row) for row in rows]
    gone = [each.session_id for each in due if each.redacted_ms is not None]
    if gone:
        marks = ",".join("?" * len(gone))
        tx.execute(f"DELETE FROM rest_sessions WHERE session_id IN ({marks})", gone)
        tx.execute(f"DELETE FROM sessions WHERE id IN ({marks})", gone)
    erase(tx, [each for each in due if each.redacted_ms is None], now_ms)
    return len(due)
