"""A real server for each test: uvicorn on a loopback port, on each database in turn, with a clock that the test moves.

    def test_something(server, clock):
        owner = server.owner()                                   # an account with an API key; owner.api is an httpx client with it
        integration = owner.integration("shop", application_url="https://app.example/")     # the deployer is made with it
        key = owner.deployment_key("shop")                       # a private JWK; the server has its public half
        session = owner.visit(integration, uid="user-1")         # embedded without a token, code exchanged
        clock.advance(60)

Those that need a second node or other settings take `start_server`.
"""

import asyncio
import base64
import itertools
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import uvloop

from accredit import IdentitySecret, sign_deployment, sign_identity
from accredit.server.accounts.accounts import NewAccount, create_account
from accredit.server.app import Server as Serving
from accredit.server.app import create_app, open_node, server_config
from accredit.server.keyring.api_keys import create_api_key
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.scope import Scope
from accredit.server.node import Node
from accredit.server.settings import Settings
from accredit.server.store.migrate import migrate

from ..postgresql import PostgresqlServer, ReusedDatabase

ORIGIN = "https://shop.example"
METRICS_TOKEN = "metrics-of-these-tests"
ROOT_KEY = base64.b64encode(bytes(range(32))).decode()


@dataclass
class Clock:
    """A clock that stands still until it is moved; it begins at 2027-01-15T08:00:00Z."""

    now_ms: int = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now_ms

    @property
    def now(self) -> int:
        """Seconds."""
        return self.now_ms // 1000

    def advance(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)


@dataclass
class Owner:
    """An account in one environment, with an API key that reaches all of it. api: a client that shows the key."""

    server: "Server"
    scope: Scope
    key_id: str
    secret: str
    api: httpx.Client
    _deployers: set[str] = field(default_factory=set)

    @property
    def owner_id(self) -> str:
        return self.scope.account_id

    def deployer(self, deployer_id: str = "shop") -> str:
        """A deployer, made the first time it is asked for."""
        if deployer_id not in self._deployers:
            self.call("POST", "/v1/deployers", 201, {"deployer_id": deployer_id})
            self._deployers.add(deployer_id)
        return deployer_id

    def integration(self, deployer_id: str = "shop", **members: Any) -> dict[str, Any]:
        """An integration as the API answers it; the application's address is https://app.example/start by default."""
        body = {"deployer_id": self.deployer(deployer_id), "application_url": "https://app.example/start", **members}
        return self.call("POST", "/v1/integrations", 201, body)

    def boot_integration(self, deployer_id: str = "cp_1", **members: Any) -> dict[str, Any]:
        """An integration of the boot door, by default at level SECURE_IDENTITY."""
        return self.integration(deployer_id, door="boot", **members)

    def signature(self, integration: dict[str, Any], secret: str, email: str = "", **moment: Any) -> str:
        """A version 1 signature of now. moment: now, nonce."""
        ids = integration["deployer_id"], integration["integration_id"]
        given = {"now": self.server.clock.now, **moment}
        return sign_identity(IdentitySecret.from_base64(secret), *ids, email, **given)

    def boot_fields(self, integration: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """The body of a boot: the ids and whatever else."""
        return {"cp_id": integration["deployer_id"], "cp_deployment_id": integration["integration_id"], **fields}

    def deployment_key(self, deployer_id: str = "shop", **members: Any) -> dict[str, Any]:
        """A deployer's private JWK, whose public half the server has."""
        body = {"generate": True, **members}
        made = self.call("POST", f"/v1/deployers/{self.deployer(deployer_id)}/keys", 201, body)
        return made["private_jwk"]

    def identity_secret(self, deployer_id: str = "shop", **members: Any) -> tuple[str, str]:
        """A secret that a deployer signs its users with, as base64, and its key id. members: integration_id, secret, label."""
        made = self.call("POST", f"/v1/deployers/{self.deployer(deployer_id)}/secrets", 201, members)
        return made.get("secret", members.get("secret")), made["key"]["key_id"]

    def fields(self, integration: dict[str, Any], **fields: str) -> dict[str, str]:
        """The direct fields of a form for POST /embed."""
        named = {name: integration[name] for name in ("deployer_id", "integration_id", "owner_id")}
        return {**named, **fields}

    def token(self, integration: dict[str, Any], key: dict[str, Any], **properties: Any) -> str:
        """A signed deployment of the original's shape, with the ids filled in."""
        ids = {name: integration[name] for name in ("deployer_id", "integration_id", "owner_id")}
        return sign_deployment({**ids, **properties}, key)

    def admit(self, integration: dict[str, Any], *, origin: str | None = ORIGIN, **fields: str) -> str:
        """The code of an admission; a `signed_deployment` field stands alone, else the ids go along."""
        given = fields if "signed_deployment" in fields else self.fields(integration, **fields)
        return code_of(self.server.embed(given, origin=origin))

    def visit(self, integration: dict[str, Any], *, origin: str | None = ORIGIN, **fields: str) -> dict[str, Any]:
        """A session, as the exchange of its code answers it."""
        return self.call("POST", "/v1/exchange", 200, {"code": self.admit(integration, origin=origin, **fields)})

    def call(self, method: str, path: str, status: int = 200, body: Any = None, **headers: str) -> Any:
        """One call of the API that must end in that status; the JSON of its answer, None without one."""
        answer = self.api.request(method, path, headers=headers, **({} if body is None else {"json": body}))
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None


@dataclass
class Server:
    """A server that is running. http: a client that shows nothing. node: another node on its database, for what has no address."""

    url: str
    settings: Settings
    clock: Clock
    http: httpx.Client
    node: Node
    run: Callable[..., Any]
    _owners: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _open: ExitStack = field(default_factory=ExitStack)

    def owner(self, account_id: str | None = None, *, environment: str = "live") -> Owner:
        """A new account with an API key, or another environment of one that is there."""
        if account_id is None:
            wanted = NewAccount(account_id=f"acc_{next(self._owners)}")
            account_id = self.run(create_account(self.node.store, wanted, self.cause())).account_id
        scope = Scope(account_id, environment)
        made = self.run(create_api_key(self.node.store, scope, "test", self.cause()))
        api = self.client(made.secret_text)
        return Owner(self, scope, made.record.key_id, made.secret_text, api)

    def client(self, secret: str) -> httpx.Client:
        """A client that shows this API key."""
        client = httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {secret}"})
        return self._open.enter_context(client)

    def embed(
        self, fields: dict[str, str], *, origin: str | None = ORIGIN, path: str = "/embed", **headers: str
    ) -> httpx.Response:
        """What a browser does with the SDK's form; no redirect is followed."""
        sent = {**({} if origin is None else {"Origin": origin}), **headers}
        return self.http.post(path, data=fields, headers=sent)

    def boot(
        self, body: dict[str, Any], *, origin: str | None = ORIGIN, path: str = "/boot", as_json: bool = False, **headers: str
    ) -> httpx.Response:
        """What a page's hidden form does, or an app's JSON (origin None); no redirect is followed."""
        sent = {**({} if origin is None else {"Origin": origin}), **headers}
        return self.http.post(path, **({"json": body} if as_json else {"data": body}), headers=sent)

    def metrics(self) -> str:
        """What Prometheus is told."""
        answer = self.http.get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
        assert answer.status_code == 200, answer.text
        return answer.text

    def rows(self, sql: str, *values: Any) -> list[Any]:
        """Rows of the server's database."""
        return self.run(self.node.store.read(lambda tx, _: tx.rows(sql, values), None))

    def cause(self) -> Cause:
        return Cause(self.clock.now_ms, actor="tester")


def code_of(answer: httpx.Response) -> str:
    """The code in the address that an admitted frame goes to."""
    assert answer.status_code == 303, answer.text
    (code,) = parse_qs(urlsplit(answer.headers["location"]).query)["code"]
    return code


@pytest.fixture(scope="session")
def migrated_sqlite(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the schema and the server's own keys."""
    path = tmp_path_factory.mktemp("keyed") / "accredit.sqlite"
    shutil.copyfile(migrated_sqlite, path)
    _make_keys(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def reused_postgresql(postgresql_server: PostgresqlServer) -> Iterator[ReusedDatabase]:
    """A database with the schema and the server's own keys."""

    def make(address: str) -> None:
        migrate(address)
        _make_keys(address)

    database = ReusedDatabase(postgresql_server, "keyed", make)
    yield database
    database.drop()


def _make_keys(database_url: str) -> None:
    """Have a server make the keys that each makes on its first day: they take longer than most tests."""

    async def make() -> None:
        async with open_node(Settings(database_url=database_url, root_key=ROOT_KEY), clock=Clock()) as node:
            await node.server_keys.ring(node.clock())

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(make())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def start_server(run: Any, clock: Clock) -> Iterator[Callable[..., Server]]:
    """Starts a server: start_server(database_url, **settings); it ends with the test."""
    with ExitStack() as ending:
        yield lambda database_url, **settings: start(ending, run, clock, database_url, settings)


@pytest.fixture
def server(start_server: Callable[..., Server], database_url: str) -> Server:
    """A running server, on each database in turn."""
    return start_server(database_url)


def start(ending: ExitStack, run: Any, clock: Clock, database_url: str, members: dict[str, Any]) -> Server:
    """A running server that ends with `ending`. members: of its settings."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings = Settings(
        database_url=database_url, **{"public_url": url, "root_key": ROOT_KEY, "metrics_token": METRICS_TOKEN, **members}
    )
    _serve(ending, settings, clock, listener)
    opening = open_node(settings, clock=clock, exclusive=False)
    node = run(_enter(opening))
    ending.callback(lambda: run(_leave(opening)))
    http = ending.enter_context(httpx.Client(base_url=url))
    return Server(url, settings, clock, http, node, run, _open=ending)


class _Serving(Serving):
    """A server that ends when it is told to: uvicorn looks ten times a second, and hundreds of tests would wait for that."""

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # noqa: ASYNC110 - another thread tells it
            await asyncio.sleep(0.005)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.begin_to_stop()
        for listening in self.servers:
            listening.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        async with asyncio.timeout(10):
            while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110 - uvicorn tells nobody
                await asyncio.sleep(0.002)
        await self.lifespan.shutdown()


def _serve(ending: ExitStack, settings: Settings, clock: Clock, listener: socket.socket) -> None:
    """Run uvicorn as the program does, in a thread, until the test ends."""
    app = create_app(settings, clock=clock)
    serving = _Serving(server_config(app), app)
    thread = threading.Thread(target=serving.run, kwargs={"sockets": [listener]})
    thread.start()

    def stop() -> None:
        serving.should_exit = True
        thread.join()

    ending.callback(stop)
    while not serving.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.002)


async def _enter(opening: AbstractAsyncContextManager[Node]) -> Node:
    return await opening.__aenter__()


async def _leave(opening: AbstractAsyncContextManager[Node]) -> None:
    await opening.__aexit__(None, None, None)
