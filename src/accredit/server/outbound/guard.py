"""Outgoing requests: the one way in which the server calls addresses that an account may name.

protocol-webhooks.md section 7. For each attempt the name is resolved once, every address is judged, and the connection goes to one of
them, with the name in SNI, certificate check and `Host`: what a name means cannot change between the check and the call. A connection
is used again only for the same name at the same checked address. No redirect is followed, no cookie kept, nothing decompressed.

    outbound = Outbound(Allowed.parse(settings.outbound_allow))
    answer = await outbound.send(OutboundRequest("https://shop.example/keys.json", max_body_bytes=65536))
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from accredit.errors import FailureError, MalformedError
from accredit.server import tracing
from accredit.server.outbound.addresses import NOTHING_ALLOWED, Allowed, Target, check_addresses, check_url
from accredit.server.outbound.names import resolve_name
from accredit.server.outbound.request import CONNECT_S, Answer, OutboundRequest, Redirected

if TYPE_CHECKING:
    from accredit.server.outbound.call import Caller

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

# A name with many addresses gets as many tries as people have patience for.
_MAX_TRIED = 3


class Outbound:
    """The outgoing side of one process. resolve, ssl_context: of the system, unless a test has its own.

    proxy: `http://host:port`; it resolves names, and owes the judgement of addresses.
    """

    def __init__(
        self,
        allowed: Allowed = NOTHING_ALLOWED,
        *,
        proxy: str | None = None,
        resolve: Resolve = resolve_name,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._allowed = allowed
        self._proxy = proxy
        self._resolve = resolve
        self._ssl_context = ssl_context
        self._caller: Caller | None = None

    async def check(self, url: str, *, plain: bool = False) -> Target:
        """Judge a URL that is about to be saved. Raises MalformedError endpoint_url_invalid, endpoint_address_forbidden.

        A name that does not resolve just now may be saved: each attempt is judged again.
        """
        target = check_url(url, plain=plain, allowed=self._allowed)
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._find_addresses(target)
        except TimeoutError:
            return target
        except FailureError as error:
            if error.code == "address_forbidden":
                raise MalformedError("endpoint_address_forbidden") from error
        return target

    async def has_address(self, host: str) -> bool | None:
        """Whether a name has an address at all; None where nobody can say just now, or a proxy resolves names."""
        if self._proxy is not None:
            return None
        try:
            async with asyncio.timeout(CONNECT_S):
                return bool(await self._resolve(host, 443))
        except TimeoutError:
            return None
        except UnicodeError:
            return False
        except OSError as error:
            return None if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN else False

    async def send(self, request: OutboundRequest) -> Answer:
        """Make one attempt.

        Raises MalformedError endpoint_url_invalid; FailureError: dns_failed, address_forbidden, connect_timeout, connect_failed,
        tls_failed, response_timeout, response_malformed; Redirected, with the answer.
        """
        target = check_url(request.url, plain=request.plain, allowed=self._allowed)
        with tracing.span("outbound", method=request.method) as span:
            answer = await self._within_time(request, target)
            if span is not None:
                span.set_attribute("accredit.status", answer.status)
        if 300 <= answer.status < 400:
            raise Redirected(answer)
        return answer

    async def _within_time(self, request: OutboundRequest, target: Target) -> Answer:
        try:
            async with asyncio.timeout(request.timeout_s):
                return await self._attempt(request, target)
        except TimeoutError as error:
            raise FailureError("response_timeout") from error

    async def close(self) -> None:
        """Close what is still connected."""
        if self._caller is not None:
            await self._caller.close()

    async def _attempt(self, request: OutboundRequest, target: Target) -> Answer:
        """One of the checked addresses after another, until one takes the connection."""
        addresses = (await self._find_addresses(target))[:_MAX_TRIED]
        for address in addresses[:-1]:
            try:
                return await self._call(request, target, address)
            except FailureError as error:
                # Nothing was sent yet, so the next address is no second attempt.
                if error.code not in ("connect_failed", "connect_timeout"):
                    raise
        return await self._call(request, target, addresses[-1])

    async def _find_addresses(self, target: Target) -> Sequence[str | None]:
        """The checked addresses of the target; one None where a proxy resolves."""
        if self._proxy is not None:
            return [None]
        addresses: Sequence[str] = [target.host]
        if target.literal is None:
            try:
                addresses = await self._resolve(target.host, target.port)
            except (OSError, UnicodeError) as error:
                raise FailureError("dns_failed") from error
        check_addresses(addresses, target.host, self._allowed)
        return addresses

    async def _call(self, request: OutboundRequest, target: Target, address: str | None) -> Answer:
        if self._caller is None:
            # Loaded with the first request: the HTTP client and the system's certificates take a good part of a start, and
            # most starts call nobody.
            from accredit.server.outbound.call import Caller

            self._caller = Caller(self._proxy, self._ssl_context)
        return await self._caller.call(request, target, address)
