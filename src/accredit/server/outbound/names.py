"""Looking names up, each in a thread that waits for nobody else.

The system's lookup blocks, and one for a name whose servers do not answer blocks for many seconds. Event loops keep a handful of
threads for it, so that a few such names would keep every other from being called; here there are as many threads as lookups are under
way, and idle ones are used again. They are daemons: a process that ends does not wait for them.
"""

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import NamedTuple

LookUp = Callable[[str, int], Sequence[str]]


def look_up(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, in the order in which the system prefers them. Blocks. Raises OSError, UnicodeError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class _Question(NamedTuple):
    host: str
    port: int
    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[Sequence[str]]"


class Lookups:
    """Looks names up for any number of event loops."""

    def __init__(self, look_up: LookUp = look_up) -> None:
        self._look_up = look_up
        self._questions: SimpleQueue[_Question] = SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """The addresses of a name. Raises OSError, UnicodeError."""
        loop = asyncio.get_running_loop()
        question = _Question(host, port, loop, loop.create_future())
        with self._lock:
            fresh = self._idle == 0
            self._idle -= not fresh
        if fresh:
            threading.Thread(target=self._work, name="accredit-names", daemon=True).start()
        self._questions.put(question)
        return await question.answer

    def _work(self) -> None:
        while True:
            question = self._questions.get()
            outcome: Sequence[str] | Exception
            try:
                outcome = self._look_up(question.host, question.port)
            except (OSError, UnicodeError) as error:
                outcome = error
            with self._lock:
                self._idle += 1
            # The loop may have ended while nobody answered.
            with suppress(RuntimeError):
                question.loop.call_soon_threadsafe(_give, question.answer, outcome)


def _give(answer: "asyncio.Future[Sequence[str]]", outcome: Sequence[str] | Exception) -> None:
    if answer.done():  # Whoever asked gave up meanwhile.
        return
    if isinstance(outcome, Exception):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)


resolve_name = Lookups()
