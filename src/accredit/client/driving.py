"""Driving the generators of `calling`: one driver waits, one is awaited. Each holds the connections that its client calls by."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import httpx

from accredit.client.calling import Authorize, Send, Told, Wait, Work
from accredit.client.http import TIMEOUT_S, told, unanswered

Result = TypeVar("Result")


def _nothing_to_renew() -> Work[None]:
    yield from ()


class Driver:
    """Runs what a client does, and returns when it is done; threads may share it.

    http: an httpx.Client to use; one of its own ends with this one. renew: sees to it that there is a token.
    """

    def __init__(self, http: httpx.Client | None, renew: Callable[[], Work[None]] = _nothing_to_renew) -> None:
        self._own = http is None
        self._http = httpx.Client(timeout=TIMEOUT_S) if http is None else http
        self._renew = renew
        self._lock = threading.Lock()

    def run(self, work: Work[Result]) -> Result:
        """What the work comes to."""
        come: Told = None
        while True:
            try:
                step = work.send(come)
            except StopIteration as done:
                result: Result = done.value
                return result
            come = self._do(step)

    def close(self) -> None:
        """Close the connections that are this driver's own."""
        if self._own:
            self._http.close()

    def _do(self, step: Authorize | Send | Wait) -> Told:
        if isinstance(step, Send):
            request = step.request
            try:
                return told(
                    self._http.request(request.method, request.url, headers=dict(request.headers), content=request.content)
                )
            except httpx.TransportError as error:
                return unanswered(error)
        if isinstance(step, Wait):
            time.sleep(step.seconds)
        else:
            with self._lock:
                self.run(self._renew())
        return None


class AsyncDriver:
    """Runs what a client does, to be awaited; tasks of one event loop may share it. http, renew: as `Driver`."""

    def __init__(self, http: httpx.AsyncClient | None, renew: Callable[[], Work[None]] = _nothing_to_renew) -> None:
        self._own = http is None
        self._http = httpx.AsyncClient(timeout=TIMEOUT_S) if http is None else http
        self._renew = renew
        self._lock = asyncio.Lock()

    async def run(self, work: Work[Result]) -> Result:
        """What the work comes to."""
        come: Told = None
        while True:
            try:
                step = work.send(come)
            except StopIteration as done:
                result: Result = done.value
                return result
            come = await self._do(step)

    async def close(self) -> None:
        """Close the connections that are this driver's own."""
        if self._own:
            await self._http.aclose()

    async def _do(self, step: Authorize | Send | Wait) -> Told:
        if isinstance(step, Send):
            request = step.request
            try:
                response = await self._http.request(
                    request.method, request.url, headers=dict(request.headers), content=request.content
                )
            except httpx.TransportError as error:
                return unanswered(error)
            return told(response)
        if isinstance(step, Wait):
            await asyncio.sleep(step.seconds)
        else:
            async with self._lock:
                await self.run(self._renew())
        return None
