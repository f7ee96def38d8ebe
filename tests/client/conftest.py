"""Both clients against a running server, each test once with the one that waits and once with the one that is awaited.

    def test_something(shop, client):
        session = client.create(SessionRequest(callback_urls=BACK))
        visit(session)                                            # what the person does

`between` is another machine on the way, which can lose answers and change them.
"""

import http.client
import http.server
import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

from accredit import generate_encryption_key
from accredit.client import AsyncClient, CallbackUrls, Client

from .. import rest_backend
from ..doors.conftest import clock, start_server

__all__ = ["clock", "start_server"]

BACK = CallbackUrls.to("https://shop.example/back")
AUTO = {"sandbox_auto": "true"}
KEY = generate_encryption_key("ECDH-ES").private_jwk


@dataclass
class Shop:
    """A customer whose backend has an API client."""

    owner: Any
    client_id: str
    secret: str

    @property
    def server(self) -> Any:
        return self.owner.server

    def publish(self, **policy: Any) -> None:
        """Give its client an integration of this policy."""
        integration_id = self.owner.call("POST", "/v1/integrations", 201, {"door": "rest", **policy})["integration_id"]
        self.owner.call("PATCH", f"/v1/api_clients/{self.client_id}", 200, {"integration_id": integration_id})


class Driven:
    """A client whose calls have ended when they return, of whichever kind it is."""

    def __init__(self, client: Client | AsyncClient, run: Any) -> None:
        self.client, self._run = client, run

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.client, name)

        def call(*given: Any, **named: Any) -> Any:
            made = method(*given, **named)
            if inspect.isasyncgen(made):
                return self._run(_gather(made))
            return self._run(made) if inspect.iscoroutine(made) else made

        return call


async def _gather(items: Any) -> list[Any]:
    return [item async for item in items]


def visit(session: Any) -> str:
    """What the person does, who is signed in by the sandbox itself; the address that the browser ends at."""
    return rest_backend.visit({"authenticationUrl": session.authentication_url}).headers["location"]


@pytest.fixture
def server(start_server: Callable[..., Any], sqlite_url: str) -> Any:
    return start_server(sqlite_url)


@pytest.fixture
def shop(server: Any) -> Shop:
    """A customer in the sandbox."""
    owner = server.owner(environment="sandbox")
    client_id = owner.call("POST", "/v1/api_clients", 201, {})["client_id"]
    secret = owner.call("POST", f"/v1/api_clients/{client_id}/secrets", 201, {})["secret"]
    return Shop(owner, client_id, secret)


@pytest.fixture(params=[Client, AsyncClient], ids=["waits", "is awaited"])
def make_client(request: pytest.FixtureRequest, run: Any, shop: Shop) -> Iterator[Callable[..., Driven]]:
    """Makes a client of the shop: make_client(base_url=..., **options)."""
    made: list[Driven] = []

    def make(base_url: str | None = None, **options: Any) -> Driven:
        given = {"client_id": shop.client_id, "client_secret": shop.secret, "clock": lambda: shop.server.clock.now, **options}
        driven = Driven(request.param(base_url or shop.server.url, **given), run)
        made.append(driven)
        return driven

    yield make
    for driven in made:
        driven.close()


@pytest.fixture
def client(make_client: Callable[..., Driven]) -> Driven:
    """A client with a key of its own."""
    return make_client(keys=[KEY])


@dataclass
class Between:
    """What stands between client and server. lost: how many answers are not passed on. change: what an answer's body becomes.

    seen: methods and paths of what was asked.
    """

    url: str
    lost: int = 0
    change: Callable[[bytes], bytes] = bytes
    headers: dict[str, str] = field(default_factory=dict)
    seen: list[tuple[str, str]] = field(default_factory=list)


@pytest.fixture
def between(server: Any) -> Iterator[Between]:
    """Another machine on the way to the server."""
    passing = Between("")

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            passing.seen.append((self.command, self.path))
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            answer = _ask(server.url, self.command, self.path, dict(self.headers), body)
            if passing.lost:
                passing.lost -= 1
                self.close_connection = True
                return
            content = passing.change(answer.content)
            self.send_response(answer.status)
            for name, text in {**answer.headers, **passing.headers}.items():
                self.send_header(name, text)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = pass_on  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    with ExitStack() as ending:
        serving = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        ending.callback(thread.join)
        ending.callback(serving.shutdown)
        ending.callback(serving.server_close)
        passing.url = f"http://127.0.0.1:{serving.server_address[1]}"
        yield passing


@dataclass
class _Answer:
    status: int
    headers: dict[str, str]
    content: bytes


def _ask(url: str, method: str, path: str, headers: dict[str, str], body: bytes) -> _Answer:
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    connection.request(method, path, body or None, headers)
    answer = connection.getresponse()
    kept = {name: text for name, text in answer.getheaders() if name not in ("content-length", "connection", "date", "server")}
    done = _Answer(answer.status, kept, answer.read())
    connection.close()
    return done
