"""Group commit: one thread that commits together whatever arrived while the last commit was under way.

It never sleeps to collect more, so a lone caller waits no longer than for a plain commit; under load one sync of the
disk pays for many callers. Results go back to the event loop once for each group, and only after the commit.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from accredit.server import telemetry

from .calls import Call, Calls
from .config_version import find_version
from .transaction import Connection, Raised, StatementError, Transaction, Unavailable

_log = logging.getLogger(__name__)

# Callers that may wait before the next is turned away, and callers of one commit at most.
QUEUE = 10_000
GROUP = 512
_TRIES_ALONE = 2


class Writer:
    """The one writer of a process.

    groups, items: how many groups were run so far, and how many items in them.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connect: Callable[[], Connection],
        config_changed: Callable[[int], None],
        announce: Callable[[frozenset[str]], None],
    ) -> None:
        self.groups = 0
        self.items = 0
        self._calls = Calls(loop, QUEUE)
        self._connect = connect
        self._connection: Connection | None = None
        self._config_changed = config_changed
        self._announce = announce
        self._thread = threading.Thread(target=self._run, name="accredit-writer", daemon=True)
        self._thread.start()

    def ask(self, change: Callable[..., Any], item: object) -> "asyncio.Future[Any]":
        """A future of the item's result, done when its commit is durable."""
        return self._calls.ask(change, item)

    def close(self) -> None:
        """Takes no more items; those that wait are still written."""
        self._calls.close()

    def join(self) -> None:
        """Waits until the last group is written."""
        self._thread.join()

    def _run(self) -> None:
        while calls := self._calls.take(GROUP):
            self.groups += 1
            self.items += len(calls)
            telemetry.COMMIT_GROUP_SIZE.observe(len(calls))
            self._calls.give(calls, self._outcomes(calls))
        self._disconnect()

    def _outcomes(self, calls: Sequence[Call]) -> Sequence[object]:
        if len(calls) == 1:
            return self._one_after_another(calls)
        try:
            return self._together(calls)
        except Unavailable as error:
            self._give_up(error)
            return [Raised(Unavailable()) for _ in calls]
        except Exception:  # noqa: BLE001 - whose fault it was is found out by running each alone.
            return self._one_after_another(calls)

    def _one_after_another(self, calls: Sequence[Call]) -> Sequence[object]:
        outcomes: list[object] = []
        try:
            for call in calls:
                outcomes.append(self._alone(call))
        except Unavailable as error:
            self._give_up(error)
        return outcomes + [Raised(Unavailable()) for _ in calls[len(outcomes) :]]

    def _alone(self, call: Call) -> object:
        for _ in range(_TRIES_ALONE):
            try:
                return self._together((call,))[0]
            except Unavailable:
                raise
            except StatementError as error:
                if not error.transient:
                    return Raised(error)
            except Exception as error:  # noqa: BLE001 - belongs to the caller, who waits on the event loop.
                return Raised(error)
        return Raised(Unavailable())

    def _together(self, calls: Sequence[Call]) -> Sequence[object]:
        """All calls in one transaction. When it raises, nothing of it lasts."""
        if self._connection is None:
            self._connection = self._connect()
        tx = Transaction(self._connection)
        begun_s = time.perf_counter()
        self._connection.begin(write=True)
        try:
            outcomes = _run_changes(tx, calls)
            version = find_version(tx) if tx.config_bumped else None
            self._connection.commit()
        except Unavailable:
            raise
        except Exception:
            self._connection.rollback()
            raise
        telemetry.COMMIT_SECONDS.observe(time.perf_counter() - begun_s)
        for call in tx.committed:
            call()
        if version is not None:
            self._config_changed(version)
        if tx.announced:
            self._announce(frozenset(tx.announced))
        return outcomes

    def _give_up(self, error: Unavailable) -> None:
        _log.warning("the database is unavailable for writing: %s", error.__cause__)
        self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _run_changes(tx: Transaction, calls: Sequence[Call]) -> Sequence[object]:
    by_change: dict[Callable[..., Any], list[int]] = {}
    for index, call in enumerate(calls):
        by_change.setdefault(call.run, []).append(index)
    outcomes: list[object] = [None] * len(calls)
    for change, indexes in by_change.items():
        results = change(tx, [calls[index].item for index in indexes])
        for index, result in zip(indexes, results, strict=True):
            outcomes[index] = result
    return outcomes
