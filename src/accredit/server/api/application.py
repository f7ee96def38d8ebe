"""The API as one ASGI application: Starlette's router over the addresses, and two addresses that are reached without it.

Addresses are matched as they came, percent-encoded: a user id may hold a slash, and `%2F` is no way into another address.
"""

from collections.abc import Awaitable, Callable
from itertools import groupby
from typing import Any

from starlette.routing import Route, Router

from accredit.errors import NotFoundError
from accredit.server.api import (
    api_clients,
    audit,
    boot_reports,
    checklist,
    deployer_keys,
    deployers,
    docs,
    encryption_keys,
    exchange,
    flow_keys,
    health,
    hosted,
    identity_secrets,
    integrations,
    invitations,
    keys,
    openapi,
    providers,
    sdk,
    sessions,
    step_services,
    themes,
    tools,
    users,
    webhook_deliveries,
    webhook_endpoints,
    webhook_listeners,
)
from accredit.server.api.operations import Address, Operation
from accredit.server.api.replies import problem_reply
from accredit.server.asgi import HttpScope, Receive, Send, send_answer
from accredit.server.node import Node

_SESSIONS = "/v1/sessions/"

_TOPICS = (
    exchange,
    sessions,
    users,
    deployers,
    deployer_keys,
    identity_secrets,
    invitations,
    integrations,
    checklist,
    api_clients,
    encryption_keys,
    flow_keys,
    themes,
    keys,
    providers,
    webhook_endpoints,
    webhook_deliveries,
    webhook_listeners,
    step_services,
    boot_reports,
    audit,
    sdk,
    tools,
    health,
    hosted,
)
_DECLARED: tuple[Operation, ...] = tuple(each for topic in _TOPICS for each in topic.OPERATIONS)
OPERATIONS = _DECLARED + openapi.operations_over(_DECLARED) + docs.operations_over(_DECLARED)


class Api:
    """All addresses of the API. hot: those that a composition root may reach by their exact path."""

    def __init__(self, node: Node) -> None:
        self._node = node
        by_path = sorted(OPERATIONS, key=lambda each: each.path)
        self._addresses = {path: Address(node, list(group)) for path, group in groupby(by_path, lambda each: each.path)}
        self.hot: dict[str, Callable[[HttpScope, Receive, Send], Awaitable[None]]] = {
            "/v1/exchange": self._addresses["/v1/exchange"]
        }
        self._session = self._addresses["/v1/sessions/{session_id}"]
        routes = [Route(path, address) for path, address in self._addresses.items()]
        self._router = Router(routes, redirect_slashes=False, default=self._not_found)

    async def __call__(self, scope: HttpScope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope["raw_path"].decode("latin-1")
        # Reading a session is what backends do most: it does not pay for the routes of all else.
        if path.startswith(_SESSIONS) and "/" not in path[len(_SESSIONS) :]:
            scope["path_params"] = {"session_id": path[len(_SESSIONS) :]}
            await self._session(scope, receive, send)
            return
        hot = self.hot.get(path)
        if hot is not None:
            await hot(scope, receive, send)
            return
        routed: Any = {**scope, "path": path}
        await self._router(routed, receive, send)

    async def _not_found(self, scope: Any, _receive: Any, send: Any) -> None:
        reply = problem_reply(NotFoundError("page_not_found"), scope["request_id"], self._node.settings.public_url)
        await send_answer(send, reply.status, reply.headers, reply.body)


def create_api(node: Node) -> Api:
    """The API over a node."""
    return Api(node)
