"""A plain ASGI handler with group commit: the same uvicorn, the same store and the same statements, and nothing else.

It says nothing about who is admitted: the row is taken once from a real admission and inserted again and again under fresh ids. What
it answers a second is what is left over for a door that costs nothing.

    python -m bench.peers.plain < {"port": ..., "environ": {...}, "form": "signed_deployment=..."}
"""

import json
import sys
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import msgspec
import uvicorn

from accredit.server.app import App, open_node, server_config
from accredit.server.asgi import HttpScope, Receive, Send, send_answer
from accredit.server.doors.embed import EmbedDoor
from accredit.server.ids import new_session_id
from accredit.server.keyring.scope import Scope
from accredit.server.node import Node
from accredit.server.sessions.codes import code_hash, parse_code
from accredit.server.sessions.opening import Opening, insert_openings
from accredit.server.sessions.redeeming import Redemption, redeem_codes
from accredit.server.settings import Settings, read_settings
from accredit.server.store import Store

Route = Callable[[HttpScope, Send], Awaitable[None]]
_PREPARED_AT_ONCE = 1000
# About as long as a session that an exchange answers with.
_SESSION = b"x" * 700


class Recorder:
    """Stands where the store is, and keeps what a door would have written."""

    opening: Opening

    async def write(self, _change: object, item: Opening) -> None:
        self.opening = item


class Plain:
    """The application. settings: as ours has them, so that both run under one configuration of uvicorn."""

    def __init__(self, settings: Settings, form: str) -> None:
        self.settings = settings
        self._form = form.encode()
        self._redemptions: deque[Redemption] = deque()
        self._routes: dict[str, Route] = {
            "/embed": self._embed,
            "/v1/exchange": self._exchange,
            "/prepare": self._prepare,
            "/readyz": self._hello,
        }

    async def __call__(self, scope: HttpScope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever is in it; or live through the lifespan."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        while (await receive()).get("more_body"):
            pass
        await self._routes[scope["path"]](scope, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with open_node(self.settings) as node:
            self._store: Store = node.store
            self._opening, self._answer = await _record(node, self._form)
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _embed(self, _scope: HttpScope, send: Send) -> None:
        if await self._store.write(insert_openings, self._fresh()) is None:
            await send(self._answer)
            await send({"type": "http.response.body", "body": b""})

    def _fresh(self) -> Opening:
        session_id = new_session_id()
        return msgspec.structs.replace(self._opening, session_id=session_id, row=(session_id, *self._opening.row[1:]))

    async def _exchange(self, _scope: HttpScope, send: Send) -> None:
        session = await self._store.write(redeem_codes, self._redemptions.popleft())
        await send_answer(send, 200 if session is not None else 500, [], _SESSION)

    async def _prepare(self, scope: HttpScope, send: Send) -> None:
        """Sessions whose codes are to be redeemed: `/prepare?5000`."""
        row, event = self._opening.row, self._opening.event
        code = parse_qs(urlsplit(dict(self._answer["headers"])[b"location"].decode()).query)["code"][0]
        digest = code_hash(parse_code(code))
        openings = [self._fresh() for _ in range(int(scope["query_string"]))]
        for start in range(0, len(openings), _PREPARED_AT_ONCE):
            await self._store.write(_insert_all, openings[start : start + _PREPARED_AT_ONCE])
        scope_of_row = Scope(cast(str, row[1]), cast(str, row[2]))
        self._redemptions = deque(
            Redemption(opening.session_id, digest, scope_of_row, None, event.created_ms) for opening in openings
        )
        await send_answer(send, 200, [], b"")

    async def _hello(self, _scope: HttpScope, send: Send) -> None:
        await send_answer(send, 200, [(b"content-type", b"text/plain")], b"hello")


def _insert_all(tx: Any, groups: Any) -> list[None]:
    for openings in groups:
        insert_openings(tx, openings)
    return [None] * len(groups)


async def _record(node: Node, form: bytes) -> tuple[Opening, Any]:
    """What our own door would write for this form, and how its answer begins."""
    recorder, sent = Recorder(), []
    door = EmbedDoor(replace(node, store=cast(Store, recorder)))

    async def receive() -> Any:
        return {"type": "http.request", "body": form}

    async def send(message: Any) -> None:
        sent.append(message)

    lines = [(b"content-type", b"application/x-www-form-urlencoded"), (b"origin", b"https://shop.example")]
    request = {"method": "POST", "path": "/embed", "headers": lines, "request_id": "0" * 32, "address": "127.0.0.1"}
    await door(request, receive, send)
    return recorder.opening, sent[0]


def main() -> None:
    """Serve until the end."""
    given = json.load(sys.stdin)
    settings = read_settings(given["environ"], port=given["port"])
    uvicorn.Server(server_config(cast(App, Plain(settings, given["form"])))).run()


if __name__ == "__main__":
    main()
