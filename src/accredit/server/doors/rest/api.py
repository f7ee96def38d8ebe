"""The API below `/auth/rest/sessions`: create, list, read, watch, cancel, redact, delete (protocol-rest.md sections 2, 7 and 15)."""

from hmac import compare_digest

from accredit.encoding import Json
from accredit.errors import Refused
from accredit.server import headers
from accredit.server.api.cursors import cut_page
from accredit.server.doors.rest.calls import RestAddress, RestCall, RestReply
from accredit.server.doors.rest.create import Creation
from accredit.server.doors.rest.listing import read_page
from accredit.server.doors.rest.replies import item_of, plain_reply, session_reply
from accredit.server.limits import RateLimit
from accredit.server.node import Node
from accredit.server.sessions.rest.asking import ask_again
from accredit.server.sessions.rest.finishing import cancel, expire_if_due
from accredit.server.sessions.rest.listing import find_rest_sessions
from accredit.server.sessions.rest.record import RestSession, nonce_hash
from accredit.server.sessions.rest.redacting import delete_session, note_read, redact_session
from accredit.server.sessions.rest.statuses import WIRE
from accredit.server.sessions.watching import Sighting
from accredit.server.streams import StatusStream, has_heard_the_end, read_last_event_id

_READS_A_SECOND, _SECOND_MS = 5, 1000


def sessions_address(node: Node) -> RestAddress:
    """`/auth/rest/sessions`."""
    return RestAddress(node, {"GET": list_sessions, "POST": Creation()})


def session_address(node: Node) -> RestAddress:
    """`/auth/rest/sessions/{session_id}`."""
    return RestAddress(node, {"GET": Reading(), "DELETE": remove_session})


def events_address(node: Node) -> RestAddress:
    """`/auth/rest/sessions/{session_id}/events`."""
    return RestAddress(node, {"GET": watch_session})


def cancel_address(node: Node) -> RestAddress:
    """`/auth/rest/sessions/{session_id}/cancel`."""
    return RestAddress(node, {"POST": cancel_session})


def redact_address(node: Node) -> RestAddress:
    """`/auth/rest/sessions/{session_id}/redact`."""
    return RestAddress(node, {"POST": erase_session})


class Reading:
    """Reads sessions, each at most five times a second. Its counters are those of this process."""

    def __init__(self) -> None:
        self._rates = RateLimit(_SECOND_MS)

    async def __call__(self, call: RestCall) -> RestReply:
        """Answer one GET."""
        await call.authenticate()
        session = await call.find_session()
        self._rates.take(session.session_id, _READS_A_SECOND, call.now_ms)
        session = await expire_if_due(call.node, session)
        if session.ask_ms is not None:
            session = await ask_again(call.node, session)
        if not session.is_redacted(call.now_ms):
            _check_nonce(call, session)
        reply = await session_reply(call, session)
        if not session.is_open(call.now_ms):
            await note_read(call.node, session, call.now_ms)
        return reply


def _check_nonce(call: RestCall, session: RestSession) -> None:
    """Whether the browser that brought the caller here is the one that finished. Raises Refused `invalid_session_nonce`."""
    kept, given = session.nonce_hash, call.query.get("sessionnonce")
    if kept is None:
        return
    if given is not None:
        if not compare_digest(nonce_hash(given), kept):
            raise Refused("invalid_session_nonce")
    elif session.control.require_session_nonce and not session.is_open(call.now_ms):
        raise Refused("invalid_session_nonce")


async def watch_session(call: RestCall) -> RestReply:
    """Tell of the session's status, in the door's words, until it has ended; reading the answer is another call."""
    await call.authenticate()
    session = await expire_if_due(call.node, await call.find_session())
    last = read_last_event_id(call.sent.get(b"last-event-id", b""))
    if has_heard_the_end(Sighting(session.session_id, session.status, session.sequence), last):
        return RestReply(204, headers.api(call.request_id), b"")
    stream = StatusStream(call.node.watches, session.session_id, call.caller.client_id, WIRE.__getitem__, last)
    return RestReply(200, headers.stream(call.request_id), b"", stream)


async def cancel_session(call: RestCall) -> RestReply:
    """Answer one cancel; the body, if there is one, says nothing."""
    await call.authenticate()
    session = await call.find_session()
    return await session_reply(call, await cancel(call.node, session))


async def list_sessions(call: RestCall) -> RestReply:
    """Answer one page of the list."""
    await call.authenticate()
    integration = await call.find_integration()
    asked = read_page(call)
    rows = await call.node.store.read(find_rest_sessions, (asked.search, asked.before, asked.limit + 1))
    shown, following = cut_page(call.node.sealer, asked.binding, rows, asked.limit, lambda each: each.session_id)
    members: dict[str, Json] = {"sessions": [item_of(each, call.now_ms) for each in shown]}
    if following is not None:
        members["nextCursor"] = following
    return await plain_reply(call, members, integration.rules.response_signature)


async def erase_session(call: RestCall) -> RestReply:
    """Answer one redaction."""
    await call.authenticate()
    redacted = await redact_session(call.node, await call.find_session(), call.cause)
    form = redacted.control.response_signature
    return await plain_reply(call, item_of(redacted, call.now_ms), form, redacted.session_id)


async def remove_session(call: RestCall) -> RestReply:
    """Answer one deletion."""
    await call.authenticate()
    await delete_session(call.node, await call.find_session(), call.cause)
    return RestReply(204, headers.api(call.request_id), b"")
