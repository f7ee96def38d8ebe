"""Below `/auth`, and the few public addresses beside it: which address leads to which part of the door.

A part is made once for a node and answers whatever methods it has; what stood in the place of a `{name}` is in
`scope["path_params"]`, as it came. All answers below `/auth` are for nobody's cache.
"""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from accredit.errors import NotFoundError
from accredit.server import headers
from accredit.server.asgi import HttpScope, Receive, Send, send_answer
from accredit.server.doors.rest.api import cancel_address, redact_address, session_address, sessions_address
from accredit.server.doors.rest.browser import SessionPage, SessionState
from accredit.server.doors.rest.documents import DiscoveryDocument, KeySetDocument
from accredit.server.doors.rest.federation import EntityStatement, ProviderKeySet
from accredit.server.doors.rest.forms import SessionForm
from accredit.server.doors.rest.returns import ProviderReturn
from accredit.server.doors.rest.token import TokenEndpoint
from accredit.server.node import Node
from accredit.server.problems import rest_problem

Part: TypeAlias = Callable[[HttpScope, Receive, Send], Awaitable[None]]

# Paths to what makes their part of a node. Those of the browser, of tokens and of documents stand in files of their own.
PATHS: dict[str, Callable[[Node], Part]] = {
    "/auth/open/connect/token": TokenEndpoint,
    "/auth/rest/sessions": sessions_address,
    "/auth/rest/sessions/{session_id}": session_address,
    "/auth/rest/sessions/{session_id}/cancel": cancel_address,
    "/auth/rest/sessions/{session_id}/redact": redact_address,
    "/auth/session/{session_id}": SessionPage,
    "/auth/session/{session_id}/state": SessionState,
    "/auth/session/{session_id}/{verb}": SessionForm,
    "/auth/callback/{provider_ref}": ProviderReturn,
    "/.well-known/jwks.json": KeySetDocument,
    "/auth/open/.well-known/openid-configuration": DiscoveryDocument,
    "/.well-known/oauth-authorization-server/auth/open": DiscoveryDocument,
    "/auth/federation/{provider_ref}/entity-statement": EntityStatement,
    "/auth/federation/{provider_ref}/jwks": ProviderKeySet,
}


class _Branch:
    """What may follow at one place of a path: fixed words, or whatever stands for a name."""

    __slots__ = ("any", "name", "part", "words")

    def __init__(self) -> None:
        self.words: dict[str, _Branch] = {}
        self.any: _Branch | None = None
        self.name = ""
        self.part: Part | None = None


class Router:
    """The addresses of the rest door as one plain ASGI application."""

    def __init__(self, node: Node, paths: dict[str, Callable[[Node], Part]] | None = None) -> None:
        self._node = node
        self._root = _Branch()
        self._fixed: dict[str, Part] = {}
        for path, make in (PATHS if paths is None else paths).items():
            self._add(path, make(node))

    @property
    def outside(self) -> dict[str, Part]:
        """The parts whose paths are not below `/auth`, by their exact path."""
        return {path: part for path, part in self._fixed.items() if not path.startswith("/auth/")}

    async def __call__(self, scope: HttpScope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope["raw_path"].decode("latin-1")
        part = self._fixed.get(path)
        if part is None:
            part, scope["path_params"] = self._find(path)
        await (part or self._not_found)(scope, receive, send)

    def _add(self, path: str, part: Part) -> None:
        if "{" not in path:
            self._fixed[path] = part
            return
        branch = self._root
        for word in path.split("/"):
            if word.startswith("{"):
                branch.any = branch.any or _Branch()
                branch = branch.any
                branch.name = word[1:-1]
            else:
                branch = branch.words.setdefault(word, _Branch())
        branch.part = part

    def _find(self, path: str) -> tuple[Part | None, dict[str, str]]:
        branch, given = self._root, dict[str, str]()
        for word in path.split("/"):
            following = branch.words.get(word)
            if following is None:
                # An empty word stands for nothing.
                if branch.any is None or not word:
                    return None, given
                following = branch.any
                given[following.name] = word
            branch = following
        return branch.part, given

    async def _not_found(self, scope: HttpScope, _receive: Receive, send: Send) -> None:
        error, request_id = NotFoundError("page_not_found"), str(scope["request_id"])
        body = rest_problem(error, request_id, self._node.settings.public_url)
        await send_answer(send, error.status, [headers.PROBLEM, *headers.api(request_id)], body)
