"""Retries: the only other attempt of a customer, by the API or a reviewer (protocol-flow.md section 9).

One transaction cancels an open session, puts the new one in its place and tells of both in this order. Of two at once one wins.
"""

from dataclasses import dataclass

import msgspec

from accredit.errors import ConflictError, FailureError, NotFoundError
from accredit.server.gate.flow.bodies import RetryCall
from accredit.server.integrations.integration import FlowIntegration
from accredit.server.keyring.changes import Cause
from accredit.server.node import Node
from accredit.server.sessions.flow.changing import Draft, draft_of, write_draft
from accredit.server.sessions.flow.claims import Claim, Replayed, note, take
from accredit.server.sessions.flow.ending import audit_entry, find_customer
from accredit.server.sessions.flow.making import MadeSession, Making, insert_session, make_session
from accredit.server.sessions.flow.record import FlowPerson, FlowSession, StepState
from accredit.server.sessions.flow.retry_plans import RetryPlan, plan_retry
from accredit.server.sessions.flow.statuses import flow_word
from accredit.server.store import Transaction, in_order

_TRIES = 5


@dataclass(frozen=True, slots=True)
class Retry:
    """A call to retry. key_id: of the key record that signed. cause: who asks, for the audit record."""

    integration: FlowIntegration
    call: RetryCall
    key_id: str | None
    request_id: str
    cause: Cause


async def retry(node: Node, wanted: Retry, claim: Claim | None) -> FlowSession | Replayed:
    """Put a new session in the place of the customer's newest, and return it when it is durable; or what the same request did before.

    Raises NotFoundError `session_not_found`; MalformedError and ConflictError as `plan_retry`; ConflictError `session_changed`,
    `idempotency_key_reused`.
    """
    integration, first = wanted.integration, None
    for _ in range(_TRIES):
        newest = await find_customer(node, integration.scope, integration.integration_id, wanted.call.customer_reference)
        if newest is None:
            raise NotFoundError("session_not_found")
        first = first or newest.session_id
        if newest.session_id != first:
            raise ConflictError("session_changed")
        replacing = _replace(node, wanted, newest, claim)
        try:
            return await node.store.write(_store, replacing)
        except ConflictError as error:
            # A step that moved meanwhile is no reason to refuse, another retry is.
            if error.code != "session_changed":
                raise
    raise FailureError("service_unavailable")


@dataclass(frozen=True, slots=True)
class _Replacing:
    draft: Draft
    old: FlowSession
    made: MadeSession
    claim: Claim | None


def _replace(node: Node, wanted: Retry, newest: FlowSession, claim: Claim | None) -> _Replacing:
    draft = draft_of(node, newest, node.clock())
    steps = {rule.step: newest.steps.get(rule.step, StepState()) for rule in wanted.integration.rules.steps}
    plan = plan_retry(flow_word(newest.status_at(draft.now_ms)), wanted.call.strategy, steps, wanted.call.steps)
    made = make_session(node, _making(wanted, newest, draft, plan))
    draft.session = msgspec.structs.replace(draft.session, superseded=1)
    draft.entries.append(audit_entry(made.session, "session.retried", wanted.cause))
    if not newest.has_ended(draft.now_ms):
        draft.end("cancelled", reason="retried")
    return _Replacing(draft, draft.sealed(), made, claim)


def _making(wanted: Retry, newest: FlowSession, draft: Draft, plan: RetryPlan) -> Making:
    integration, call, control = wanted.integration, wanted.call, newest.control
    return Making(
        integration=integration,
        admitted_by="retry",
        person=_carry_over(wanted, draft.person, plan),
        request_id=wanted.request_id,
        now_ms=draft.now_ms,
        # A page that needed a signature needs it still, and one that needed none comes again as it is.
        signed=bool(newest.signed),
        key_id=wanted.key_id,
        locale=newest.locale,
        shareable=newest.link > 0 if call.shareable is None else call.shareable,
        tags=control.tags,
        encryption_key=control.encryption_key if control.key_given else None,
        previous_session_id=newest.session_id,
        skipped=plan.skipped,
        called=plan.called,
        attempts={step: _tries(state) for step, state in newest.steps.items()},
    )


def _tries(state: StepState) -> int:
    """How often a step has been tried, in all sessions so far."""
    untried = state.status in ("waiting_for_prerequisite", "skipped")
    return state.attempt - 1 if untried else state.attempt


def _carry_over(wanted: Retry, old: FlowPerson, plan: RetryPlan) -> FlowPerson:
    """What is known of the person in the new session: what the backend says, and what steps that are not repeated have found.

    What the person typed for a step that runs again is asked again: a slip of the pen must not fail twice.
    """
    call = wanted.call
    skipped = [rule for rule in wanted.integration.rules.steps if plan.skipped.get(rule.step)]
    found = {name for rule in skipped for name in (*rule.fields, *_OWN_MEMBERS.get(rule.step, ()))}
    user = old.user.only(frozenset({*old.signed, *found})).merged(call.user)
    told = call.user.known()
    return FlowPerson(
        customer_reference=call.customer_reference,
        user=user,
        signed=tuple(name for name in user.known() if name in old.signed or name in told),
        checked=tuple(name for name in old.checked if name in found and name not in told),
        return_url=old.return_url,
    )


# What the built-in steps verify.
_OWN_MEMBERS = {"verify_email": ("email",), "verify_sms": ("phone",)}


def _session_id(item: _Replacing) -> str:
    return item.old.session_id


@in_order(_session_id)
def _store(tx: Transaction, item: _Replacing) -> FlowSession | Replayed:
    """Change: the old session as its draft has it, the new one in its place. Raises ConflictError `session_changed`."""
    replayed = take(tx, item.claim)
    if replayed is not None:
        return replayed
    if write_draft(tx, item.draft, item.old) is None or not insert_session(tx, item.made):
        raise ConflictError("session_changed")
    note(tx, item.claim, 201, item.made.session.session_id)
    return item.made.session
