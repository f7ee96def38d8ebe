"""A receiver of webhooks: answers 200 to everything at once, but for paths that hang, and keeps when each request came.

It runs in a thread of this process, on the load's core, and reads of a request no more than where it ends.

    with receiving() as receiver:
        receiver.url("/healthy"), receiver.arrivals["/healthy"]
"""

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import uvloop

HANGING = "/hanging"
_HEAD_END, _LENGTH = b"\r\n\r\n", b"content-length: "
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Receiver:
    """arrivals: when requests came, by path, as time.perf_counter tells it."""

    def __init__(self) -> None:
        self.arrivals: dict[str, list[float]] = defaultdict(list)
        self.port = 0

    def url(self, path: str) -> str:
        """An address of it."""
        return f"http://127.0.0.1:{self.port}{path}"


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver until the end of the block."""
    receiver, loop, ready = Receiver(), uvloop.new_event_loop(), threading.Event()

    async def serve() -> None:
        server = await loop.create_server(lambda: _Connection(receiver), "127.0.0.1", 0)
        receiver.port = server.sockets[0].getsockname()[1]
        ready.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.create_task(serve())
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait()
    try:
        yield receiver
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


class _Connection(asyncio.Protocol):
    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._octets = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._octets += data
        while (end := self._octets.find(_HEAD_END)) >= 0:
            head = self._octets[:end].lower()
            length = int(head.partition(_LENGTH)[2].partition(b"\r\n")[0] or 0)
            whole = end + len(_HEAD_END) + length
            if len(self._octets) < whole:
                return
            self._octets = self._octets[whole:]
            path = head.split(b" ", 2)[1].decode()
            self._receiver.arrivals[path].append(time.perf_counter())
            if not path.startswith(HANGING):
                self._transport.write(_ANSWER)
