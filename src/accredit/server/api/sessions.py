"""Sessions as their owner's backend reads and moves them, and the stored data of their users (protocol-embed.md section 9)."""

from typing import Annotated, Literal, cast

import msgspec

from accredit.errors import ConflictError, NotFoundError, Refused
from accredit.server import headers
from accredit.server.api.bodies import DEFAULT_LIMIT, Cursor, Limit
from accredit.server.api.cursors import ListBinding, cut_page, read_cursor
from accredit.server.api.operations import Call, operation
from accredit.server.api.replies import Reply, empty_reply, json_reply
from accredit.server.api.session_answers import SessionAnswer, SessionItem, answer_session, item_of
from accredit.server.api.user_data import UserData, delete_reply, read_reply, write_reply
from accredit.server.integrations.integration import Door
from accredit.server.integrations.policy import Id, Trust
from accredit.server.sessions.lifecycle import MAX_LIFE_MS, Ending, Extension, Outcome, end_session
from accredit.server.sessions.lifecycle import extend_session as move_expiry
from accredit.server.sessions.listing import NEWEST, SessionSearch, find_sessions
from accredit.server.sessions.record import Session, Status, find_session
from accredit.server.sessions.user_data import User
from accredit.server.sessions.watching import Sighting
from accredit.server.streams import StatusStream, has_heard_the_end, read_last_event_id

_TRUST: dict[Trust, int] = {"unverified": 0, "origin": 1, "signed": 2}
_DATA_CODES = ("session_not_found", "session_has_no_user", "trust_too_low", "session_not_active")


class SessionQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which sessions, and which page."""

    status: Status | None = None
    integration_id: Id | None = None
    cursor: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT


class SessionPage(msgspec.Struct, frozen=True):
    """Newest first. next_cursor: null on the last page."""

    sessions: list[SessionItem]
    next_cursor: str | None


class Lengthening(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """expires_in_s: from now; up to 12 hours after the session was created."""

    expires_in_s: Annotated[int, msgspec.Meta(ge=1, le=MAX_LIFE_MS // 1000)]


class Outcomes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the visit ended."""

    outcome: Literal["success", "failed", "aborted"]


@operation("GET", "/v1/sessions", answer=SessionPage, codes=("cursor_invalid",), limited=True)
async def list_sessions(call: Call, query: SessionQuery) -> Reply:
    """List sessions, newest first, without personal data."""
    node, reach = call.node, call.api_key.integration_ids
    search = SessionSearch(call.scope, call.now_ms, query.status, query.integration_id, reach)
    # The key is part of the binding: what another key may reach is another list.
    binding = ListBinding("sessions", call.scope, (query.status, query.integration_id, call.api_key.key_id))
    before = read_cursor(node.sealer, binding, query.cursor, beginning=NEWEST)
    rows = await node.store.read(find_sessions, (search, before, query.limit + 1))
    shown, following = cut_page(node.sealer, binding, rows, query.limit, lambda each: each.session_id)
    return json_reply(call.request_id, SessionPage([item_of(each, call.now_ms) for each in shown], following))


@operation("GET", "/v1/sessions/{session_id}", answer=SessionAnswer, codes=("session_not_found",), limited=True)
async def read_session(call: Call) -> Reply:
    """Read a session: in full while it is open, later without personal data."""
    session = await _find(call)
    return json_reply(call.request_id, await answer_session(call.node, session, call.now_ms))


@operation(
    "GET", "/v1/sessions/{session_id}/events", codes=("session_not_found", "too_many_streams"), limited=True, streams=True
)
async def watch_session(call: Call) -> Reply:
    """Hear of a session's status as server-sent events, until it has ended.

    Each event holds id, status and sequence. `Last-Event-ID` leaves out what was heard already; a stream ends after five minutes at
    most, and a client then comes back with it.
    """
    session = await _find(call)
    last = read_last_event_id(call.sent.get(b"last-event-id", b""))
    if has_heard_the_end(Sighting(session.session_id, session.status, session.sequence), last):
        return empty_reply(call.request_id)
    lines = headers.stream(call.request_id)
    if call.asgi["method"] == "HEAD":
        return Reply(200, lines, b"")
    stream = StatusStream(call.node.watches, session.session_id, call.api_key.key_id, str, last)
    return Reply(200, lines, b"", stream)


@operation(
    "POST",
    "/v1/sessions/{session_id}/extend",
    answer=SessionAnswer,
    codes=("session_not_found", "session_not_active"),
    limited=True,
)
async def extend_session(call: Call, body: Lengthening) -> Reply:
    """Let a waiting session live longer."""
    session = await _find(call)
    extension = Extension(session.session_id, call.scope, body.expires_in_s, call.now_ms)
    moved = await move_expiry(call.node.store, extension)
    return json_reply(call.request_id, await answer_session(call.node, moved, call.now_ms))


@operation(
    "POST",
    "/v1/sessions/{session_id}/end",
    answer=SessionAnswer,
    codes=("session_not_found", "session_not_active"),
    limited=True,
)
async def finish_session(call: Call, body: Outcomes) -> Reply:
    """End a session with an outcome; ending it alike again answers the same."""
    return await _end(call, body.outcome)


@operation(
    "POST",
    "/v1/sessions/{session_id}/cancel",
    answer=SessionAnswer,
    codes=("session_not_found", "session_not_active"),
    limited=True,
)
async def cancel_session(call: Call) -> Reply:
    """Cancel a session; cancelling it again answers the same."""
    return await _end(call, "cancelled")


async def _end(call: Call, outcome: Outcome) -> Reply:
    session = await _find(call)
    ended = await end_session(call.node.store, Ending(session.session_id, call.scope, outcome, call.now_ms))
    return json_reply(call.request_id, await answer_session(call.node, ended, call.now_ms))


async def _find(call: Call) -> Session:
    """The session that the address names, if the caller may reach it."""
    session = await call.node.store.read(find_session, (call.part("session_id"), call.scope))
    if session is None or not call.reaches(session.integration_id):
        raise NotFoundError("session_not_found")
    return session


_DATA = "/v1/sessions/{session_id}/user_data"


@operation("GET", _DATA, answer=UserData, codes=(*_DATA_CODES, "user_data_unknown"), limited=True, conditional=True)
async def read_session_data(call: Call) -> Reply:
    """Read what is stored for the session's user, with no identifier in the address."""
    return await read_reply(call, await _find_user(call))


@operation("PUT", _DATA, status=204, codes=(*_DATA_CODES, "precondition_failed"), limited=True, conditional=True)
async def write_session_data(call: Call, body: bytes) -> Reply:
    """Store an object for the session's user."""
    return await write_reply(call, await _find_user(call), body)


@operation(
    "DELETE",
    _DATA,
    status=204,
    codes=(*_DATA_CODES, "user_data_unknown", "precondition_failed"),
    limited=True,
    conditional=True,
)
async def delete_session_data(call: Call) -> Reply:
    """Delete what is stored for the session's user."""
    return await delete_reply(call, await _find_user(call))


async def _find_user(call: Call) -> User:
    """The session's user, where the session may reach stored data.

    An ended session may not: it would bring back what was erased with its user.
    """
    session = await _find(call)
    # An anonymous session has a subject too, its frame's channel; that is for finding it again, and is no user.
    if session.anonymous or session.subject_hash is None:
        raise ConflictError("session_has_no_user")
    integration = await call.node.catalog.find(cast(Door, session.door), session.integration_id)
    if integration is None or _TRUST[session.trust] < _TRUST[integration.user_data_min_trust]:
        raise Refused("trust_too_low")
    if not session.is_open(call.now_ms):
        raise ConflictError("session_not_active")
    return User(session.scope, session.integration_id, session.subject_hash)


OPERATIONS = (
    list_sessions,
    read_session,
    watch_session,
    extend_session,
    finish_session,
    cancel_session,
    read_session_data,
    write_session_data,
    delete_session_data,
)
