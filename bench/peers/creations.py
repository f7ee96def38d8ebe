"""The plain handler's half of the rest door: what our own door would write for a create request, written again and again."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, cast

import msgspec

from accredit.server.asgi import HttpScope, Send
from accredit.server.doors.rest.api import sessions_address
from accredit.server.ids import new_session_id
from accredit.server.node import Node
from accredit.server.sessions.rest.creating import Creation, insert_creations
from accredit.server.store import Store


class _Recorder:
    """Stands where the store is: reads, and keeps what the door would have written."""

    creation: Creation

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(self, query: Any, item: Any = None) -> Any:
        return await self._store.read(query, item)

    async def write(self, _change: object, item: Creation) -> None:
        self.creation = item


class Creations:
    """One recorded creation, and the answer to it."""

    def __init__(self, store: Store, creation: Creation, answer: list[Any]) -> None:
        self._store = store
        self._creation = creation
        self._answer = answer

    async def insert(self, _scope: HttpScope, send: Send) -> None:
        """Insert the same rows under a fresh id, and answer as our door did."""
        if await self._store.write(insert_creations, _fresh(self._creation)) is None:
            for message in self._answer:
                await send(message)


async def record_creation(node: Node, request: str) -> Creations:
    """What our door makes of this request. request: as it travels, head and body."""
    head, _, body = request.partition("\r\n\r\n")
    recorder, sent = _Recorder(node.store), list[Any]()
    door = sessions_address(replace(node, store=cast(Store, recorder)))

    async def receive() -> Any:
        return {"type": "http.request", "body": body.encode()}

    async def send(message: Any) -> None:
        sent.append(message)

    pairs = [line.split(": ", 1) for line in head.split("\r\n")[1:]]
    lines = [(name.lower().encode(), value.encode()) for name, value in pairs]
    scope = {"method": "POST", "headers": lines, "query_string": b"", "request_id": "0" * 32, "address": "127.0.0.1"}
    await cast("Callable[..., Awaitable[None]]", door)(scope, receive, send)
    return Creations(node.store, recorder.creation, sent)


def _fresh(creation: Creation) -> Creation:
    session_id = new_session_id()
    session = msgspec.structs.replace(creation.session, session_id=session_id)
    shared, own = (session_id, *creation.shared[1:]), (session_id, *creation.own[1:])
    return msgspec.structs.replace(creation, session=session, shared=shared, own=own)
