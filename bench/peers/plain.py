"""A plain ASGI handler with group commit: the same uvicorn, the same store and the same statements, and nothing else.

It says nothing about who is admitted: the row is taken once from a real admission and inserted again and again under fresh ids. What
it answers a second is what is left over for a door that costs nothing.

    python -m bench.peers.plain < {"port": ..., "environ": {...}, "forms": {"embed": "signed_deployment=...", "boot": "..."}}
"""

import json
import sys
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import msgspec
import uvicorn

from accredit.server.app import App, open_node, server_config
from accredit.server.asgi import HttpScope, Receive, Send, send_answer
from accredit.server.doors.boot import BootDoor
from accredit.server.doors.embed import EmbedDoor
from accredit.server.ids import new_session_id
from accredit.server.keyring.scope import Scope
from accredit.server.node import Node
from accredit.server.sessions.codes import code_hash, parse_code
from accredit.server.sessions.opening import COLUMNS, Opening, insert_openings, replay_key
from accredit.server.sessions.redeeming import Redemption, redeem_codes
from accredit.server.settings import Settings, read_settings
from accredit.server.store import Store
from bench.asking import SESSIONS
from bench.peers.creations import record_creation

Application = Callable[[HttpScope, Receive, Send], Awaitable[None]]
DOORS: dict[str, Callable[[Node], Application]] = {"embed": EmbedDoor, "boot": BootDoor}
_REPLAY_KEY = COLUMNS.index("replay_key")
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
    """The application. settings: as ours has them, so that both run under one configuration of uvicorn.

    asked: create requests at the rest door; each kind has an address of its own, `{SESSIONS}?plain`.
    """

    def __init__(self, settings: Settings, forms: dict[str, str], asked: dict[str, str]) -> None:
        self.settings = settings
        self._forms = forms
        self._asked = asked
        self._redemptions: deque[Redemption] = deque()
        self._routes: dict[str, Route] = {
            "/embed": partial(self._insert, "embed"),
            "/boot": partial(self._insert, "boot"),
            "/v1/exchange": self._exchange,
            "/prepare": self._prepare,
            "/readyz": self._hello,
            SESSIONS: self._create,
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
            self._recorded = {
                door: await _record(node, DOORS[door], f"/{door}", form.encode()) for door, form in self._forms.items()
            }
            self._creations = {kind: await record_creation(node, request) for kind, request in self._asked.items()}
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _insert(self, door: str, _scope: HttpScope, send: Send) -> None:
        opening, answer = self._recorded[door]
        if await self._store.write(insert_openings, _fresh(opening)) is None:
            await send(answer)
            await send({"type": "http.response.body", "body": b""})

    async def _create(self, scope: HttpScope, send: Send) -> None:
        await self._creations[scope["query_string"].decode()].insert(scope, send)

    async def _exchange(self, _scope: HttpScope, send: Send) -> None:
        session = await self._store.write(redeem_codes, self._redemptions.popleft())
        await send_answer(send, 200 if session is not None else 500, [], _SESSION)

    async def _prepare(self, scope: HttpScope, send: Send) -> None:
        """Sessions whose codes are to be redeemed: `/prepare?5000`."""
        opening, answer = self._recorded["embed"]
        row, event = opening.row, opening.event
        code = parse_qs(urlsplit(dict(answer["headers"])[b"location"].decode()).query)["code"][0]
        digest = code_hash(parse_code(code))
        openings = [_fresh(opening) for _ in range(int(scope["query_string"]))]
        for start in range(0, len(openings), _PREPARED_AT_ONCE):
            await self._store.write(_insert_all, openings[start : start + _PREPARED_AT_ONCE])
        scope_of_row = Scope(cast(str, row[1]), cast(str, row[2]))
        self._redemptions = deque(
            Redemption(opening.session_id, digest, scope_of_row, None, event.created_ms) for opening in openings
        )
        await send_answer(send, 200, [], b"")

    async def _hello(self, _scope: HttpScope, send: Send) -> None:
        await send_answer(send, 200, [(b"content-type", b"text/plain")], b"hello")


def _fresh(opening: Opening) -> Opening:
    """The same row under a fresh id, and, where it has one, with a fresh replay key."""
    session_id, row = new_session_id(), list(opening.row)
    row[0] = session_id
    if opening.replayed is not None:
        row[_REPLAY_KEY] = replay_key(session_id)
    return msgspec.structs.replace(opening, session_id=session_id, row=tuple(row))


def _insert_all(tx: Any, groups: Any) -> list[None]:
    for openings in groups:
        insert_openings(tx, openings)
    return [None] * len(groups)


async def _record(node: Node, kind: Callable[[Node], Application], path: str, form: bytes) -> tuple[Opening, Any]:
    """What our own door would write for this form, and how its answer begins."""
    recorder, sent = Recorder(), []
    door = kind(replace(node, store=cast(Store, recorder)))

    async def receive() -> Any:
        return {"type": "http.request", "body": form}

    async def send(message: Any) -> None:
        sent.append(message)

    lines = [(b"content-type", b"application/x-www-form-urlencoded"), (b"origin", b"https://shop.example")]
    request = {"method": "POST", "path": path, "headers": lines, "request_id": "0" * 32, "address": "127.0.0.1"}
    await door(request, receive, send)
    return recorder.opening, sent[0]


def main() -> None:
    """Serve until the end."""
    given = json.load(sys.stdin)
    settings = read_settings(given["environ"], port=given["port"])
    uvicorn.Server(server_config(cast(App, Plain(settings, given["forms"], given["asked"])))).run()


if __name__ == "__main__":
    main()
