"""Which address leads to which part of a door: a table of paths, looked up word by word.

A part is made once for a node and answers whatever methods it has; what stood in the place of a `{name}` is in
`scope["path_params"]`, as it came: never decoded, so that no `%2F` becomes a word of its own.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from accredit.errors import AccreditError, NotFoundError
from accredit.server import headers
from accredit.server.asgi import HttpScope, Receive, Send, send_answer
from accredit.server.node import Node

Part: TypeAlias = Callable[[HttpScope, Receive, Send], Awaitable[None]]
# Paths to what makes their part of a node.
Paths: TypeAlias = Mapping[str, Callable[[Node], Part]]


class _Branch:
    """What may follow at one place of a path: fixed words, or whatever stands for a name."""

    __slots__ = ("any", "name", "part", "words")

    def __init__(self) -> None:
        self.words: dict[str, _Branch] = {}
        self.any: _Branch | None = None
        self.name = ""
        self.part: Part | None = None


class Router:
    """The addresses of a door as one plain ASGI application. not_found: answers where there is nothing."""

    def __init__(self, node: Node, paths: Paths, not_found: Part) -> None:
        self._root = _Branch()
        self._fixed: dict[str, Part] = {}
        self._not_found = not_found
        for path, make in paths.items():
            self._add(path, make(node))

    def outside(self, prefix: str) -> dict[str, Part]:
        """The parts whose paths do not begin with the prefix, by their exact path."""
        return {path: part for path, part in self._fixed.items() if not path.startswith(prefix)}

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


def nothing_here(
    node: Node, write: Callable[[AccreditError, str, str], bytes], media_type: tuple[bytes, bytes] = headers.PROBLEM
) -> Part:
    """The part that answers where there is nothing. write: an error's body from the error, the request's id and our address."""

    async def answer(scope: HttpScope, _receive: Receive, send: Send) -> None:
        error, request_id = NotFoundError("page_not_found"), str(scope["request_id"])
        body = write(error, request_id, node.settings.public_url)
        await send_answer(send, error.status, [media_type, *headers.api(request_id)], body)

    return answer
