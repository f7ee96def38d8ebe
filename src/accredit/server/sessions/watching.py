"""Watching sessions: whoever asks is told when the status of a session or its sequence changes, until it has ended.

A commit of this node announces the ids of the sessions that it tells of (events/outbox.py), and those that are watched are looked at
at once. Once a second all of them are, by one statement, for what other nodes and commands wrote. Where nobody watches nothing is
asked.

    watches = Watches(store)                    # its `run` is background work
    watch = watches.open(session_id, key_id)
    sighting = await watch.following(after=3, within_s=15)
    watches.end(watch)
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from accredit.errors import AccreditError, Refused
from accredit.server import telemetry
from accredit.server.sessions.record import OPEN, Status
from accredit.server.store import Store, Transaction

MAX_OF_KEY, MAX_OF_NODE = 20, 1000
_LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Sighting:
    """How a session stood when it was looked at. Expiry is seen when it is written down, a few seconds later at most."""

    session_id: str
    status: Status
    sequence: int

    @property
    def is_end(self) -> bool:
        """Whether nothing follows."""
        return self.status not in OPEN


class Watch:
    """One who watches a session. who: the key that it counts for. gone: the session was deleted, or the node stops."""

    __slots__ = ("_changed", "gone", "latest", "session_id", "who")

    def __init__(self, session_id: str, who: str) -> None:
        self.session_id = session_id
        self.who = who
        self.latest: Sighting | None = None
        self.gone = False
        self._changed = asyncio.Event()

    def see(self, sighting: Sighting | None) -> None:
        """Take note of how the session stands; None: it is nowhere."""
        if sighting != self.latest or sighting is None:
            self.latest, self.gone = sighting, sighting is None
            self._changed.set()

    async def following(self, *, after: int | None, within_s: float) -> Sighting | None:
        """The session as soon as its sequence is another than that; None if it is not in that time, or is gone."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not self.gone and (self.latest is None or self.latest.sequence == after):
                    self._changed.clear()
                    await self._changed.wait()
        return None if self.latest is None or self.latest.sequence == after else self.latest


class Watches:
    """All who watch on one node. Belongs to the event loop on which it runs."""

    def __init__(self, store: Store) -> None:
        self.closed = False
        self._store = store
        self._watched: dict[str, set[Watch]] = {}
        self._of_key: Counter[str] = Counter()
        self._due: set[str] = set()
        self._woken = asyncio.Event()

    def open(self, session_id: str, who: str) -> Watch:
        """Begin to watch a session; it is looked at at once. Raises Refused `too_many_streams`."""
        if self._of_key[who] >= MAX_OF_KEY or self._of_key.total() >= MAX_OF_NODE:
            raise Refused("too_many_streams")
        watch = Watch(session_id, who)
        watch.gone = self.closed
        self._of_key[who] += 1
        if session_id not in self._watched:
            self._watched[session_id] = set()
            self._store.on_commit(session_id, partial(self._look_at, session_id))
        self._watched[session_id].add(watch)
        self._look_at(session_id)
        telemetry.STREAMS.set(self._of_key.total())
        return watch

    def end(self, watch: Watch) -> None:
        """Watch no more."""
        watching = self._watched[watch.session_id]
        watching.remove(watch)
        if not watching:
            del self._watched[watch.session_id]
            self._store.off_commit(watch.session_id)
        self._of_key[watch.who] -= 1
        if not self._of_key[watch.who]:
            del self._of_key[watch.who]
        telemetry.STREAMS.set(self._of_key.total())

    def close(self) -> None:
        """The node stops: whoever watches is let go, and whoever comes is let go at once."""
        self.closed = True
        for watch in [each for watching in self._watched.values() for each in watching]:
            watch.see(None)

    async def run(self) -> None:
        """Look until cancelled; a look that fails is told of, and the next one comes all the same."""
        loop, looked_s = asyncio.get_running_loop(), 0.0
        while True:
            await self._wait()
            due = self._due & self._watched.keys()
            if loop.time() >= looked_s + _LOOK_EVERY_S:
                due, looked_s = set(self._watched), loop.time()
            self._due.clear()
            try:
                found = await self._store.read(find_sightings, due) if due else {}
            except AccreditError as error:
                telemetry.log.warning("watching_failed", extra={"fields": {"code": error.code}})
            # The edge of the process for background work.
            except Exception:  # noqa: BLE001
                telemetry.log.exception("watching_failed")
            else:
                self._tell(due, found)

    def _tell(self, due: Iterable[str], found: Mapping[str, Sighting]) -> None:
        for session_id in due:
            for watch in self._watched.get(session_id, ()):
                watch.see(None if self.closed else found.get(session_id))

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), _LOOK_EVERY_S if self._watched else None)
        self._woken.clear()

    def _look_at(self, session_id: str) -> None:
        self._due.add(session_id)
        self._woken.set()


def find_sightings(tx: Transaction, session_ids: Iterable[str]) -> dict[str, Sighting]:
    """Query: how these sessions stand, of whatever door; those that are deleted are missing."""
    wanted = list(session_ids)
    # As many marks as the next power of two, so that few statement texts stay prepared.
    wanted += wanted[:1] * ((1 << (len(wanted) - 1).bit_length()) - len(wanted))
    marks = ",".join("?" * len(wanted))
    rows = tx.rows(f"SELECT id, status, sequence FROM sessions WHERE id IN ({marks})", wanted)
    return {session_id: Sighting(session_id, status, sequence) for session_id, status, sequence in rows}
