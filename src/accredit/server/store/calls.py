"""Who waits for what: the bounded queue between the event loop and the store's threads."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeVar

from .transaction import Raised, Unavailable

Result = TypeVar("Result")


class Call(NamedTuple):
    """One caller's change or query, and the future that it waits on."""

    run: Callable[..., Any]
    item: Any
    answer: "asyncio.Future[Any]"


class Calls:
    """Calls in the order in which they came. Filled and answered on the event loop, taken by threads."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int, takers: int = 1) -> None:
        self._loop = loop
        self._limit = limit
        self._takers = takers
        self._fresh: list[Call] = []
        self._waiting: deque[Call] = deque()
        self._bell: SimpleQueue[bool] = SimpleQueue()
        self._closed = False

    def ask(self, run: Callable[..., Any], item: object) -> "asyncio.Future[Any]":
        """Adds a call. Raises FailureError service_unavailable when too many wait already, or after close."""
        if self._closed or len(self._waiting) + len(self._fresh) >= self._limit:
            raise Unavailable
        if not self._fresh:
            # Whatever else is asked in this turn of the event loop belongs to the same group, so the bell waits for its end.
            self._loop.call_soon(self._ring)
        answer = self._loop.create_future()
        self._fresh.append(Call(run, item, answer))
        return answer

    def take(self, limit: int) -> list[Call]:
        """Waits for a call, and takes this taker's share of those that wait; empty once all is done and closed."""
        while True:
            more = self._bell.get()
            taken = self._share(limit)
            if self._waiting or not more:
                self._bell.put(more)
            if taken or not more:
                return taken

    def give(self, calls: Sequence[Call], outcomes: Sequence[object]) -> None:
        """Hands all outcomes to the event loop at once. An outcome that is Raised becomes the caller's exception."""
        self._loop.call_soon_threadsafe(_answer, calls, outcomes)

    def close(self) -> None:
        """Takes no more calls; those that wait are still served, then every taker is sent home."""
        self._ring()
        self._closed = True
        self._bell.put(False)

    def _share(self, limit: int) -> list[Call]:
        taken: list[Call] = []
        for _ in range(min(limit, -(-len(self._waiting) // self._takers))):
            try:
                taken.append(self._waiting.popleft())
            except IndexError:  # Another taker was faster.
                break
        return taken

    def _ring(self) -> None:
        self._waiting.extend(self._fresh)
        for _ in self._fresh[: self._takers]:
            self._bell.put(True)
        self._fresh.clear()


def _answer(calls: Sequence[Call], outcomes: Sequence[object]) -> None:
    for call, outcome in zip(calls, outcomes, strict=True):
        if call.answer.done():  # Its caller was cancelled meanwhile.
            continue
        if type(outcome) is Raised:
            call.answer.set_exception(outcome.error)
        else:
            call.answer.set_result(outcome)
