"""Ending a session: its answer is built once, sealed, and stored as the only copy (protocol-rest.md section 9).

Whatever ends a session (an answer of a provider, the person, the caller, the clock) comes through one compare-and-set that names the
open statuses and the clock. Who loses drops its bytes and reads the winner's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import msgspec

from accredit.encoding import Json
from accredit.errors import AccreditError, ConflictError, FailureError
from accredit.server.audit import AuditEntry, record_entries
from accredit.server.audit import append as append_audit
from accredit.server.events.outbox import append as append_events
from accredit.server.node import Node
from accredit.server.providers.provider import Outcome
from accredit.server.sessions.answers import WITH_ANSWER
from accredit.server.sessions.rest.answers import Standing, answer_body, keep_answer, seal_answer
from accredit.server.sessions.rest.changing import rest_event
from accredit.server.sessions.rest.judging import Judgement, judge_outcome, key_is_revoked
from accredit.server.sessions.rest.reading import find_any
from accredit.server.sessions.rest.record import RestSession, find_row, load_open
from accredit.server.store import Transaction, one_by_one

_TRIES = 5
TellAnswer: TypeAlias = Callable[[], dict[str, Json]]


async def finish(node: Node, session: RestSession, outcome: Outcome, *, attempt_id: str | None) -> RestSession:
    """End a session by what came of an attempt, and return it as it is stored, whoever ended it.

    attempt_id: of the attempt. What comes of one that is not the latest, or after the end, is dropped unread: audit `late_answer`.
    Raises FailureError: `service_unavailable`, `sealed_damaged`.
    """
    for _ in range(_TRIES):
        current = await find_any(node, session.session_id)
        if current is None or current.attempt_id != attempt_id or not current.is_open(node.clock()):
            return await drop_late(node, session if current is None else current)
        ended = await _try_end(node, current, await judge_outcome(node, current, outcome))
        if ended is not None:
            return ended
    raise FailureError("service_unavailable")


async def abort(node: Node, session: RestSession, detail: str = "user_aborted") -> RestSession:
    """The person gave up; the session as it is stored, whoever ended it. Raises as `finish`."""
    return await _end(node, session, Standing("aborted", detail))


async def fail(node: Node, session: RestSession, detail: str = "session_error") -> RestSession:
    """Something went wrong here; the session as it is stored, whoever ended it. Raises as `finish`."""
    return await _end(node, session, Standing("error", detail))


async def cancel(node: Node, session: RestSession) -> RestSession:
    """The caller cancels: again is the same. Raises ConflictError `session_not_active` after another end; and as `finish`."""
    ended = await _end(node, session, Standing("cancelled"))
    if ended.status != "cancelled":
        raise ConflictError("session_not_active")
    return ended


async def expire_if_due(node: Node, session: RestSession) -> RestSession:
    """The session as every reader sees it: one past its time is written down as `expired` by who notices first."""
    if session.is_open(session.expires_ms - 1) and not session.is_open(node.clock()):
        return await _end(node, session, Standing("expired"))
    return session


async def _end(node: Node, session: RestSession, standing: Standing) -> RestSession:
    current: RestSession | None = session
    for _ in range(_TRIES):
        if current is None:
            return session
        now_ms = node.clock()
        if current.status_at(now_ms) != current.status:
            standing = Standing("expired")
        elif not current.is_open(now_ms):
            return current
        ended = await _try_end(node, current, Judgement(standing))
        if ended is not None:
            return ended
        current = await find_any(node, session.session_id)
    raise FailureError("service_unavailable")


async def drop_late(node: Node, session: RestSession, reason: str | None = None) -> RestSession:
    """Drop what is no answer to the present attempt, unread; the session as every reader sees it. reason: for the audit record."""
    entry = AuditEntry(
        at_ms=node.clock(),
        kind="rest.late_answer",
        account_id=session.account_id,
        environment=session.environment,
        code="late_answer",
        integration_id=session.integration_id,
        session_id=session.session_id,
        detail={} if reason is None else {"reason": reason},
    )
    await node.store.write(record_entries, entry)
    return await expire_if_due(node, session)


async def _try_end(node: Node, session: RestSession, judgement: Judgement) -> RestSession | None:
    """Steps 3 to 5: build, seal, and store; None if somebody wrote meanwhile."""
    now_ms = node.clock()
    standing, answer, told = await _build(node, session, judgement.standing, now_ms)
    ending = _Ending(session, standing, answer, told, now_ms, _entry(session, standing, judgement, now_ms))
    return await node.store.write(_store_end, ending)


async def _build(node: Node, session: RestSession, standing: Standing, now_ms: int) -> tuple[Standing, bytes, TellAnswer]:
    """The answer as it is stored, and as events tell it. If sealing fails, the session ends with an error, without the person."""
    part, until_ms = load_open(node.sealer, session), now_ms + (session.retention_ms or 0)
    if await key_is_revoked(node, session):
        standing = _bare(standing)
    try:
        answer = await seal_answer(node, session, answer_body(node, session, part, standing), now_ms=now_ms, until_ms=until_ms)
    except (AccreditError, ValueError):
        if standing.status != "success":
            raise
        return await _build(node, session, Standing("error", "session_error", bare=True), now_ms)
    return standing, keep_answer(node, session, answer), partial(_told, session, answer)


def _told(session: RestSession, answer: bytes) -> dict[str, Json]:
    """The answer for full payloads (protocol-webhooks.md section 4): to a caller's key it is sealed, and stays so."""
    if session.key_jwk is not None:
        return {"sealed_answer": answer.decode("ascii")}
    return {"session": msgspec.json.decode(answer)}


def _bare(standing: Standing) -> Standing:
    """To a key that was revoked nothing of the person is sealed."""
    if standing.status == "success":
        return Standing("error", "encryption_key_revoked", bare=True)
    return Standing(standing.status, standing.detail, bare=True)


def _entry(session: RestSession, standing: Standing, judgement: Judgement, now_ms: int) -> AuditEntry | None:
    """What only the audit record says of an end: the precise reason, and what was left out."""
    if judgement.reason is None and not judgement.left_out:
        return None
    left_out: list[Json] = list(judgement.left_out)
    detail: dict[str, Json] = {"left_out": left_out} if left_out else {}
    if judgement.reason is not None:
        detail["reason"] = judgement.reason
    return AuditEntry(
        at_ms=now_ms,
        kind=f"session.{standing.status}",
        account_id=session.account_id,
        environment=session.environment,
        code=standing.detail,
        integration_id=session.integration_id,
        session_id=session.session_id,
        detail=detail,
    )


@dataclass(frozen=True, slots=True)
class _Ending:
    session: RestSession
    standing: Standing
    answer: bytes
    told: TellAnswer
    now_ms: int
    entry: AuditEntry | None


@one_by_one
def _store_end(tx: Transaction, item: _Ending) -> RestSession | None:
    """Change: compare-and-set to the end, with the only copy of its answer; None if somebody wrote meanwhile."""
    session, standing, now_ms = item.session, item.standing, item.now_ms
    moved = tx.execute(
        "UPDATE rest_sessions SET revision = revision + 1, ask_ms = NULL"
        " WHERE session_id = ? AND revision = ? AND deleted_ms IS NULL",
        (session.session_id, session.revision),
    )
    # An end by the clock is no end before its time, and nothing else is one after it.
    time = "expires_ms <= ?" if standing.status == "expired" and now_ms >= session.expires_ms else "expires_ms > ?"
    changed = moved and tx.execute(
        "UPDATE sessions SET status = ?, reason = ?, completed_ms = ?, updated_ms = ?, sequence = sequence + 1, sealed = NULL,"
        " answer = ?, redact_ms = CAST(? AS BIGINT) + retention_ms"
        f" WHERE id = ? AND status IN ('created', 'waiting', 'pending_review') AND {time}",
        (
            *(standing.status, standing.detail, now_ms, now_ms, item.answer, now_ms),
            *(session.session_id, now_ms),
        ),
    )
    if not changed:
        return None
    ended = find_row(tx, session.session_id)
    assert ended is not None
    event = rest_event(ended, ended.control, now_ms)
    append_events(tx, [msgspec.structs.replace(event, build_answer=item.told) if ended.status in WITH_ANSWER else event])
    if item.entry is not None:
        append_audit(tx, [item.entry])
    return ended
