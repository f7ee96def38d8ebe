"""Which address of the API leads to which call."""

from collections.abc import Callable

from accredit.server.doors.flow.api import sessions
from accredit.server.doors.flow.api.calls import FlowAddress, Replay, Run
from accredit.server.doors.flow.api.replies import replayed_reply
from accredit.server.doors.flow.api.traffic import Traffic
from accredit.server.doors.routing import Part, Paths
from accredit.server.node import Node


def api_paths() -> Paths:
    """The addresses of one node's API, which share their traffic."""
    traffic = Traffic()

    def at(replay: Replay = replayed_reply, **methods: Run) -> Callable[[Node], Part]:
        return lambda node: FlowAddress(node, traffic, methods, replay)

    one = "/flow_sessions/{session_id}"
    return {
        "/flow_sessions": at(GET=sessions.list_sessions, POST=sessions.create_session),
        "/flow_sessions/retry": at(POST=sessions.retry_session),
        "/flow_sessions/redact": at(sessions.erased_again, POST=sessions.erase_customer),
        one: at(GET=sessions.read_session),
        f"{one}/cancel": at(POST=sessions.cancel_session),
        f"{one}/events": at(GET=sessions.watch_session),
        f"{one}/redact": at(POST=sessions.redact_session),
        f"{one}/rotate_key": at(POST=sessions.rotate_key),
        f"{one}/review": at(POST=sessions.review_session),
    }
