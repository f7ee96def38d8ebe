"""ASGI in the few words that plain applications here need (ASGI 3.0, HTTP connection scope)."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from accredit.server.headers import Headers

HttpScope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


async def send_answer(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Send a whole answer."""
    length = (b"content-length", str(len(body)).encode("ascii"))
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
