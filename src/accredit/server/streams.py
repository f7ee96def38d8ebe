"""A session's status as server-sent events (HTML Living Standard section 9.2): one event for each change, until it has ended.

    id: 3
    event: status
    data: {"id":"...","status":"waiting","sequence":3}

Events hold the id, the status in the door's words, and the sequence, which is the event's id too: whoever comes back with it as
`Last-Event-ID` hears of what is newer. States in between may be left out. Whoever has heard of the end already is answered 204, by
which a browser's EventSource stops coming back. A stream lives five minutes at most, so that it outlives no key for long.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable

from accredit.encoding import compact_json
from accredit.server import headers, telemetry
from accredit.server.asgi import Receive, Send
from accredit.server.sessions.record import OPEN, Status
from accredit.server.sessions.watching import Sighting, Watch, Watches

HEARTBEAT_S, LIFE_S = 15.0, 300.0
# Who reads nothing for so long is let go.
_STUCK_S = 30.0
_HEARTBEAT = b":\n\n"
_BEGINNING = b"retry: 1000\n\n"
_SEQUENCE = re.compile(rb"[0-9]{1,18}")
Word = Callable[[Status], str]


def read_last_event_id(value: bytes) -> int | None:
    """The sequence that a client has heard of last; None for what no event of ours had as its id."""
    return int(value) if _SEQUENCE.fullmatch(value) else None


def has_heard_the_end(sighting: Sighting, last: int | None) -> bool:
    """Whether there is nothing more to tell whoever heard that event last."""
    return sighting.status not in OPEN and sighting.sequence == last


class StatusStream:
    """One open stream. word: a status in the door's words. last: the sequence that the client heard of last.

    Raises Refused `too_many_streams`. It holds a place until `send` has ended.
    """

    def __init__(self, watches: Watches, session_id: str, who: str, word: Word, last: int | None) -> None:
        self._watches = watches
        self._watch: Watch = watches.open(session_id, who)
        self._word = word
        self._last = last

    async def send(self, receive: Receive, send: Send, lines: headers.Headers) -> None:
        """Answer until the session ends, the client goes, the node stops, or the stream has lived its time."""
        try:
            await send({"type": "http.response.start", "status": 200, "headers": lines})
            telling = asyncio.ensure_future(self._tell(send))
            leaving = asyncio.ensure_future(_until_gone(receive))
            try:
                await asyncio.wait((telling, leaving), timeout=LIFE_S + _STUCK_S, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (telling, leaving):
                    task.cancel()
                failed, _ = await asyncio.gather(telling, leaving, return_exceptions=True)
                if isinstance(failed, Exception):
                    telemetry.log.error("stream_failed", exc_info=failed)
        finally:
            self._watches.end(self._watch)

    async def _tell(self, send: Send) -> None:
        async for chunk in self.chunks():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def chunks(self, heartbeat_s: float = HEARTBEAT_S) -> AsyncIterator[bytes]:
        """What is sent. heartbeat_s: after which silence a comment shows proxies that somebody is there."""
        loop = asyncio.get_running_loop()
        until = loop.time() + LIFE_S
        yield _BEGINNING
        while loop.time() < until:
            sighting = await self._watch.following(after=self._last, within_s=heartbeat_s)
            if sighting is not None:
                self._last = sighting.sequence
                yield _event(sighting, self._word)
            if self._watch.gone or (sighting is not None and sighting.is_end):
                return
            if sighting is None:
                yield _HEARTBEAT


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _event(sighting: Sighting, word: Word) -> bytes:
    data = compact_json({"id": sighting.session_id, "status": word(sighting.status), "sequence": sighting.sequence})
    return b"id: %d\nevent: status\ndata: %s\n\n" % (sighting.sequence, data)
