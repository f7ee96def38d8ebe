"""Giving a session's hosted link a new key, so that the one before holds no more (protocol-flow.md section 9, `rotate_key`)."""

import msgspec

from accredit.errors import ConflictError
from accredit.server.keyring.changes import Cause
from accredit.server.node import Node
from accredit.server.sessions.flow.changing import Draft, change_flow
from accredit.server.sessions.flow.claims import Claim
from accredit.server.sessions.flow.ending import audit_entry
from accredit.server.sessions.flow.record import FlowSession


async def rotate_link(node: Node, session: FlowSession, cause: Cause, claim: Claim | None = None) -> FlowSession:
    """A session with a new link, whether it had one or not.

    Raises ConflictError `session_not_active` once it has ended; ReplayedError, ConflictError `idempotency_key_reused`.
    """

    def change(draft: Draft) -> None:
        if draft.session.has_ended(draft.now_ms):
            raise ConflictError("session_not_active")
        draft.session = msgspec.structs.replace(draft.session, link=draft.session.link + 1)
        draft.entries.append(audit_entry(draft.session, "session.link_rotated", cause))
        draft.once(claim)

    return await change_flow(node, session, change)
