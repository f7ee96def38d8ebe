"""The flow door's client that is awaited."""

from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self, Unpack

import httpx

from accredit.client.driving import AsyncDriver
from accredit.client.flow.operations import FlowOperations, FlowOptions, configure_flow
from accredit.client.flow.requests import Decision, FlowFilter, FlowRequest, FlowRetry
from accredit.client.flow.sessions import FlowSession, FlowSessionItem, FlowSessionPage


class AsyncFlowClient:
    """A backend's client of the flow door, for one API credential; tasks of one event loop may share it.

    async with AsyncFlowClient("https://accredit.example", key_id="live_key_...", secret=text) as client:
        session = await client.create(FlowRequest(template_id="flwtmp_...", customer_reference="user-42"))

    What it is given, and what calls raise: as `FlowClient`. http: an httpx.AsyncClient to use; one of its own ends with this one.
    """

    def __init__(
        self, base_url: str, *, key_id: str, secret: str, http: httpx.AsyncClient | None = None, **options: Unpack[FlowOptions]
    ) -> None:
        self._operations = FlowOperations(configure_flow(base_url, key_id, secret, options))
        self._driver = AsyncDriver(http)

    async def create(
        self, request: FlowRequest, *, idempotent: bool = False, idempotency_key: str | None = None
    ) -> FlowSession:
        """Create a customer's session; see `FlowClient.create`."""
        return await self._driver.run(self._operations.create(request, idempotent, idempotency_key))

    async def get(self, session_id: str) -> FlowSession:
        """Read a session; see `FlowClient.get`."""
        return await self._driver.run(self._operations.get(session_id))

    async def wait(self, session_id: str, *, timeout_s: float, every_s: float = 1.0) -> FlowSession:
        """Read a session until it is not active any more; see `FlowClient.wait`."""
        return await self._driver.run(self._operations.wait(session_id, timeout_s, every_s))

    async def list(
        self, wanted: FlowFilter | None = None, *, limit: int | None = None, cursor: str | None = None
    ) -> FlowSessionPage:
        """A page of sessions; see `FlowClient.list`."""
        return await self._driver.run(self._operations.list(wanted or FlowFilter(), limit, cursor))

    async def list_all(self, wanted: FlowFilter | None = None) -> AsyncIterator[FlowSessionItem]:
        """All sessions, newest first, page by page."""
        cursor = None
        while True:
            page = await self.list(wanted, limit=100, cursor=cursor)
            for item in page.sessions:
                yield item
            cursor = page.next_cursor
            if cursor is None:
                return

    async def retry(self, wanted: FlowRetry, *, idempotency_key: str | None = None) -> FlowSession:
        """Open another session for a customer; see `FlowClient.retry`."""
        return await self._driver.run(self._operations.retry(wanted, idempotency_key))

    async def cancel(self, session_id: str) -> FlowSession:
        """Cancel a session; see `FlowClient.cancel`."""
        return await self._driver.run(self._operations.cancel(session_id))

    async def redact(self, session_id: str) -> FlowSession:
        """Destroy what an ended session holds of the person; see `FlowClient.redact`."""
        return await self._driver.run(self._operations.redact(session_id))

    async def redact_customer(self, customer_reference: str) -> tuple[FlowSessionItem, ...]:
        """The same for all sessions of a customer; see `FlowClient.redact_customer`."""
        return await self._driver.run(self._operations.redact_customer(customer_reference))

    async def review(self, session_id: str, decision: Decision) -> FlowSession:
        """Decide what awaits review; see `FlowClient.review`."""
        return await self._driver.run(self._operations.review(session_id, decision))

    async def rotate_key(self, session_id: str) -> FlowSession:
        """Give an active session another link; see `FlowClient.rotate_key`."""
        return await self._driver.run(self._operations.rotate_key(session_id))

    async def close(self) -> None:
        """Close the connections that are this client's own."""
        await self._driver.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
