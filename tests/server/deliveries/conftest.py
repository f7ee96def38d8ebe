"""A node that delivers, a receiver on loopback, and a clock that the test moves: nothing waits for real time to pass.

endpoint = hooks.endpoint(receiver.url("/hooks"))
hooks.happen("session.success")
hooks.deliver()                     # what is due now is attempted, and what came of it is written
receiver.requests[0].headers["webhook-id"]
clock.advance(5.5)                  # the next attempt is due
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from accredit.server.accounts.accounts import NewAccount, create_account
from accredit.server.app import open_node
from accredit.server.events import outbox
from accredit.server.events.delivery_log import NEWEST, DeliverySearch, LoggedDelivery, find_deliveries, find_delivery
from accredit.server.events.dispatcher import Dispatcher
from accredit.server.events.endpoint_actions import EndpointAction, delete_endpoint, disable_endpoint, enable_endpoint
from accredit.server.events.endpoints import EndpointChange, Parts, create_endpoint
from accredit.server.events.records import Endpoint, find_endpoint
from accredit.server.events.sweeping import sweep_webhooks
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.scope import Scope
from accredit.server.node import Node
from accredit.server.settings import Settings
from accredit.server.store import one_by_one

from ...doors.conftest import ROOT_KEY, Clock
from ...post import Post

LOOPBACK = ("127.0.0.0/8",)


@dataclass
class Received:
    """One request as it came, with the text of its headers by their names in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """An HTTP server of somebody else's. answers: what is said to a path, else 200; a status, or a whole answer.

    hanging: paths that are never answered. judge: says the status of each answer itself.
    """

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.answers: dict[str, int | web.Response] = {}
        self.hanging: set[str] = set()
        self.judge: Callable[[Received], int] | None = None
        self.port = 0
        self._held = asyncio.Event()
        self._came = asyncio.Event()

    async def start(self) -> None:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        self.let_go()
        await self._runner.cleanup()

    def let_go(self) -> None:
        """What hangs is answered now."""
        self._held.set()

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def until(self, count: int, path: str | None = None) -> None:
        """So many requests have come, to that path or at all."""
        while len(self.requests if path is None else self.to(path)) < count:
            self._came.clear()
            await self._came.wait()

    def to(self, path: str) -> list[Received]:
        """What came to one path."""
        return [each for each in self.requests if each.path == path]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): text for name, text in request.headers.items()}
        self.requests.append(Received(request.path_qs, headers, body))
        self._came.set()
        if request.path in self.hanging:
            await self._held.wait()
        said = self.answers.get(request.path, 200) if self.judge is None else self.judge(self.requests[-1])
        if isinstance(said, int):
            return web.Response(status=said)
        return web.Response(status=said.status, headers=said.headers, body=said.body)


@dataclass
class Hooks:
    """An account's webhooks on one node. secrets: of endpoints, by their ids."""

    node: Node
    run: Any
    clock: Clock
    scope: Scope
    dispatcher: Dispatcher
    secrets: dict[str, str] = field(default_factory=dict)

    def endpoint(self, url: str, **members: Any) -> Endpoint:
        """A new endpoint; by default it asks for everything of sessions."""
        parts = Parts(self.node.store, self.node.sealer, self.node.outbound, self.node.webhook_keys)
        change = EndpointChange(self.scope, {"url": url, **members}, self.cause)
        made = self.run(create_endpoint(parts, change))
        self.secrets[made.endpoint.endpoint_id] = made.secret
        return made.endpoint

    def happen(self, type_: str = "session.success", times: int = 1, **members: Any) -> None:
        """Something happens, as the rest of the server writes it down."""
        self.run(self.happen_now(type_, times, **members))

    async def happen_now(self, type_: str = "session.success", times: int = 1, **members: Any) -> None:
        """The same, while something else is under way."""
        data = {"door": "embed", "status": type_.partition(".")[2], "reason": None}
        event = outbox.Event(type_, self.scope, self.clock.now_ms, "s-1", "int_1", 1, {**data, **members})
        await self.node.store.write(_append, [event] * times)

    def flow_endpoint(self, url: str, **members: Any) -> Endpoint:
        """A new endpoint of kind `flow` that signs with its own secret."""
        return self.endpoint(url, kind="flow", signing="endpoint", **members)

    def deliver(self) -> None:
        """Everything that is due is attempted."""
        self.run(self.dispatcher.deliver_due())

    def deliver_at(self, due_ms: int | None) -> None:
        """Everything that is due at that time is attempted."""
        assert due_ms is not None
        self.clock.now_ms = due_ms
        self.deliver()

    async def disable(self, endpoint: Endpoint) -> None:
        """Its owner wants no more of it."""
        await disable_endpoint(self.node.store, EndpointAction(self.scope, endpoint.endpoint_id, self.cause))

    async def enable(self, endpoint: Endpoint) -> None:
        """Its owner wants it again."""
        await enable_endpoint(self.node.store, EndpointAction(self.scope, endpoint.endpoint_id, self.cause))

    async def delete(self, endpoint: Endpoint) -> None:
        """Its owner takes it away."""
        await delete_endpoint(self.node.store, EndpointAction(self.scope, endpoint.endpoint_id, self.cause))

    def subjects(self, post: Post) -> list[str]:
        """Of the letters that were sent until now."""
        self.run(self.node.notices.close())
        return [message["Subject"] for _, message, _ in post.letters]

    def change(self, sql: str, *values: Any) -> None:
        """What only the database's owner could do."""
        self.run(self.node.store.write(_execute, (sql, values)))

    def sweep(self) -> None:
        """What the server does every minute."""
        self.run(sweep_webhooks(self.node))

    def log(self, endpoint: Endpoint) -> list[LoggedDelivery]:
        """Its deliveries with their attempts, oldest first."""
        found = self.run(
            self.node.store.read(find_deliveries, (DeliverySearch(self.scope, endpoint.endpoint_id), NEWEST, 1000))
        )
        return [self.run(self.node.store.read(find_delivery, (self.scope, each.delivery_id))) for each in found[::-1]]

    def statuses(self, endpoint: Endpoint) -> list[str]:
        """The statuses of its deliveries, oldest first."""
        return [each.delivery.status for each in self.log(endpoint)]

    def look(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint as it is stored now."""
        found = self.run(self.node.store.read(find_endpoint, (self.scope, endpoint.endpoint_id)))
        assert found is not None
        return found

    def events(self, type_: str) -> list[Any]:
        """The data of all events of a type, oldest first."""
        sql = "SELECT data FROM events WHERE type = ? AND account_id = ? ORDER BY id"
        return [row[0] for row in self.rows(sql, type_, self.scope.account_id)]

    def rows(self, sql: str, *values: Any) -> list[Any]:
        return self.run(self.node.store.read(lambda tx, _: tx.rows(sql, values), None))

    @property
    def cause(self) -> Cause:
        return Cause(self.clock.now_ms, actor="tester")


@one_by_one
def _append(tx: Any, events: list[outbox.Event]) -> None:
    outbox.append(tx, events)


@one_by_one
def _execute(tx: Any, item: tuple[str, tuple[Any, ...]]) -> None:
    tx.execute(*item)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def receiver(run: Any) -> Iterator[Receiver]:
    """Somebody else's server."""
    receiver = Receiver()
    run(receiver.start())
    yield receiver
    run(receiver.stop())


def opened(ending: ExitStack, run: Any, database_url: str, clock: Clock, **settings: Any) -> Node:
    """A node that ends with `ending`."""
    opening = open_node(
        Settings(database_url=database_url, root_key=ROOT_KEY, outbound_allow=LOOPBACK, **settings),
        clock=clock,
        exclusive=False,
    )
    node = run(opening.__aenter__())
    ending.callback(lambda: run(opening.__aexit__(None, None, None)))
    return node


def hooks_of(run: Any, node: Node, clock: Clock) -> Hooks:
    """A new account in sandbox, where plain http may be, and a dispatcher."""
    account = run(create_account(node.store, NewAccount(notice_addresses=("owner@shop.example",)), Cause(clock.now_ms)))
    return Hooks(node, run, clock, Scope(account.account_id, "sandbox"), Dispatcher(node))


@pytest.fixture
def post(run: Any) -> Iterator[Post]:
    """The mail server that letters to owners go through."""
    post = Post()
    server = run(post.start())
    yield post
    server.close()
    run(server.wait_closed())


@pytest.fixture
def any_hooks(run: Any, database_url: str, clock: Clock, receiver: Receiver, post: Post) -> Iterator[Hooks]:
    """On each database in turn."""
    with ExitStack() as ending:
        yield hooks_of(run, opened(ending, run, database_url, clock, **through(post)), clock)


@pytest.fixture
def hooks(run: Any, sqlite_url: str, clock: Clock, receiver: Receiver, post: Post) -> Iterator[Hooks]:
    """On SQLite, for what says nothing of the store."""
    with ExitStack() as ending:
        yield hooks_of(run, opened(ending, run, sqlite_url, clock, **through(post)), clock)


def through(post: Post) -> dict[str, str]:
    """Settings for letters."""
    return {"smtp_url": f"smtp://127.0.0.1:{post.port}", "mail_from": "accredit@example.com"}
