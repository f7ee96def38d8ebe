"""What both clients ask of httpx, and how its failures are told."""

from typing import Final

import httpx

from accredit.client.calling import Unanswered
from accredit.client.wire import HttpAnswer

TIMEOUT_S: Final = 15.0
# Nothing of the request is known to have left this machine.
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)


def told(response: httpx.Response) -> HttpAnswer:
    """An answer that was read to its end."""
    return HttpAnswer(response.status_code, {name.lower(): text for name, text in response.headers.items()}, response.content)


def unanswered(error: httpx.TransportError) -> Unanswered:
    """What became of a request that has no answer."""
    sent = not isinstance(error, _UNSENT)
    if isinstance(error, httpx.TimeoutException):
        return Unanswered("response_timeout" if sent else "connect_timeout", sent)
    return Unanswered("connect_failed", sent)
