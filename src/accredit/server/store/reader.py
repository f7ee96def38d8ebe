"""Reads: a few threads, each with a connection of its own that cannot write.

What waits is shared out among them and answered in batches under one snapshot, taken after the last of the batch was
asked: so a query sees every write that was answered before it, and only what was committed.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

from .calls import Call, Calls
from .transaction import Connection, Raised, StatementError, Transaction, Unavailable

_log = logging.getLogger(__name__)

QUEUE = 10_000
BATCH = 64


class Reader:
    """The reading threads of a process."""

    def __init__(self, loop: asyncio.AbstractEventLoop, connect: Callable[[], Connection], threads: int) -> None:
        self._calls = Calls(loop, QUEUE, takers=threads)
        self._connect = connect
        self._threads = [
            threading.Thread(target=self._run, name=f"accredit-reader-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def ask(self, query: Callable[..., Any], item: object) -> "asyncio.Future[Any]":
        """A future of the query's result."""
        return self._calls.ask(query, item)

    def close(self) -> None:
        """Takes no more queries; those that wait are still answered."""
        self._calls.close()

    def join(self) -> None:
        """Waits until the last query is answered."""
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        connection: Connection | None = None
        while calls := self._calls.take(BATCH):
            connection = self._serve(connection, calls)
        if connection is not None:
            connection.close()

    def _serve(self, connection: Connection | None, calls: Sequence[Call]) -> Connection | None:
        """Answers a batch; the connection for the next one. One that was lost while idle is replaced at once."""
        had_one = connection is not None
        try:
            connection = connection or self._connect()
            outcomes = _outcomes(connection, calls)
        except Unavailable as error:
            _close(connection)
            if had_one:
                return self._serve(None, calls)
            _log.warning("the database is unavailable for reading: %s", error.__cause__)
            self._calls.give(calls, [Raised(Unavailable()) for _ in calls])
            return None
        self._calls.give(calls, outcomes)
        return _end(connection)


def _outcomes(connection: Connection, calls: Sequence[Call]) -> Sequence[object]:
    outcomes = []
    tx = Transaction(connection)
    connection.begin(write=False)
    for call in calls:
        try:
            outcomes.append(call.run(tx, call.item))
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - belongs to the caller, who waits on the event loop.
            took_too_long = isinstance(error, StatementError) and error.transient
            outcomes.append(Raised(Unavailable() if took_too_long else error))
            # PostgreSQL runs nothing more in a transaction in which a statement failed.
            connection.rollback()
            connection.begin(write=False)
    return outcomes


def _end(connection: Connection) -> Connection | None:
    try:
        connection.rollback()
    except Unavailable:
        connection.close()
        return None
    return connection


def _close(connection: Connection | None) -> None:
    if connection is not None:
        connection.close()
