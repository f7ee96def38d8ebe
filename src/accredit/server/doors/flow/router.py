"""Below `/flow`, `/flow_sessions`, `/verify` and `/leaks`: which address leads to which part of the door.

`POST /flow` itself is the hot path and stands in `modal.py`.
"""

from accredit.server import headers
from accredit.server.asgi import HttpScope, Receive, Send
from accredit.server.doors.flow.api.addresses import api_paths
from accredit.server.doors.flow.callouts import Callouts
from accredit.server.doors.flow.frame import FrameState, FrameSubmit
from accredit.server.doors.flow.leaks import BrowserLeaks, SecretScanning
from accredit.server.doors.flow.link import LinkExchange, LinkPage
from accredit.server.doors.routing import Paths, Router, nothing_here
from accredit.server.node import Node
from accredit.server.problems import api_problem, problem

API = "/flow_sessions"
# Links of other sessions are pages of the API.
BELOW = ("/flow/", API, "/verify/flwses_", "/leaks/")
PATHS: Paths = {
    "/flow/callouts/{id}": Callouts,
    "/flow/frame/state": FrameState,
    "/flow/frame/submit": FrameSubmit,
    "/verify/{session_id}": LinkPage,
    "/verify/{session_id}/exchange": LinkExchange,
    "/leaks/browser": BrowserLeaks,
    "/leaks/secret-scanning": SecretScanning,
}


def flow_router(node: Node) -> Router:
    """The addresses of the flow door."""
    elsewhere, in_api = nothing_here(node, problem), nothing_here(node, api_problem, headers.API_JSON)

    async def nothing(scope: HttpScope, receive: Receive, send: Send) -> None:
        await (in_api if scope["path"].startswith(API) else elsewhere)(scope, receive, send)

    return Router(node, {**PATHS, **api_paths()}, nothing)
