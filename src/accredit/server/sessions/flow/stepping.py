"""Walking the steps: what is due is begun, what the person posts is judged, what a service answers is taken, once.

protocol-flow.md section 7. Nothing here holds a transaction while a step is asked: what it says is kept only if nobody wrote
meanwhile, else it is dropped whole and the step is asked anew with what is there then.

    session = await arrive(node, session, address, language)        # a person is there: what is due begins
    session = await submit(node, session, "verify_email", {"code": "123456"})
    session = await look_again(node, session)                       # a page that waits
    session = await answer_step(node, session, "kyc_check", 1, outcome)
"""

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from accredit.errors import ConflictError, FailureError
from accredit.server.audit import AuditEntry, record_entries
from accredit.server.node import Node
from accredit.server.sessions.flow.changing import Draft, Write, draft_of, keep_draft
from accredit.server.sessions.flow.ending import expire_if_due
from accredit.server.sessions.flow.reading import load_any
from accredit.server.sessions.flow.record import FlowPerson, FlowSession, load_person
from accredit.server.sessions.flow.results import take_next, take_outcome
from accredit.server.sessions.flow.running import go_on
from accredit.server.steps.step import Asked, Next, StepKind, StepOutcome

_TRIES = 5
# A template has 20 steps at most; whatever a step says, one call walks no further.
_MAX_STEPS = 20
_LANGUAGE = "en"
Call = Callable[[StepKind, Asked], Awaitable[Next]]


async def arrive(node: Node, session: FlowSession, address: str, language: str | None) -> FlowSession:
    """A person is there: the session waits for that person, and what is due begins. address: of the browser. Raises as `advance`."""

    def note(draft: Draft) -> None:
        current = draft.session
        draft.person = msgspec.structs.replace(draft.person, ip_address=address)
        draft.session = msgspec.structs.replace(current, status="waiting", locale=language or current.locale)
        draft.tell("session.waiting")

    for _ in range(_TRIES):
        session = await expire_if_due(node, session)
        if session.status != "created":
            return await advance(node, session)
        draft = draft_of(node, session, node.clock())
        note(draft)
        session = await keep_draft(node, draft) or await load_any(node, session.session_id) or session
    raise FailureError("service_unavailable")


async def advance(node: Node, session: FlowSession) -> FlowSession:
    """Begin what is due until a person or a service is awaited, or the session has come to its end.

    The session as every reader sees it then. Raises FailureError `service_unavailable`, `sealed_damaged`.
    """
    for _ in range(_MAX_STEPS + _TRIES):
        session = await expire_if_due(node, session)
        if not session.is_active(node.clock()):
            return session
        step = session.active_step
        if step is not None and _is_begun(session, load_person(node.sealer, session)):
            return session
        kept = await _finish(node, session) if step is None else await _ask(node, session, step, _start)
        session = kept or await load_any(node, session.session_id) or session
    raise FailureError("service_unavailable")


async def submit(node: Node, session: FlowSession, step: str, form: Mapping[str, str]) -> FlowSession:
    """The person posted the form of a step's screen; the session as it stands then, with what is due begun.

    form: each field once. Raises ConflictError `step_not_active` where the step is not the one that asks; and as `advance`.
    """

    def call(kind: StepKind, asked: Asked) -> Awaitable[Next]:
        return kind.submit(asked, form)

    for _ in range(_TRIES):
        session = await expire_if_due(node, session)
        kept = load_person(node.sealer, session).kept
        if not session.is_active(node.clock()) or session.active_step != step or kept is None or kept.kind != "ask":
            raise ConflictError("step_not_active")
        written = await _ask(node, session, step, call)
        if written is not None:
            return await advance(node, written)
        session = await load_any(node, session.session_id) or session
    raise FailureError("service_unavailable")


async def look_again(node: Node, session: FlowSession) -> FlowSession:
    """Ask the active step what there is to show now, or whether anything happened since. Raises as `advance`."""
    session = await advance(node, session)
    step = session.active_step
    if not session.is_active(node.clock()) or step is None:
        return session
    written = await _ask(node, session, step, _poll)
    # Whoever was faster has changed more than a poll could.
    return await advance(node, written or await load_any(node, session.session_id) or session)


async def answer_step(
    node: Node, session: FlowSession, step: str, attempt: int, outcome: StepOutcome, write: Write | None = None
) -> FlowSession:
    """Take a service's answer to one attempt at a step, once; the session as it is stored then, its next step not begun yet.

    write: what is written in the same transaction. An answer that comes after another, or after the end, is audited and changes
    nothing: ConflictError `step_not_active`. Raises FailureError as `advance`.
    """
    for _ in range(_TRIES):
        session = await expire_if_due(node, session)
        if not _awaits(session, step, attempt, node.clock()):
            await _audit_late(node, session, step)
            raise ConflictError("step_not_active")
        draft = draft_of(node, session, node.clock())
        take_outcome(draft, step, outcome)
        if write is not None:
            draft.writes.append(write)
        written = await keep_draft(node, draft)
        if written is not None:
            return written
        session = await load_any(node, session.session_id) or session
    raise FailureError("service_unavailable")


def _awaits(session: FlowSession, step: str, attempt: int, now_ms: int) -> bool:
    return session.is_active(now_ms) and session.active_step == step and session.steps[step].attempt == attempt


def _is_begun(session: FlowSession, person: FlowPerson) -> bool:
    kept, step = person.kept, session.active_step
    return kept is not None and step == kept.step and session.steps[step].attempt == kept.attempt


async def _finish(node: Node, session: FlowSession) -> FlowSession | None:
    """No step is due from the beginning: all are skipped."""
    draft = draft_of(node, session, node.clock())
    draft.follow(go_on(session.control.rules, session.steps, draft.now_ms))
    return await keep_draft(node, draft)


async def _start(kind: StepKind, asked: Asked) -> Next:
    return await kind.start(asked)


async def _poll(kind: StepKind, asked: Asked) -> Next:
    return await kind.poll(asked)


async def _ask(node: Node, session: FlowSession, step: str, call: Call) -> FlowSession | None:
    """Ask the active step, and keep what it says; None if somebody wrote meanwhile."""
    rule = session.rule_of(step)
    if rule is None:
        raise FailureError("sealed_damaged")
    draft = draft_of(node, session, node.clock())
    kind = node.steps.find(session.scope, rule)
    said = await call(kind, asked_of(draft, step))
    take_next(draft, step, said)
    if not draft.is_changed:
        return session
    return await keep_draft(node, draft)


def asked_of(draft: Draft, step: str) -> Asked:
    """What the active step is asked for, at this attempt."""
    session, person, node = draft.session, draft.person, draft.node
    simulation, kept = session.control.simulation, person.kept
    return Asked(
        session_id=session.session_id,
        scope=session.scope,
        integration_id=session.integration_id,
        version=session.integration_version,
        step=step,
        attempt=session.steps[step].attempt,
        language=session.locale or _LANGUAGE,
        return_url=f"{node.settings.public_url}/verify/{session.session_id}",
        expires_ms=session.expires_ms,
        now_ms=draft.now_ms,
        user=person.user,
        fixed=frozenset(person.signed),
        forced=None if simulation is None else simulation.steps.get(step),
        headless=session.control.headless,
        state=kept.state if kept is not None and _is_begun(session, person) else {},
    )


async def _audit_late(node: Node, session: FlowSession, step: str) -> None:
    entry = AuditEntry(
        at_ms=node.clock(),
        kind="flow.late_answer",
        account_id=session.account_id,
        environment=session.environment,
        code="step_not_active",
        integration_id=session.integration_id,
        session_id=session.session_id,
        detail={"step": step},
    )
    await node.store.write(record_entries, entry)
