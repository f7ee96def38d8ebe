"""The load: keep-alive connections that each send their next request when the last one was answered.

HTTP/1.1 in its narrowest form, over raw sockets on uvloop: requests are octets made beforehand, and of an answer nothing is read but
its status and where it ends, so that the load costs less than any server under it. Latencies are those of a closed loop.

    taken = drive(Target(port, pid), cycle([request]), expected=303, seconds=3)
    taken.rate, taken.p99_ms, taken.cpu_us
"""

import asyncio
import gc
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

import uvloop

from bench.machine import cpu_seconds

CONNECTIONS = 64
_WARM_UP_S, _PATIENCE_S, _DRAIN_S, _MOMENT_S = 0.3, 600.0, 30.0, 0.005
_HEAD_END, _LENGTH = b"\r\n\r\n", b"content-length: "


class LoadError(Exception):
    """An answer that was not expected, or none: there is no figure."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send, and whose processor time to count."""

    port: int
    pid: int


@dataclass(frozen=True, slots=True)
class Taken:
    """One measurement; 0 is what was not measured.

    rate: answers a second. cpu_us: the server's processor time for each of them. busy: the load's share of its own core.
    """

    rate: float
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    cpu_us: float = 0.0
    busy: float = 0.0


def drive(target: Target, requests: Iterator[bytes], *, expected: int, seconds: float) -> Taken:
    """Send requests for some seconds after a short warm-up, or until there are none left; whichever comes first ends the count.

    Raises LoadError for any other status than the one expected, and when the server goes away.
    """
    taken = _run(_Drive(target, requests, expected), min(_WARM_UP_S, seconds), seconds)
    if not taken.rate:
        raise LoadError("nothing was answered in time")
    return taken


def send_all(target: Target, requests: list[bytes], *, expected: int) -> list[bytes]:
    """Send each request once; all answers, in the order in which they came. Raises LoadError as `drive` does."""
    answers: list[bytes] = []
    _run(_Drive(target, iter(requests), expected, answers.append), 0, _PATIENCE_S)
    return answers


def _run(drive: "_Drive", warm_up_s: float, seconds: float) -> Taken:
    # A pause of the collector here would be booked as the server's.
    gc.collect()
    gc.disable()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(drive.run(warm_up_s, seconds))
    except OSError as error:
        raise LoadError(f"the server is gone: {error}") from error
    finally:
        gc.enable()


class _Drive:
    """What the connections of one measurement share."""

    def __init__(
        self, target: Target, requests: Iterator[bytes], expected: int, heard: Callable[[bytes], None] | None = None
    ) -> None:
        self.target = target
        self.requests = requests
        self.expected = b"HTTP/1.1 %d " % expected
        self.heard = heard
        self.over = False
        self.latencies: list[float] = []
        self.in_flight = 0
        self._ended = asyncio.Event()
        self._error: LoadError | None = None

    async def run(self, warm_up_s: float, seconds: float) -> Taken:
        connections = [await self._connect() for _ in range(CONNECTIONS)]
        for connection in connections:
            connection.ask()
        await self._until_ended(warm_up_s)
        self.latencies.clear()
        before = self._clocks()
        await self._until_ended(seconds)
        # A machine that is busy with other things is waited for.
        while not (self.latencies or self.over) and time.perf_counter() - before[0] < seconds + _DRAIN_S:
            await self._until_ended(_MOMENT_S)
        after, answered, self.over = self._clocks(), len(self.latencies), True
        await self._drain()
        for connection in connections:
            connection.close()
        if self._error is not None:
            raise self._error
        return self._taken(answered, *(late - early for early, late in zip(before, after, strict=True)))

    async def _connect(self) -> "_Connection":
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self.target.port)
        return connection

    def _clocks(self) -> tuple[float, float, float]:
        return time.perf_counter(), time.process_time(), cpu_seconds(self.target.pid)

    def fail(self, text: str) -> None:
        self._error = self._error or LoadError(text)
        self.end()

    def end(self) -> None:
        self.over = True
        self._ended.set()

    async def _until_ended(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), seconds)

    async def _drain(self) -> None:
        """Hear what was asked: the next measurement begins with nothing under way."""
        for _ in range(int(_DRAIN_S / _MOMENT_S)):
            if not self.in_flight or self._error is not None:
                return
            await asyncio.sleep(_MOMENT_S)
        self.fail("the server stopped answering")

    def _taken(self, answered: int, wall_s: float, own_s: float, server_s: float) -> Taken:
        if not answered:
            return Taken(0)
        ordered = sorted(self.latencies[:answered])
        return Taken(
            rate=answered / wall_s,
            p50_ms=ordered[answered // 2] * 1e3,
            p99_ms=ordered[min(answered - 1, answered * 99 // 100)] * 1e3,
            cpu_us=server_s / answered * 1e6,
            busy=own_s / wall_s,
        )


class _Connection(asyncio.Protocol):
    def __init__(self, drive: _Drive) -> None:
        self._drive = drive
        self._partial = b""
        self._asked = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def ask(self) -> None:
        """Send the next request, if there is one."""
        drive = self._drive
        if drive.over:
            return
        request = next(drive.requests, None)
        if request is None:
            drive.end()
            return
        drive.in_flight += 1
        self._asked = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._partial:
            data = self._partial + data
        drive = self._drive
        try:
            whole = _is_whole(data)
        except LoadError as error:
            drive.fail(str(error))
            return
        self._partial = b"" if whole else data
        if not whole:
            return
        drive.latencies.append(time.perf_counter() - self._asked)
        drive.in_flight -= 1
        if not data.startswith(drive.expected):
            drive.fail(f"{drive.expected.decode()}was expected: {data[:2000].decode('latin-1')}")
            return
        if drive.heard is not None:
            drive.heard(data)
        self.ask()

    def close(self) -> None:
        self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._drive.over:
            self._drive.fail(f"the server closed a connection: {exc}")


def _is_whole(data: bytes) -> bool:
    """Whether an answer is there to its end. Raises LoadError for one that does not say where that is."""
    head = data.find(_HEAD_END)
    if head < 0:
        return False
    at = data.find(_LENGTH, 0, head)
    if at < 0:
        raise LoadError(f"an answer without a length: {data[:head].decode('latin-1')}")
    return len(data) >= head + len(_HEAD_END) + int(data[at + len(_LENGTH) : data.index(b"\r\n", at)])
