"""Leaving the open statuses: end, cancel, extend, expiry, redaction.

Every transition is one compare-and-set UPDATE that names the open statuses and the clock, so of two racing ones exactly one wins.
The personal part goes in the same statement: a session that ended holds none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from accredit.errors import ConflictError, MalformedError, NotFoundError
from accredit.server.events.outbox import Event, append, forget_bodies
from accredit.server.keyring.scope import Scope
from accredit.server.sessions.answers import WITH_ANSWER, ended_answer
from accredit.server.sessions.record import COLUMNS, OF_FRAMED_DOORS, Session, Status, find_session, read_row
from accredit.server.store import Store, Transaction, one_by_one

Outcome = Literal["success", "failed", "aborted", "cancelled"]
MAX_LIFE_MS = 12 * 3600 * 1000
_SWEEP_AT_ONCE = 500
_OPEN = "status IN ('created', 'waiting', 'pending_review')"


@dataclass(frozen=True, slots=True)
class Ending:
    """A wish to end one session. reason: a code, or None."""

    session_id: str
    scope: Scope
    outcome: Outcome
    now_ms: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Extension:
    """A wish to let one session live until that many seconds from now."""

    session_id: str
    scope: Scope
    expires_in_s: int
    now_ms: int


async def end_session(store: Store, ending: Ending) -> Session:
    """End a session; ending it alike again answers the same.

    Raises NotFoundError `session_not_found`; ConflictError `session_not_active` after another end.
    """
    return await store.write(end, ending)


@one_by_one
def end(tx: Transaction, ending: Ending) -> Session:
    """Change: compare-and-set to the outcome."""
    row = tx.row(
        "UPDATE sessions SET status = ?, reason = ?, completed_ms = ?, updated_ms = ?, sequence = sequence + 1, sealed = NULL,"
        " code_hash = NULL, redact_ms = CAST(? AS BIGINT) + retention_ms"
        f" WHERE id = ? AND account_id = ? AND environment = ? AND {_OPEN} AND expires_ms > ? RETURNING {COLUMNS}",
        (
            *(ending.outcome, ending.reason, ending.now_ms, ending.now_ms, ending.now_ms),
            *(ending.session_id, ending.scope.account_id, ending.scope.environment, ending.now_ms),
        ),
    )
    if row is not None:
        session = read_row(row)
        append(tx, [_ended(tx, session)])
        return session
    found = find_session(tx, (ending.session_id, ending.scope))
    if found is None:
        raise NotFoundError("session_not_found")
    if found.status_at(ending.now_ms) != ending.outcome:
        raise ConflictError("session_not_active")
    return found


async def extend_session(store: Store, extension: Extension) -> Session:
    """Let an open session live longer, up to 12 h after it was created.

    Raises MalformedError `field_invalid`; NotFoundError `session_not_found`; ConflictError `session_not_active`.
    """
    return await store.write(extend, extension)


@one_by_one
def extend(tx: Transaction, extension: Extension) -> Session:
    """Change: move `expires_ms` of a session that is `waiting`."""
    found = find_session(tx, (extension.session_id, extension.scope))
    if found is None:
        raise NotFoundError("session_not_found")
    until_ms = extension.now_ms + extension.expires_in_s * 1000
    if extension.expires_in_s < 1 or until_ms > found.created_ms + MAX_LIFE_MS:
        raise MalformedError("field_invalid", "expires_in_s")
    row = tx.row(
        "UPDATE sessions SET expires_ms = ?, updated_ms = ? WHERE id = ? AND status = 'waiting' AND expires_ms > ?"
        f" RETURNING {COLUMNS}",
        (until_ms, extension.now_ms, extension.session_id, extension.now_ms),
    )
    if row is None:
        raise ConflictError("session_not_active")
    return read_row(row)


def transition(session: Session) -> Event:
    """The event that tells of a session's present status; the transaction of each transition writes it."""
    return Event(
        type=f"session.{session.status}",
        scope=session.scope,
        created_ms=session.updated_ms,
        session_id=session.session_id,
        integration_id=session.integration_id,
        sequence=session.sequence,
        data={"door": session.door, "status": session.status, "reason": session.reason},
    )


async def cancel_sessions_of_key(store: Store, scope: Scope, key_id: str, *, now_ms: int) -> int:
    """Cancel the open sessions of framed doors that this key's proof opened, some at a time; how many there were.

    The key is revoked before, so no new ones come; who asks again after an interruption ends the rest.
    """
    cancelled = 0
    while part := await store.write(_cancel_of_key, (scope, key_id, now_ms)):
        cancelled += part
    return cancelled


@one_by_one
def _cancel_of_key(tx: Transaction, item: tuple[Scope, str, int]) -> int:
    scope, key_id, now_ms = item
    ids = tx.rows(
        f"SELECT id FROM sessions WHERE proof_key_id = ? AND account_id = ? AND environment = ? AND {_OPEN}"
        f" AND {OF_FRAMED_DOORS} ORDER BY id LIMIT {_SWEEP_AT_ONCE}",
        (key_id, scope.account_id, scope.environment),
    )
    return close(tx, [row[0] for row in ids], "cancelled", now_ms, reason="key_revoked")


async def sweep(store: Store, *, now_ms: int) -> tuple[int, int]:
    """Write down what the clock has decided: expired sessions, and those whose retention is over. Returns both counts."""
    expired = await store.write(expire_due, now_ms)
    redacted = await store.write(redact_due, now_ms)
    return expired, redacted


@one_by_one
def expire_due(tx: Transaction, now_ms: int) -> int:
    """Change: give up to 500 sessions past their time the status that every reader sees already.

    Those of the doors rest and flow end in ways of their own: `rest/sweeping.py`, `flow/sweeping.py`.
    """
    ids = tx.rows(
        f"SELECT id FROM sessions WHERE {_OPEN} AND expires_ms <= ? AND {OF_FRAMED_DOORS} ORDER BY id LIMIT {_SWEEP_AT_ONCE}",
        (now_ms,),
    )
    return close(tx, [row[0] for row in ids], "expired", now_ms, only_past=True)


def close(
    tx: Transaction, ids: Sequence[str], status: Status, now_ms: int, *, reason: str | None = None, only_past: bool = False
) -> int:
    """Close those of the sessions that are still open (and, if asked, past their time), with their events."""
    if not ids:
        return 0
    past = f" AND expires_ms <= {now_ms:d}" if only_past else ""
    rows = tx.rows(
        "UPDATE sessions SET status = ?, reason = ?, completed_ms = ?, updated_ms = ?, sequence = sequence + 1, sealed = NULL,"
        " code_hash = NULL, redact_ms = CAST(? AS BIGINT) + retention_ms"
        f" WHERE id IN ({','.join('?' * len(ids))}) AND {_OPEN}{past} RETURNING {COLUMNS}",
        (status, reason, now_ms, now_ms, now_ms, *ids),
    )
    append(tx, [_ended(tx, read_row(row)) for row in rows])
    return len(rows)


def _ended(tx: Transaction, session: Session) -> Event:
    """The event of an end, with what full payloads say of it."""
    event = transition(session)
    if session.status not in WITH_ANSWER:
        return event
    return msgspec.structs.replace(event, build_answer=lambda: {"session": ended_answer(tx, session)})


@one_by_one
def redact_due(tx: Transaction, now_ms: int) -> int:
    """Change: redact up to 500 sessions whose retention is over."""
    ids = tx.rows(
        f"SELECT id FROM sessions WHERE redact_ms <= ? AND {OF_FRAMED_DOORS} ORDER BY id LIMIT {_SWEEP_AT_ONCE}", (now_ms,)
    )
    return redact(tx, [row[0] for row in ids], now_ms)


def redact(tx: Transaction, ids: Sequence[str], now_ms: int) -> int:
    """Erase what tells of the person from ended sessions; ids, statuses, times and the keyed hash of the user stay."""
    if not ids:
        return 0
    rows = tx.rows(
        "UPDATE sessions SET sealed = NULL, answer = NULL, origin = NULL, channel = NULL, locale = NULL, redact_ms = NULL,"
        " redacted_ms = ?, updated_ms = ?, sequence = sequence + 1"
        f" WHERE id IN ({','.join('?' * len(ids))}) AND redacted_ms IS NULL RETURNING {COLUMNS}",
        (now_ms, now_ms, *ids),
    )
    forget_bodies(tx, ids)
    append(tx, [msgspec.structs.replace(transition(read_row(row)), type="session.redacted") for row in rows])
    return len(rows)
