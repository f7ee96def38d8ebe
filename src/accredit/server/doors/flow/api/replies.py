"""What calls are answered with: one session, or a list of them (protocol-flow.md section 9)."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from accredit.encoding import Json
from accredit.errors import NotFoundError
from accredit.server.doors.flow.api.calls import FlowCall, FlowReply
from accredit.server.sessions.flow.claims import Replayed
from accredit.server.sessions.flow.ending import find_flow_session
from accredit.server.sessions.flow.objects import session_object, session_summary
from accredit.server.sessions.flow.record import FlowSession

REPLAYED = (b"idempotent-replayed", b"true")


def session_reply(call: FlowCall, session: FlowSession, status: int = 200) -> FlowReply:
    """The session as it is now."""
    return FlowReply(status, msgspec.json.encode(session_object(call.node, session)))


def list_reply(call: FlowCall, sessions: Sequence[FlowSession], next_cursor: str | None = None) -> FlowReply:
    """Sessions without what tells of the person."""
    members: dict[str, Json] = {
        "flow_sessions": [session_summary(call.node, each) for each in sessions],
        "next_cursor": next_cursor,
    }
    return FlowReply(200, msgspec.json.encode(members))


async def find_session(call: FlowCall, session_id: str) -> FlowSession:
    """A session of the caller's account and environment. Raises NotFoundError `session_not_found`, for a foreign one too."""
    session = await find_flow_session(call.node, call.scope, session_id)
    if session is None:
        raise NotFoundError("session_not_found")
    return session


async def replayed_reply(call: FlowCall, replayed: Replayed) -> FlowReply:
    """The first answer's status, with the session as it is now."""
    session = await find_session(call, str(replayed.session_id))
    return replace(session_reply(call, session, replayed.status), extra=[REPLAYED])
