"""The composition root: the one place where the parts of a server are put together, and the edge that every request passes.

    app = create_app(read_settings(os.environ))
    Server(server_config(app), app).run()      # on the settings' host and port

The edge gives each request an id, sends hot addresses straight to their door, and turns what nobody foresaw into `internal_error`.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import getrandbits
from typing import Any

import uvicorn

from accredit.errors import AccreditError, FailureError
from accredit.server import audit, headers, telemetry, tracing
from accredit.server.api.application import create_api
from accredit.server.asgi import HttpScope, Receive, Send, send_answer
from accredit.server.boot_reports import forget_reports
from accredit.server.browser_secrets import refuse_browser_secret
from accredit.server.checklist.observations import Observations
from accredit.server.checklist.recording import forget_observations
from accredit.server.claims import forget_claims
from accredit.server.clock_comparison import compare_clocks
from accredit.server.doors.boot import BootDoor
from accredit.server.doors.embed import EmbedDoor
from accredit.server.doors.flow.modal import FlowDoor
from accredit.server.doors.flow.router import API as FLOW_API
from accredit.server.doors.flow.router import BELOW as FLOW
from accredit.server.doors.flow.router import flow_router
from accredit.server.doors.rest.router import BELOW as REST
from accredit.server.doors.rest.router import rest_router
from accredit.server.events.dispatcher import Dispatcher
from accredit.server.events.signing import Signers
from accredit.server.events.sweeping import sweep_webhooks
from accredit.server.integrations.catalog import Catalog
from accredit.server.keyring.callers import Callers
from accredit.server.keyring.encryption_ring import EncryptionRing
from accredit.server.keyring.expiring import tell_expiring
from accredit.server.keyring.key_sets import KeySets
from accredit.server.keyring.keyring import Keyring
from accredit.server.keyring.remembered import RememberedTokens
from accredit.server.keyring.root import load_root_keys
from accredit.server.keyring.scope import SERVER
from accredit.server.keyring.sealing import Sealer
from accredit.server.keyring.server_keys import ServerKeys
from accredit.server.keyring.webhook_keys import WebhookKeys
from accredit.server.limits import RefusalLimit
from accredit.server.mail import open_mailer
from accredit.server.node import Node
from accredit.server.notices import Notices
from accredit.server.outbound import Allowed, Outbound
from accredit.server.problems import api_problem, problem, rest_problem
from accredit.server.providers.registry import Providers
from accredit.server.sessions.flow.claims import forget_request_claims
from accredit.server.sessions.flow.sweeping import sweep_flow, wake_flow
from accredit.server.sessions.lifecycle import sweep
from accredit.server.sessions.rest.sweeping import sweep_rest
from accredit.server.sessions.watching import Watches
from accredit.server.settings import Settings
from accredit.server.steps.callouts.dispatcher import CalloutDispatcher
from accredit.server.steps.callouts.records import forget_callouts
from accredit.server.steps.registry import Steps
from accredit.server.store import Store
from accredit.server.traffic import Exchange

Application = Callable[[HttpScope, Receive, Send], Awaitable[None]]
Clock = Callable[[], int]
_SWEEP_EVERY_S, _WAKE_EVERY_S, _FLUSH_EVERY_S, _KEY_SETS_EVERY_S = 2.0, 1.0, 20.0, 15.0
_WEBHOOKS_EVERY_S, _CLOCKS_EVERY_S = 60.0, 3600.0


def system_clock() -> int:
    """Milliseconds UTC."""
    return time.time_ns() // 1_000_000


@asynccontextmanager
async def open_node(settings: Settings, *, clock: Clock = system_clock, exclusive: bool = True) -> AsyncIterator[Node]:
    """A node on the settings' database, which is migrated when it is the embedded one. exclusive: as a server has it.

    Raises FailureError and MalformedError as the store, the root key and the settings do.
    """
    embedded = not settings.database_url
    if embedded:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    root_keys = load_root_keys(
        settings.root_key or None,
        Path(settings.root_key_file) if settings.root_key_file else None,
        settings.data_dir if embedded else None,
        settings.previous_root_keys,
    )
    outbound = Outbound(Allowed.parse(settings.outbound_allow), proxy=settings.outbound_proxy or None)
    store = await Store.open(settings.database, exclusive=exclusive, migrate=embedded)
    mailer = open_mailer(settings.smtp_url, settings.mail_from)
    notices = Notices(store, mailer)
    try:
        sealer = Sealer(store, root_keys, clock)
        await sealer.ready(SERVER)
        await audit.ready(store, sealer)
        server_keys = ServerKeys(store, sealer, clock)
        observations = Observations(store, sealer)
        keyring, webhook_keys = Keyring(store, sealer, clock), WebhookKeys(store, sealer, clock)
        yield Node(
            settings=settings,
            store=store,
            sealer=sealer,
            keyring=keyring,
            key_sets=KeySets(store, outbound),
            encryption_ring=EncryptionRing(store, outbound),
            server_keys=server_keys,
            webhook_keys=webhook_keys,
            signers=Signers(keyring, webhook_keys),
            callers=Callers(store, server_keys, settings.public_url, settings.token_alg),
            catalog=Catalog(store, sealer),
            outbound=outbound,
            mailer=mailer,
            notices=notices,
            providers=Providers(store, sealer, outbound, mailer, settings.public_url),
            steps=Steps(store, sealer, outbound, mailer, settings.public_url, observations),
            observations=observations,
            watches=Watches(store),
            remembered=RememberedTokens(),
            refusal_limit=RefusalLimit(settings.refusals_per_minute),
            clock=clock,
        )
    finally:
        await notices.close()
        await outbound.close()
        await store.close()


class App:
    """The ASGI application. Its node lives from lifespan startup to shutdown. failure: why it could not start, else None."""

    def __init__(self, settings: Settings, clock: Clock = system_clock) -> None:
        self.settings = settings
        self.failure: AccreditError | None = None
        self._clock = clock
        self._node: Node | None = None
        self._hot: dict[str, Application] = {}
        self._rest: Application = _not_started
        self._flow: Application = _not_started
        self._api: Application = _not_started

    async def __call__(self, scope: HttpScope, receive: Receive, send: Send) -> None:
        """Answer one request, or live through the lifespan."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            scope["request_id"] = f"{getrandbits(128):032x}"
            exchange = Exchange(scope, send)
            with tracing.span("request", method=scope["method"], route=exchange.route, request_id=scope["request_id"]) as span:
                try:
                    await self._answer(scope, receive, exchange.send)
                finally:
                    exchange.end(scope, log=self.settings.access_log)
                    if span is not None:
                        span.set_attribute("accredit.status", exchange.status)

    def begin_to_stop(self) -> None:
        """The server takes no more requests: what would go on for ever ends, and the node is not ready any more."""
        if self._node is not None:
            self._node.watches.close()

    async def _answer(self, scope: HttpScope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        scope["address"] = client[0] if client else ""
        path = scope["path"]
        hot = self._hot.get(path)
        try:
            # Hot doors look through what they read; a query is none of it.
            if self._node is not None and (hot is None or scope["query_string"]):
                await refuse_browser_secret(self._node, scope)
            await (hot or self._find(path))(scope, receive, send)
        # The edge of the process: what escapes here is our fault, and the answer says no more than that.
        except Exception as error:  # noqa: BLE001
            await self._fail(scope, send, error)

    def _find(self, path: str) -> Application:
        if path.startswith(REST):
            return self._rest
        return self._flow if path.startswith(FLOW) else self._api

    async def _fail(self, scope: HttpScope, send: Send, error: Exception) -> None:
        request_id: str = scope["request_id"]
        known = error if isinstance(error, AccreditError) else FailureError("internal_error")
        if not isinstance(error, AccreditError):
            telemetry.log.exception("internal_error", extra={"fields": {"request_id": request_id}})
        write, media_type = _problem_of(scope["path"])
        body = write(known, request_id, self.settings.public_url)
        await send_answer(send, known.status, [media_type, *headers.api(request_id)], body)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with AsyncExitStack() as stack:
            try:
                node = await stack.enter_async_context(open_node(self.settings, clock=self._clock))
            except AccreditError as error:
                self.failure = error
                await send({"type": "lifespan.startup.failed", "message": f"{error.code}: {error.title}"})
                return
            self._node = node
            telemetry.tell_build(node.store.engine)
            self._wire(node)
            stack.push_async_callback(node.observations.close)
            dispatcher = Dispatcher(node)
            stack.push_async_callback(dispatcher.close)
            stack.push_async_callback(_stop, [asyncio.create_task(work) for work in (dispatcher.run(), *_background(node))])
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    def _wire(self, node: Node) -> None:
        embed = EmbedDoor(node)
        boot = BootDoor(node)
        api = create_api(node)
        rest = rest_router(node)
        outside = rest.outside(REST)
        self._hot = {"/embed": embed, "/embed/renew": embed, "/boot": boot, "/boot/renew": boot, "/flow": FlowDoor(node)}
        self._hot |= {**api.hot, **outside}
        self._rest, self._flow, self._api = rest, flow_router(node), api


def _problem_of(path: str) -> tuple[Callable[[AccreditError, str, str], bytes], tuple[bytes, bytes]]:
    """How an error is told at an address: what writes its body, and the media type."""
    if path.startswith(FLOW_API):
        return api_problem, headers.API_JSON
    return rest_problem if path.startswith(REST) else problem, headers.PROBLEM


async def _not_started(scope: HttpScope, receive: Receive, send: Send) -> None:
    raise FailureError("service_unavailable")


def _background(node: Node) -> list[Any]:
    return [
        CalloutDispatcher(node).run(),
        node.watches.run(),
        _repeat(_SWEEP_EVERY_S, lambda: sweep(node.store, now_ms=node.clock())),
        _repeat(_SWEEP_EVERY_S, lambda: sweep_rest(node)),
        _repeat(_SWEEP_EVERY_S, lambda: sweep_flow(node)),
        _repeat(_WAKE_EVERY_S, lambda: wake_flow(node)),
        _repeat(_FLUSH_EVERY_S, lambda: node.store.write(forget_request_claims, node.clock())),
        _repeat(_SWEEP_EVERY_S, lambda: node.store.write(forget_reports, node.clock())),
        _repeat(_FLUSH_EVERY_S, lambda: node.store.write(forget_claims, node.clock())),
        _repeat(_FLUSH_EVERY_S, lambda: node.store.write(forget_callouts, node.clock())),
        _repeat(_FLUSH_EVERY_S, node.keyring.flush_uses),
        _repeat(_FLUSH_EVERY_S, node.observations.flush),
        _repeat(_WEBHOOKS_EVERY_S, lambda: node.store.write(forget_observations, node.clock())),
        _repeat(_KEY_SETS_EVERY_S, lambda: node.key_sets.refresh_due(node.clock())),
        _repeat(_WEBHOOKS_EVERY_S, lambda: sweep_webhooks(node)),
        _repeat(_WEBHOOKS_EVERY_S, lambda: node.store.write(tell_expiring, node.clock())),
        _repeat(_CLOCKS_EVERY_S, lambda: compare_clocks(node), first_s=0),
    ]


async def _repeat(every_s: float, work: Callable[[], Awaitable[object]], *, first_s: float | None = None) -> None:
    """Do background work for ever; a failed round is told of and the next one comes all the same. first_s: before the first."""
    wait_s = every_s if first_s is None else first_s
    while True:
        await asyncio.sleep(wait_s)
        wait_s = every_s
        try:
            await work()
        except AccreditError as error:
            telemetry.log.warning("background_failed", extra={"fields": {"code": error.code}})
        # The edge of the process for background work.
        except Exception:  # noqa: BLE001
            telemetry.log.exception("background_failed")


async def _stop(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def create_app(settings: Settings, *, clock: Clock = system_clock) -> App:
    """The ASGI application for these settings. Its resources open with the lifespan."""
    return App(settings, clock)


class Server(uvicorn.Server):
    """uvicorn over the application, which it tells of its end before it waits for open requests."""

    def __init__(self, config: uvicorn.Config, app: App) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.begin_to_stop()
        await super().shutdown(sockets)


def server_config(app: App) -> uvicorn.Config:
    """How uvicorn runs the application: one process, uvloop, httptools, proxies trusted only where named."""
    settings = app.settings
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=10,
    )
