"""The flow door's client that waits."""

from collections.abc import Iterator
from types import TracebackType
from typing import Self, Unpack

import httpx

from accredit.client.driving import Driver
from accredit.client.flow.operations import FlowOperations, FlowOptions, configure_flow
from accredit.client.flow.requests import Decision, FlowFilter, FlowRequest, FlowRetry
from accredit.client.flow.sessions import FlowSession, FlowSessionItem, FlowSessionPage


class FlowClient:
    """A backend's client of the flow door, for one API credential; threads may share it.

    with FlowClient("https://accredit.example", key_id="live_key_...", secret=text) as client:
        session = client.create(FlowRequest(template_id="flwtmp_...", customer_reference="user-42"))

    key_id, secret: of the API credential, as they are written. options: those of `FlowOptions`. http: an httpx.Client to use; one of
    its own ends with this one. Raises MalformedError `field_invalid` (base_url, key_id), `secret_malformed`. Every call raises
    CallError for what the server refuses, FailureError where no answer comes or none that can be read.
    """

    def __init__(
        self, base_url: str, *, key_id: str, secret: str, http: httpx.Client | None = None, **options: Unpack[FlowOptions]
    ) -> None:
        self._operations = FlowOperations(configure_flow(base_url, key_id, secret, options))
        self._driver = Driver(http)

    def create(self, request: FlowRequest, *, idempotent: bool = False, idempotency_key: str | None = None) -> FlowSession:
        """Create a customer's session in a template.

        idempotent: the newest one, unchanged, where there is one; else that is CallConflictError `session_already_exists`.
        idempotency_key: 1 to 255 visible ASCII characters; within a day the same key gives the same session, also after a crash.
        """
        return self._driver.run(self._operations.create(request, idempotent, idempotency_key))

    def get(self, session_id: str) -> FlowSession:
        """Read a session. Raises CallNotFoundError `session_not_found`."""
        return self._driver.run(self._operations.get(session_id))

    def wait(self, session_id: str, *, timeout_s: float, every_s: float = 1.0) -> FlowSession:
        """Read a session until it is not `active` any more; as it stands after `timeout_s`, which may still be `active`."""
        return self._driver.run(self._operations.wait(session_id, timeout_s, every_s))

    def list(self, wanted: FlowFilter | None = None, *, limit: int | None = None, cursor: str | None = None) -> FlowSessionPage:
        """A page of sessions, newest first. limit: 1 to 100, 20 by default. cursor: `next_cursor` of the page before."""
        return self._driver.run(self._operations.list(wanted or FlowFilter(), limit, cursor))

    def list_all(self, wanted: FlowFilter | None = None) -> Iterator[FlowSessionItem]:
        """All sessions, newest first, page by page."""
        cursor = None
        while True:
            page = self.list(wanted, limit=100, cursor=cursor)
            yield from page.sessions
            cursor = page.next_cursor
            if cursor is None:
                return

    def retry(self, wanted: FlowRetry, *, idempotency_key: str | None = None) -> FlowSession:
        """Open another session for a customer; an open one is canceled.

        Raises CallConflictError `retry_strategy_not_applicable`, `session_changed`, `steps_required`; CallNotFoundError
        `session_not_found`.
        """
        return self._driver.run(self._operations.retry(wanted, idempotency_key))

    def cancel(self, session_id: str) -> FlowSession:
        """Cancel a session that is active or in review. Raises CallConflictError `session_not_active` after another end."""
        return self._driver.run(self._operations.cancel(session_id))

    def redact(self, session_id: str) -> FlowSession:
        """Destroy what an ended session holds of the person. Raises CallConflictError `session_active` for another."""
        return self._driver.run(self._operations.redact(session_id))

    def redact_customer(self, customer_reference: str) -> tuple[FlowSessionItem, ...]:
        """The same for all sessions of a customer in all templates; open ones are canceled first. The sessions, newest first."""
        return self._driver.run(self._operations.redact_customer(customer_reference))

    def review(self, session_id: str, decision: Decision) -> FlowSession:
        """Decide what awaits review, `approve` or `reject`. Raises CallConflictError `session_not_in_review`."""
        return self._driver.run(self._operations.review(session_id, decision))

    def rotate_key(self, session_id: str) -> FlowSession:
        """Give an active session another `shareable_url`; the link before leads nowhere.

        Raises CallConflictError `session_not_active`.
        """
        return self._driver.run(self._operations.rotate_key(session_id))

    def close(self) -> None:
        """Close the connections that are this client's own."""
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
