"""Below `/flow`, `/flow_sessions`, `/verify` and `/leaks`: which address leads to which part of the door.

`POST /flow` itself is the hot path and stands in `modal.py`.
"""

from accredit.server.doors.flow.leaks import BrowserLeaks, SecretScanning
from accredit.server.doors.routing import Paths, Router, nothing_here
from accredit.server.node import Node
from accredit.server.problems import problem

BELOW = ("/flow/", "/flow_sessions", "/verify/", "/leaks/")
PATHS: Paths = {
    "/leaks/browser": BrowserLeaks,
    "/leaks/secret-scanning": SecretScanning,
}


def flow_router(node: Node) -> Router:
    """The addresses of the flow door."""
    return Router(node, PATHS, nothing_here(node, problem))
