"""A session as the owner's backend reads it, and as it stands in lists (protocol-embed.md section 9)."""

from typing import cast

import msgspec

from accredit.server.integrations.integration import Door
from accredit.server.integrations.policy import Trust
from accredit.server.node import Node
from accredit.server.sessions.answers import NOBODY, NOWHERE, ProofAnswer, SessionAnswer, describe, find_owner_id, proof_of
from accredit.server.sessions.record import Session, Status, open_person
from accredit.server.times import wire_time

__all__ = ["SessionAnswer", "SessionItem", "answer_session", "item_of"]


class SessionItem(msgspec.Struct, frozen=True):
    """One session in a list: nothing personal. reason: a code that tells why it ended.

    warnings: what passed though it was not as it should be, as codes with names of members.
    """

    session_id: str
    door: str
    environment: str
    status: Status
    reason: str | None
    deployer_id: str | None
    integration_id: str
    integration_version: int
    view_id: str | None
    origin: str | None
    trust: Trust
    proof: ProofAnswer | None
    renews: str | None
    created_at: str
    updated_at: str
    expires_at: str
    completed_at: str | None
    warnings: list[str]


async def answer_session(node: Node, session: Session, now_ms: int) -> SessionAnswer:
    """The answer about one session. Raises FailureError `sealed_damaged`."""
    integration = await node.catalog.find(cast(Door, session.door), session.integration_id)
    person = open_person(node.sealer, session) if session.is_open(now_ms) else NOBODY
    # An integration that was deleted meanwhile is to be framed nowhere.
    ancestors = NOWHERE if integration is None else tuple(integration.origins.frame_ancestors.split(" "))
    owner_id = await node.store.read(find_owner_id, session.account_id) if integration is None else integration.owner_id
    return describe(session, person, owner_id=owner_id, frame_ancestors=ancestors, now_ms=now_ms)


def item_of(session: Session, now_ms: int) -> SessionItem:
    """The session as it stands in a list."""
    return SessionItem(
        session_id=session.session_id,
        door=session.door,
        environment=session.environment,
        status=session.status_at(now_ms),
        reason=session.reason,
        deployer_id=session.deployer_id,
        integration_id=session.integration_id,
        integration_version=session.integration_version,
        view_id=session.view_id,
        origin=session.origin,
        trust=session.trust,
        proof=proof_of(session),
        renews=session.renews,
        created_at=wire_time(session.created_ms),
        updated_at=wire_time(session.updated_ms),
        expires_at=wire_time(session.expires_ms),
        completed_at=None if session.completed_ms is None else wire_time(session.completed_ms),
        warnings=msgspec.json.decode(session.warnings, type=list[str]),
    )
