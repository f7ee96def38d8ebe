"""Changing a session: every change is one compare-and-set on its revision, with its events in the same transaction.

A change is made of the row as it was read (`Draft`), and written if nobody wrote meanwhile (`write_draft`); `change_flow` begins anew
with what is there now. The own row is locked before the shared one, here and wherever both are written.

    def cancel(draft: Draft) -> None:
        draft.end("cancelled")

    session = await change_flow(node, session, cancel)
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import msgspec

from accredit.encoding import Json
from accredit.errors import FailureError
from accredit.server.audit import AuditEntry
from accredit.server.audit import append as append_audit
from accredit.server.events.outbox import Event, append, forget_bodies
from accredit.server.node import Node
from accredit.server.sessions.flow.claims import Claim, claiming
from accredit.server.sessions.flow.objects import built_object, seal_personal
from accredit.server.sessions.flow.reading import load_any
from accredit.server.sessions.flow.record import (
    NO_EXPIRY_MS,
    FlowPerson,
    FlowSession,
    destroy_key,
    load_person,
    seal_person,
    write_json,
)
from accredit.server.sessions.flow.running import Course, Steps, close_steps, told_of
from accredit.server.sessions.flow.tokens import revoke_tokens
from accredit.server.sessions.listing import searched_text
from accredit.server.steps.callouts.records import close_rows_of
from accredit.server.store import Transaction, in_order

# How long whoever began a step has to say what came of it, before somebody else asks again.
START_GRACE_MS = 10_000
_TRIES = 5
End = Literal["success", "failed", "expired", "cancelled"]
Write = Callable[[Transaction], None]


@dataclass(slots=True)
class Draft:
    """A session that is being changed. session, person: as they are so far; before: the row that it is made of.

    known: the personal part that it had. writes: what else is written in the same transaction.
    """

    node: Node
    before: FlowSession
    known: FlowPerson
    session: FlowSession
    person: FlowPerson
    now_ms: int
    events: list[Event] = field(default_factory=list)
    entries: list[AuditEntry] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)

    @property
    def is_changed(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.writes or self.entries) or self.session != self.before or self.person != self.known

    def tell(self, event_type: str, **data: Json) -> None:
        """Write an event of the session, with the next number."""
        self.session = msgspec.structs.replace(self.session, sequence=self.session.sequence + 1)
        event = flow_event(self.session, event_type, self.now_ms, data)
        if event_type in ("session.success", "session.failed"):
            event = msgspec.structs.replace(event, build_answer=self._answer)
        self.events.append(event)

    def once(self, claim: Claim | None) -> None:
        """Let the request have this change as its one effect; where it had it before, writing raises ReplayedError."""
        if claim is not None:
            self.writes.append(claiming(claim, self.session.session_id))

    def take(self, steps: Steps) -> None:
        """Put steps in the place of the present ones, and tell of each that changed."""
        told = told_of(self.session.steps, steps)
        self.session = msgspec.structs.replace(self.session, steps_text=write_json(steps))
        for step, status in told:
            self.tell("session.step_updated", step=step, step_status=status)

    def follow(self, course: Course) -> None:
        """Take the steps of a course, and what comes of the session."""
        self.take(course.steps)
        if course.status == "pending_review":
            self._enter_review()
        elif course.status is not None:
            self.end(course.status)
        elif self.session.active_step != self.before.active_step:
            self.session = msgspec.structs.replace(self.session, wake_ms=self.now_ms + START_GRACE_MS)

    def end(self, status: End, reason: str | None = None, at_ms: int | None = None) -> None:
        """Enter a status that nothing leaves; what was personal is sealed if there is a key for it. at_ms: when it came to that."""
        at_ms = self.now_ms if at_ms is None else at_ms
        if status in ("expired", "cancelled"):
            word: Literal["expired", "canceled"] = "expired" if status == "expired" else "canceled"
            self.take(close_steps(self.session.control.rules, self.session.steps, word, at_ms))
        answer = seal_personal(self.session, self.person)
        if answer is not None:
            self.person = FlowPerson(customer_reference=self.person.customer_reference, return_url=self.person.return_url)
        self.person = msgspec.structs.replace(self.person, kept=None)
        self.session = msgspec.structs.replace(
            self.session, status=status, reason=reason, completed_ms=at_ms, answer=answer, wake_ms=None
        )
        self.writes.append(partial(close_rows_of, session_id=self.session.session_id, now_ms=self.now_ms))
        self.tell(f"session.{status}")

    def redact(self) -> None:
        """Destroy what tells of the person, and the key that it was sealed with; tokens and links are good for nothing any more."""
        # With its tags, so that who listens for them hears of it.
        self.tell("session.redacted")
        control = msgspec.structs.replace(self.session.control, tags=())
        self.session = msgspec.structs.replace(
            self.session,
            **dict.fromkeys(("sealed", "answer", "own_key", "origin", "locale")),
            link=0,
            control_text=write_json(control),
            redacted_ms=self.now_ms,
        )
        self.person = FlowPerson()
        session_id = self.session.session_id
        self.writes += [
            partial(destroy_key, session_id=session_id),
            partial(revoke_tokens, session_id=session_id),
            partial(forget_bodies, session_ids=(session_id,)),
        ]

    def _enter_review(self) -> None:
        self.person = msgspec.structs.replace(self.person, kept=None)
        self.session = msgspec.structs.replace(
            self.session, status="pending_review", completed_ms=self.now_ms, expires_ms=NO_EXPIRY_MS, wake_ms=None
        )
        self.tell("session.pending_review")

    def _answer(self) -> dict[str, Json]:
        """What full payloads have beside the event: the answer of the API, or what the caller's key opens."""
        if self.session.answer is not None:
            return {"sealed_answer": self.session.answer.decode("ascii")}
        return {"session": built_object(self.node, self.session, self.person, self.now_ms)}

    def sealed(self) -> "FlowSession":
        """The row to be written."""
        session = self.session
        if session.own_key is None:
            return msgspec.structs.replace(session, updated_ms=self.now_ms)
        sealed = seal_person(self.node.sealer, session.scope, session.session_id, session.own_key, self.person)
        return msgspec.structs.replace(session, sealed=sealed, updated_ms=self.now_ms)


def draft_of(node: Node, session: FlowSession, now_ms: int) -> Draft:
    """A draft of a session as it was read. Its scope is ready. Raises FailureError `sealed_damaged`."""
    person = load_person(node.sealer, session)
    return Draft(node, session, person, session, person, now_ms)


def flow_event(session: FlowSession, event_type: str, now_ms: int, data: dict[str, Json]) -> Event:
    """An event of a session as it stands."""
    tags: list[Json] = list(session.control.tags)
    common: dict[str, Json] = {"door": "flow", "status": session.status, "reason": session.reason, "tags": tags}
    return Event(
        type=event_type,
        scope=session.scope,
        created_ms=now_ms,
        session_id=session.session_id,
        integration_id=session.integration_id,
        sequence=session.sequence,
        data={**common, **data},
    )


async def change_flow(node: Node, session: FlowSession, change: Callable[[Draft], None]) -> FlowSession:
    """Change a session and return it as it is stored then.

    change: alters the draft, or raises; called again with what is there now whenever somebody was faster. Raises what it raises, and
    FailureError `service_unavailable` where others never stop being faster.
    """
    current = session
    for _ in range(_TRIES):
        draft = draft_of(node, current, node.clock())
        change(draft)
        if not draft.is_changed:
            return current
        written = await keep_draft(node, draft)
        if written is not None:
            return written
        current = await load_any(node, session.session_id) or current
    raise FailureError("service_unavailable")


async def keep_draft(node: Node, draft: Draft) -> FlowSession | None:
    """Write a draft; None if somebody wrote meanwhile, and then nothing of it lasts."""
    return await node.store.write(_keep, _Keeping(draft, draft.sealed()))


@dataclass(frozen=True, slots=True)
class _Keeping:
    draft: Draft
    session: FlowSession


def _session_id(item: _Keeping) -> str:
    return item.session.session_id


@in_order(_session_id)
def _keep(tx: Transaction, item: _Keeping) -> FlowSession | None:
    return write_draft(tx, item.draft, item.session)


def write_draft(tx: Transaction, draft: Draft, session: FlowSession) -> FlowSession | None:
    """Write a draft in the caller's transaction. session: its `sealed()`. None if somebody wrote meanwhile."""
    moved = tx.execute(
        "UPDATE flow_sessions SET revision = revision + 1, superseded = ?, signed = ?, control = ?, tags = ?, steps = ?,"
        " link = ?, wake_ms = ? WHERE session_id = ? AND revision = ?",
        (
            *(session.superseded, session.signed, session.control_text, searched_text(*session.control.tags)),
            *(session.steps_text, session.link, session.wake_ms, session.session_id, session.revision),
        ),
    )
    if not moved:
        return None
    tx.execute(
        "UPDATE sessions SET status = ?, reason = ?, sequence = ?, updated_ms = ?, expires_ms = ?, completed_ms = ?, locale = ?,"
        " origin = ?, sealed = ?, answer = ?, redact_ms = ?, redacted_ms = ? WHERE id = ?",
        (
            *(session.status, session.reason, session.sequence, session.updated_ms, session.expires_ms, session.completed_ms),
            *(session.locale, session.origin, session.sealed, session.answer, _redact_ms(session), session.redacted_ms),
            session.session_id,
        ),
    )
    append(tx, draft.events)
    append_audit(tx, draft.entries)
    for write in draft.writes:
        write(tx)
    return msgspec.structs.replace(session, revision=session.revision + 1)


def _redact_ms(session: FlowSession) -> int | None:
    """When what is told of the person goes: so long after the end as the policy said."""
    ended = session.completed_ms is not None and session.status != "pending_review"
    if not ended or session.completed_ms is None or session.retention_ms is None or session.redacted_ms is not None:
        return None
    return session.completed_ms + session.retention_ms
