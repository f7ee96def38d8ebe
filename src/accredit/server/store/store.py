"""The store: a writer that commits in groups, readers beside it, and the version of the configuration."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from typing import Self

from accredit.errors import FailureError
from accredit.server import tracing

from . import sqlite
from .address import connector, sqlite_path
from .config_version import ConfigWatcher, find_version
from .migrate import is_current, migrate
from .reader import Reader
from .transaction import Change, Engine, Item, Query, Result
from .writer import Writer

# SQLite reads cost processor time only, so more threads would only stand in each other's way; on PostgreSQL they wait
# for its answers.
SQLITE_READERS = 2
POSTGRESQL_READERS = 4


class Store:
    """An open database. Belongs to the event loop that it was opened on.

    engine: which database it is. config_version: see bump_config. writer: its counters are for telemetry.
    """

    def __init__(self, url: str, claim: ExitStack) -> None:
        loop = asyncio.get_running_loop()
        readers = SQLITE_READERS if sqlite_path(url) else POSTGRESQL_READERS
        self.engine: Engine = "sqlite" if sqlite_path(url) else "postgresql"
        self.config_version = 0
        self._loop = loop
        self._listeners: dict[str, Callable[[], None]] = {}
        self.writer = Writer(loop, connector(url, write=True), self._saw_config, self._saw_announcement)
        self._reader = Reader(loop, connector(url, write=False), readers)
        self._watcher = ConfigWatcher(connector(url, write=False), self._saw_config)
        self._claim = claim

    @classmethod
    async def open(cls, url: str, *, exclusive: bool = True, migrate: bool = False) -> Self:
        """Opens the database at a URL; the schema must be there, or is brought up to date with `migrate`.

        exclusive: claims a SQLite file for this process, as a server does; a command beside a server opens it without.
        Raises FailureError database_url_invalid, database_in_use, schema_behind or service_unavailable.
        """
        claim = await asyncio.to_thread(_prepare, url, exclusive=exclusive, migrating=migrate)
        store = cls(url, claim)
        try:
            store._saw_config(await store.read(find_version, None))
        except BaseException:
            await store.close()
            raise
        return store

    async def write(self, change: Change[Item, Result], item: Item) -> Result:
        """The change's result for the item, durable when this returns.

        Raises what the change raised for it, or FailureError service_unavailable; then nothing of the item lasts, unless the
        connection was lost during the commit itself, when nobody can tell.
        """
        with tracing.span_within("commit"):
            result: Result = await self.writer.ask(change, item)
        return result

    async def read(self, query: Query[Item, Result], item: Item) -> Result:
        """The query's result; it sees every write that was answered before.

        Raises what the query raised, or FailureError service_unavailable.
        """
        result: Result = await self._reader.ask(query, item)
        return result

    def on_commit(self, topic: str, listener: Callable[[], None]) -> None:
        """Calls the listener, on the event loop, after each commit of this process in which a change announced the topic."""
        self._listeners[topic] = listener

    def off_commit(self, topic: str) -> None:
        """Nobody listens for this topic any more."""
        self._listeners.pop(topic, None)

    async def close(self) -> None:
        """Serves who waits already, then lets go of the database."""
        workers = (self._watcher, self._reader, self.writer)
        for worker in workers:
            worker.close()
        for worker in workers:
            await asyncio.to_thread(worker.join)
        self._claim.close()

    def _saw_config(self, version: int) -> None:
        # Several threads report, and a late one must not turn the number back.
        self.config_version = max(self.config_version, version)

    def _saw_announcement(self, topics: frozenset[str]) -> None:
        # On the writer's thread: one lookup each, since the event loop may add and remove listeners meanwhile.
        for topic in topics:
            listener = self._listeners.get(topic)
            if listener is not None:
                self._loop.call_soon_threadsafe(listener)


def _prepare(url: str, *, exclusive: bool, migrating: bool) -> ExitStack:
    """Claims and migrates; what is to be closed when the store is."""
    with ExitStack() as claim:
        path = sqlite_path(url)
        if path is not None and exclusive:
            claim.enter_context(sqlite.lock(path))
        if migrating:
            migrate(url)
        elif not is_current(url):
            raise FailureError("schema_behind")
        return claim.pop_all()
