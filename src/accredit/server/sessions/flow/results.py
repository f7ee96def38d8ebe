"""What a step says, as a draft of its session takes it: a screen, a wait, an end (protocol-flow.md section 7)."""

import msgspec

from accredit.encoding import Json
from accredit.server.audit import AuditEntry
from accredit.server.gate.flow import User
from accredit.server.sessions.flow.changing import Draft
from accredit.server.sessions.flow.details import known_detail
from accredit.server.sessions.flow.record import KeptStep
from accredit.server.sessions.flow.running import end_step
from accredit.server.steps.step import Ask, Done, Next, StepOutcome, Wait


def take_next(draft: Draft, step: str, said: Next) -> None:
    """Keep a screen or a wait of the active step, or end it; with what the person has told meanwhile."""
    _learn(draft, said.user)
    if said.write is not None:
        draft.writes.append(said.write)
    if isinstance(said, Done):
        take_outcome(draft, step, said.outcome)
        return
    kept, wake_ms = _kept(draft, step, said), said.ask_again_ms if isinstance(said, Wait) else None
    due_ms = draft.session.wake_ms
    if kept == draft.person.kept and wake_ms is not None and due_ms is not None and due_ms > draft.now_ms:
        # Nothing new, and somebody will ask again: a page that asks every second writes nothing.
        return
    draft.person = msgspec.structs.replace(draft.person, kept=kept)
    draft.session = msgspec.structs.replace(draft.session, wake_ms=wake_ms)


def take_outcome(draft: Draft, step: str, outcome: StepOutcome) -> None:
    """End the active step, keep what was found, and go on from there."""
    person = draft.person
    detail = known_detail(step, outcome.detail)
    details = {**person.details, step: detail} if detail else person.details
    known = person.user.known()
    checked = (*person.checked, *(name for name in outcome.checked if name in known and name not in person.checked))
    draft.person = msgspec.structs.replace(person, kept=None, details=details, checked=checked)
    if outcome.reason is not None:
        draft.entries.append(_entry(draft, step, outcome))
    draft.follow(end_step(draft.session.control.rules, draft.session.steps, step, outcome.status, draft.now_ms))


def _learn(draft: Draft, user: User) -> None:
    """Keep what the person told; it takes nothing from what the owner's backend vouches for, and is not checked yet."""
    person = draft.person
    told = frozenset(user.known()) - set(person.signed)
    merged = person.user.merged(user.only(told))
    changed = {name for name in told if getattr(merged, name) != getattr(person.user, name)}
    checked = tuple(name for name in person.checked if name not in changed)
    draft.person = msgspec.structs.replace(person, user=merged, checked=checked)


def _kept(draft: Draft, step: str, said: Ask | Wait) -> KeptStep:
    attempt, state = draft.session.steps[step].attempt, dict(said.state)
    if isinstance(said, Wait):
        return KeptStep(step=step, attempt=attempt, kind="wait", state=state, continue_url=said.continue_url)
    return KeptStep(step=step, attempt=attempt, kind="ask", state=state, screen=said.screen, values=dict(said.values))


def _entry(draft: Draft, step: str, outcome: StepOutcome) -> AuditEntry:
    """What only the audit record says of a step's end: the precise reason."""
    session = draft.session
    detail: dict[str, Json] = {"step": step, "step_status": outcome.status, "reason": outcome.reason}
    return AuditEntry(
        at_ms=draft.now_ms,
        kind="flow.step_ended",
        account_id=session.account_id,
        environment=session.environment,
        integration_id=session.integration_id,
        session_id=session.session_id,
        detail=detail,
    )
