"""The client that waits."""

from collections.abc import Iterator
from types import TracebackType
from typing import Self, Unpack

import httpx

from accredit.client.configuration import Options, configure
from accredit.client.driving import Driver
from accredit.client.operations import Operations
from accredit.client.requests import SessionFilter, SessionRequest
from accredit.client.sessions import Session, SessionItem, SessionPage
from accredit.client.visits import Visit


class Client:
    """A backend's client, for one API client of one server; threads may share it.

    with Client("https://accredit.example", client_id="shop-1", client_secret=secret, keys=[private_jwk]) as client:
        session = client.create(SessionRequest(callback_urls=CallbackUrls.to("https://shop.example/back")))

    options: those of `Options`. http: an httpx.Client to use; one of its own ends with this one. Raises MalformedError
    `field_invalid` (base_url), `field_missing`, and for keys as `parse_decryption_key`. Every call raises CallError for what the
    server refuses, FailureError where no answer comes or none that can be read, SealedError for an answer that does not open.
    """

    def __init__(self, base_url: str, *, http: httpx.Client | None = None, **options: Unpack[Options]) -> None:
        self._operations = Operations(configure(base_url, options))
        self._driver = Driver(http, self._operations.calling.renew)

    def create(self, request: SessionRequest, *, idempotency_key: str | None = None) -> Session:
        """Open a session; send the person's browser to its `authentication_url`.

        idempotency_key: 1 to 255 visible ASCII characters; the same key gives the same session, so that a call may be repeated after
        a crash. By default one is made, so that a lost answer is asked for again.
        """
        return self._driver.run(self._operations.create(request, idempotency_key))

    def get(self, session_id: str, *, session_nonce: str | None = None, nonce: str | None = None) -> Session:
        """Read a session. session_nonce: as the callback brought it; then it must be that of the session.

        nonce: of `response_protection`, if the request had one. Raises also Refused `invalid_session_nonce`.
        """
        return self._driver.run(self._operations.get(session_id, session_nonce, nonce))

    def wait(self, session_id: str, *, timeout_s: float, every_s: float = 1.0, nonce: str | None = None) -> Session:
        """Read a session until it has ended; the session as it stands after `timeout_s`, which may still be open."""
        return self._driver.run(self._operations.wait(session_id, timeout_s, every_s, nonce))

    def cancel(self, session_id: str, *, nonce: str | None = None) -> Session:
        """Cancel a session; one that is cancelled already stays so.

        Raises CallConflictError `session_not_active` after another end.
        """
        return self._driver.run(self._operations.cancel(session_id, nonce))

    def list(self, wanted: SessionFilter | None = None, *, limit: int | None = None, cursor: str | None = None) -> SessionPage:
        """A page of sessions, newest first. limit: 1 to 100, 20 by default. cursor: `next_cursor` of the page before."""
        return self._driver.run(self._operations.list(wanted or SessionFilter(), limit, cursor))

    def list_all(self, wanted: SessionFilter | None = None) -> Iterator[SessionItem]:
        """All sessions, newest first, page by page."""
        cursor = None
        while True:
            page = self.list(wanted, limit=100, cursor=cursor)
            yield from page.sessions
            cursor = page.next_cursor
            if cursor is None:
                return

    def redact(self, session_id: str) -> SessionItem:
        """Destroy what a finished session holds of the person. Raises CallConflictError `session_active` for an open one."""
        return self._driver.run(self._operations.redact(session_id))

    def delete(self, session_id: str) -> None:
        """Delete a session; an open one is cancelled first."""
        self._driver.run(self._operations.delete(session_id))

    def exchange(self, code: str) -> Visit:
        """Redeem the code that a frame of the embed or boot door came with: once, within 60 seconds.

        Raises CallNotFoundError `code_unknown`.
        """
        return self._driver.run(self._operations.exchange(code))

    def close(self) -> None:
        """Close the connections that are this client's own."""
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
