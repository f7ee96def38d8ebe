"""One call of an address that the guard has checked; the only place that knows the HTTP client."""

import ssl

import aiohttp
from yarl import URL

from accredit import __version__
from accredit.errors import FailureError
from accredit.server.outbound.addresses import Target
from accredit.server.outbound.request import CONNECT_S, Answer, OutboundRequest

MAX_HEADER_BYTES = 16 * 1024
_READ_BYTES = 16 * 1024


class Caller:
    """The connections of one process. A connection is used again only for the same name at the same checked address."""

    def __init__(self, proxy: str | None, ssl_context: ssl.SSLContext | None) -> None:
        tls = ssl_context or ssl.create_default_context()
        tls.minimum_version = ssl.TLSVersion.TLSv1_2
        self._proxy = proxy
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=tls, limit=0, use_dns_cache=False),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
            headers={"User-Agent": f"Accredit/{__version__}"},
            auto_decompress=False,
            read_bufsize=_READ_BYTES,
            trust_env=False,
        )

    async def close(self) -> None:
        """Close what is still connected."""
        await self._session.close()

    async def call(self, request: OutboundRequest, target: Target, address: str | None) -> Answer:
        try:
            async with self._open(request, target, address) as response:
                return await _read_answer(response, request.max_body_bytes, address)
        # The order matters: later classes are ancestors of earlier ones.
        except aiohttp.ConnectionTimeoutError as error:
            raise FailureError("connect_timeout") from error
        except aiohttp.ClientSSLError as error:
            raise FailureError("tls_failed") from error
        except (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError) as error:
            raise FailureError("connect_failed") from error
        except aiohttp.ClientError as error:
            raise FailureError("response_malformed") from error

    def _open(self, request: OutboundRequest, target: Target, address: str | None) -> "aiohttp.client._RequestContextManager":
        named = target.authority if address is None else _authority_at(address, target.port)
        return self._session.request(
            request.method,
            # Encoded: the request target goes out exactly as it was configured, because signatures cover it.
            URL(f"{target.scheme}://{named}{target.request_target}", encoded=True),
            headers={**request.headers, "Host": target.authority, "Accept-Encoding": "identity"},
            data=request.body,
            allow_redirects=False,
            proxy=self._proxy,
            server_hostname=None if address is None or target.literal is not None else target.host,
        )


def _authority_at(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


async def _read_answer(response: aiohttp.ClientResponse, limit: int, address: str | None) -> Answer:
    """Rule 6: bounded headers, and as much of the body as was asked for."""
    if sum(len(name) + len(value) for name, value in response.raw_headers) > MAX_HEADER_BYTES:
        raise FailureError("response_malformed")
    body = bytearray()
    complete = False
    try:
        while len(body) <= limit and not complete:
            part = await response.content.read(limit + 1 - len(body))
            body += part
            complete = not part
    except aiohttp.ClientPayloadError:
        # The status counts though the body broke off.
        complete = False
    if not complete:
        response.close()
    return Answer(response.status, dict(response.headers), bytes(body[:limit]), complete, address)
