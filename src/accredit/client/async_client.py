"""The client that is awaited."""

from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self, Unpack

import httpx

from accredit.client.configuration import Options, configure
from accredit.client.driving import AsyncDriver
from accredit.client.operations import Operations
from accredit.client.requests import SessionFilter, SessionRequest
from accredit.client.sessions import Session, SessionItem, SessionPage
from accredit.client.visits import Visit


class AsyncClient:
    """A backend's client, for one API client of one server; tasks of one event loop may share it.

    async with AsyncClient("https://accredit.example", client_id="shop-1", client_secret=secret, keys=[private_jwk]) as client:
        session = await client.create(SessionRequest(callback_urls=CallbackUrls.to("https://shop.example/back")))

    options, and what calls raise: as `Client`. http: an httpx.AsyncClient to use; one of its own ends with this one.
    """

    def __init__(self, base_url: str, *, http: httpx.AsyncClient | None = None, **options: Unpack[Options]) -> None:
        self._operations = Operations(configure(base_url, options))
        self._driver = AsyncDriver(http, self._operations.calling.renew)

    async def create(self, request: SessionRequest, *, idempotency_key: str | None = None) -> Session:
        """Open a session; see `Client.create`."""
        return await self._driver.run(self._operations.create(request, idempotency_key))

    async def get(self, session_id: str, *, session_nonce: str | None = None, nonce: str | None = None) -> Session:
        """Read a session; see `Client.get`."""
        return await self._driver.run(self._operations.get(session_id, session_nonce, nonce))

    async def wait(self, session_id: str, *, timeout_s: float, every_s: float = 1.0, nonce: str | None = None) -> Session:
        """Read a session until it has ended; see `Client.wait`."""
        return await self._driver.run(self._operations.wait(session_id, timeout_s, every_s, nonce))

    async def cancel(self, session_id: str, *, nonce: str | None = None) -> Session:
        """Cancel a session; see `Client.cancel`."""
        return await self._driver.run(self._operations.cancel(session_id, nonce))

    async def list(
        self, wanted: SessionFilter | None = None, *, limit: int | None = None, cursor: str | None = None
    ) -> SessionPage:
        """A page of sessions; see `Client.list`."""
        return await self._driver.run(self._operations.list(wanted or SessionFilter(), limit, cursor))

    async def list_all(self, wanted: SessionFilter | None = None) -> AsyncIterator[SessionItem]:
        """All sessions, newest first, page by page."""
        cursor = None
        while True:
            page = await self.list(wanted, limit=100, cursor=cursor)
            for item in page.sessions:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return

    async def redact(self, session_id: str) -> SessionItem:
        """Destroy what a finished session holds of the person; see `Client.redact`."""
        return await self._driver.run(self._operations.redact(session_id))

    async def delete(self, session_id: str) -> None:
        """Delete a session; see `Client.delete`."""
        await self._driver.run(self._operations.delete(session_id))

    async def exchange(self, code: str) -> Visit:
        """Redeem the code that a frame came with; see `Client.exchange`."""
        return await self._driver.run(self._operations.exchange(code))

    async def close(self) -> None:
        """Close the connections that are this client's own."""
        await self._driver.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
