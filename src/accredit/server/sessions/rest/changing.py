"""Changing a session while it is open: the browser came, a provider was chosen, a step was taken.

Each change reads the row, makes the new one, and writes it if nobody wrote meanwhile; else it begins anew. The own row is locked
before the shared one, here and wherever both are written.
"""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from accredit.errors import ConflictError, FailureError
from accredit.server.events.outbox import Event, append
from accredit.server.ids import new_session_id
from accredit.server.node import Node
from accredit.server.providers.provider import Redirect, Show, Waiting
from accredit.server.sessions.rest.reading import find_any
from accredit.server.sessions.rest.record import (
    Control,
    Environment,
    KeptStep,
    Open,
    RestSession,
    find_row,
    load_open,
    seal_open,
)
from accredit.server.store import Transaction, one_by_one

_TRIES = 5
_MAX_AGENT = 512
_OPEN = "status IN ('created', 'waiting', 'pending_review')"

Changed = tuple[RestSession, Open]


async def change_open(node: Node, session: RestSession, change: Callable[[RestSession, Open], Changed]) -> RestSession:
    """Change the open part and its columns; the session as it stands then.

    change: called again with what is there now whenever somebody was faster. Raises ConflictError `session_not_active`; FailureError
    `service_unavailable` where others never stop being faster.
    """
    current: RestSession | None = session
    for _ in range(_TRIES):
        now_ms = node.clock()
        if current is None or not current.is_open(now_ms):
            raise ConflictError("session_not_active")
        changed, part = change(current, load_open(node.sealer, current))
        sealed = seal_open(node.sealer, current.scope, current.session_id, part)
        written = await node.store.write(
            _write, _Writing(changed, sealed, current.revision, current.status == "created", now_ms)
        )
        if written is not None:
            return written
        current = await find_any(node, session.session_id)
    raise FailureError("service_unavailable")


async def note_browser(
    node: Node, session: RestSession, browser_hash: bytes, ip_address: str, user_agent: str | None, *, same: bool = False
) -> RestSession:
    """A browser opened the page with its key: the session is its own from now on. Raises as `change_open`.

    What the person before another browser agreed to, whoever sits here has not; and what that person began, nobody finishes here.
    same: it is the browser of the attempt, by what only that one was told.
    """
    now_ms = node.clock()

    def change(current: RestSession, part: Open) -> Changed:
        environment = Environment(ip_address, None if user_agent is None else user_agent[:_MAX_AGENT])
        opened_ms = now_ms if current.opened_ms is None else current.opened_ms
        changed = msgspec.structs.replace(current, browser_hash=browser_hash, opened_ms=opened_ms)
        noted = msgspec.structs.replace(part, environment=environment)
        if same or current.browser_hash in (None, browser_hash):
            return changed, noted
        begun_anew = msgspec.structs.replace(changed, provider_id=None, attempt_id=None, ask_ms=None)
        return begun_anew, msgspec.structs.replace(noted, consented=False, step=None)

    return await change_open(node, session, change)


async def choose_provider(node: Node, session: RestSession, provider_id: str, *, start_ms: int | None = None) -> RestSession:
    """Begin a new attempt at a provider; whatever comes of an earlier one is late.

    provider_id: one of those that are offered. start_ms: from when somebody else may start it, if it is headless. Raises as
    `change_open`, `session_not_active` also for another provider, and where another browser made the session its own meanwhile.
    """
    attempt_id = new_session_id()

    def change(current: RestSession, part: Open) -> Changed:
        if provider_id not in current.control.offered or current.browser_hash != session.browser_hash:
            raise ConflictError("session_not_active")
        changed = msgspec.structs.replace(current, provider_id=provider_id, attempt_id=attempt_id, ask_ms=start_ms)
        return changed, msgspec.structs.replace(part, step=None)

    return await change_open(node, session, change)


async def forget_provider(node: Node, session: RestSession) -> RestSession:
    """Go back to the choice: what comes of the attempt is late. Raises as `change_open`."""

    def change(current: RestSession, part: Open) -> Changed:
        changed = msgspec.structs.replace(current, provider_id=None, attempt_id=None, ask_ms=None)
        return changed, msgspec.structs.replace(part, step=None)

    return await change_open(node, session, change)


async def keep_step(
    node: Node, session: RestSession, step: Redirect | Show | Waiting, *, attempt_id: str | None
) -> RestSession:
    """Keep the latest step of an attempt. Raises as `change_open`; for an attempt that is not the latest `session_not_active` too."""
    ask_ms = step.ask_again_ms if isinstance(step, Waiting) else None

    def change(current: RestSession, part: Open) -> Changed:
        if current.attempt_id != attempt_id:
            raise ConflictError("session_not_active")
        return msgspec.structs.replace(current, ask_ms=ask_ms), msgspec.structs.replace(part, step=_kept(step))

    return await change_open(node, session, change)


async def note_page(
    node: Node, session: RestSession, *, language: str | None = None, consented: bool | None = None
) -> RestSession:
    """Keep what the person chose on the page. Raises as `change_open`."""

    def change(current: RestSession, part: Open) -> Changed:
        agreed = part.consented if consented is None else consented
        return current, msgspec.structs.replace(part, language=language or part.language, consented=agreed)

    return await change_open(node, session, change)


def _kept(step: Redirect | Show | Waiting) -> KeptStep:
    state = dict(step.state)
    if isinstance(step, Show):
        return KeptStep(kind="show", state=state, screen=step.screen, values=dict(step.values))
    if isinstance(step, Waiting):
        return KeptStep(kind="waiting", state=state, idp_data=dict(step.idp_data))
    return KeptStep(kind="redirect", state=state)


@dataclass(frozen=True, slots=True)
class _Writing:
    """changed: the row with its new columns. revision: the one that it was made from. arriving: it was `created` until now."""

    changed: RestSession
    sealed: bytes
    revision: int
    arriving: bool
    now_ms: int


@one_by_one
def _write(tx: Transaction, item: _Writing) -> RestSession | None:
    """Change: write an open session; None if somebody wrote meanwhile. Raises ConflictError `session_not_active`."""
    new = item.changed
    moved = tx.execute(
        "UPDATE rest_sessions SET revision = revision + 1, provider_id = ?, attempt_id = ?, browser_hash = ?, ask_ms = ?,"
        " opened_ms = ? WHERE session_id = ? AND revision = ? AND deleted_ms IS NULL",
        (new.provider_id, new.attempt_id, new.browser_hash, new.ask_ms, new.opened_ms, new.session_id, item.revision),
    )
    if not moved:
        return None
    told = 1 if item.arriving else 0
    changed = tx.execute(
        "UPDATE sessions SET sealed = ?, status = CASE status WHEN 'created' THEN 'waiting' ELSE status END, updated_ms = ?,"
        " sequence = sequence + ?"
        f" WHERE id = ? AND {_OPEN} AND expires_ms > ?",
        (item.sealed, item.now_ms, told, new.session_id, item.now_ms),
    )
    if not changed:
        raise ConflictError("session_not_active")
    written = find_row(tx, new.session_id)
    assert written is not None
    if item.arriving:
        append(tx, [rest_event(written, written.control, item.now_ms)])
    return written


def rest_event(session: RestSession, control: Control, now_ms: int) -> Event:
    """The event that tells of a session's present status; the transaction of each transition writes it."""
    return Event(
        type=f"session.{session.status}",
        scope=session.scope,
        created_ms=now_ms,
        session_id=session.session_id,
        integration_id=session.integration_id,
        sequence=session.sequence,
        data={
            "door": "rest",
            "status": session.status,
            "reason": session.reason,
            "tags": list(control.tags),
            "provider": session.provider_id,
            "external_reference": control.external_reference,
            "usage_reference": control.usage_reference,
        },
    )
