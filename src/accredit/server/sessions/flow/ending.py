"""What ends a session from outside: the clock, whoever cancels it, a reviewer (protocol-flow.md sections 6, 9 and 10).

Every reader gets a session through here (`find_flow_session`), so that one past its time is written down by who notices first.
"""

from typing import Literal

from accredit.errors import ConflictError
from accredit.server.audit import AuditEntry
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.scope import Scope
from accredit.server.node import Node
from accredit.server.sessions.flow.changing import Draft, change_flow
from accredit.server.sessions.flow.claims import Claim
from accredit.server.sessions.flow.reading import load_any, load_newest
from accredit.server.sessions.flow.record import FlowSession
from accredit.server.sessions.flow.running import review_steps
from accredit.server.sessions.flow.statuses import UNFINISHED

Decision = Literal["approve", "reject"]


async def find_flow_session(node: Node, scope: Scope, session_id: str) -> FlowSession | None:
    """The session of that id, if it is of that account and environment, as every reader sees it."""
    session = await load_any(node, session_id)
    return await expire_if_due(node, session) if session is not None and session.scope == scope else None


async def find_any_flow(node: Node, session_id: str) -> FlowSession | None:
    """The session of that id, of whatever account; for a browser, which proves by other means that it may."""
    session = await load_any(node, session_id)
    return None if session is None else await expire_if_due(node, session)


async def find_customer(node: Node, scope: Scope, integration_id: str, customer_reference: str) -> FlowSession | None:
    """The newest session of a customer in a template, as every reader sees it."""
    session = await load_newest(node, scope, integration_id, customer_reference)
    return None if session is None else await expire_if_due(node, session)


async def expire_if_due(node: Node, session: FlowSession) -> FlowSession:
    """The session as every reader sees it: one past its time is written down as `expired`."""
    if session.status_at(node.clock()) == session.status:
        return session
    return await change_flow(node, session, expire)


def expire(draft: Draft) -> None:
    """End a session whose time is over, if nothing else ended it."""
    if draft.session.status_at(draft.now_ms) != draft.session.status:
        # It ended when its time came, not when somebody noticed.
        draft.end("expired", at_ms=draft.session.expires_ms)


async def cancel_flow(node: Node, session: FlowSession, cause: Cause, claim: Claim | None = None) -> FlowSession:
    """Cancel a session that is active or awaits review; again is the same.

    Raises ConflictError `session_not_active` after another end; ReplayedError, ConflictError `idempotency_key_reused`.
    """

    def change(draft: Draft) -> None:
        expire(draft)
        if draft.session.status in (*UNFINISHED, "pending_review"):
            draft.end("cancelled")
            draft.entries.append(audit_entry(draft.session, "session.cancelled", cause))
        elif draft.session.status == "expired" and draft.events:
            return
        elif draft.session.status != "cancelled":
            raise ConflictError("session_not_active")
        draft.once(claim)

    ended = await change_flow(node, session, change)
    if ended.status != "cancelled":
        raise ConflictError("session_not_active")
    return ended


async def review_flow(
    node: Node, session: FlowSession, decision: Decision, cause: Cause, claim: Claim | None = None
) -> FlowSession:
    """Decide what awaits review.

    Raises ConflictError `session_not_in_review`; ReplayedError, ConflictError `idempotency_key_reused`.
    """
    approved = decision == "approve"

    def change(draft: Draft) -> None:
        if draft.session.status != "pending_review":
            raise ConflictError("session_not_in_review")
        draft.take(review_steps(draft.session.steps, approved=approved, now_ms=draft.now_ms))
        draft.end("success" if approved else "failed")
        draft.entries.append(audit_entry(draft.session, "session.reviewed", cause))
        draft.once(claim)

    return await change_flow(node, session, change)


def audit_entry(session: FlowSession, kind: str, cause: Cause, code: str | None = None) -> AuditEntry:
    """What the audit record says of a change: who did it, and how the session stands."""
    return AuditEntry(
        at_ms=cause.at_ms,
        kind=kind,
        account_id=session.account_id,
        environment=session.environment,
        code=code,
        actor=cause.actor,
        integration_id=session.integration_id,
        session_id=session.session_id,
        request_id=cause.request_id,
        detail={"status": session.status},
    )
