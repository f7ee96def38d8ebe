"""Running the demo: seven HTTP servers on one event loop, set up through the API, stopped together.

    async with run_demo("127.0.0.1", 8400, data_dir) as demo:
        demo.addresses.bank           # http://127.0.0.1:8401

The settings of the environment are left alone: a demo must never touch the database of a real server.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import uvicorn

from accredit.errors import FailureError
from accredit.server.app import App, create_app, server_config, system_clock
from accredit.server.demo.addresses import Listening, listen
from accredit.server.demo.application import create_application
from accredit.server.demo.backend_api import BackendApi
from accredit.server.demo.boot.situations import SITUATIONS as BOOT
from accredit.server.demo.copycat import create_copycat
from accredit.server.demo.demo import Demo, load_snippets
from accredit.server.demo.embed.situations import SITUATIONS as EMBED
from accredit.server.demo.flow.site import create_exchange
from accredit.server.demo.rest.site import create_rental
from accredit.server.demo.setting_up import make_first_keys, set_up
from accredit.server.demo.sites import create_site
from accredit.server.sdk import load_sdk
from accredit.server.settings import Settings

_REFUSALS_PER_MINUTE = 1000


class _Server(uvicorn.Server):
    """One of several servers in a process: signals are for the whole demo, and a start that fails does not end the process."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.decided = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit:
            self.should_exit = True
        finally:
            self.decided.set()


@asynccontextmanager
async def run_demo(host: str, port: int, data_dir: Path) -> AsyncIterator[Demo]:
    """A demo that runs until the block ends.

    Raises FailureError: `address_in_use`, `sdk_missing`, `database_in_use`, and as the server's start does.
    """
    load_sdk()
    listening = listen(host, port)
    async with AsyncExitStack() as stack:
        stack.callback(listening.close)
        # No cookies: the parties' backends share a client here, and must not share anything else.
        jar = aiohttp.DummyCookieJar()
        http = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=jar, connector=aiohttp.TCPConnector(limit=64)))
        # All parties share one address here, and many of them are refused on purpose.
        settings = Settings(
            host=host,
            public_url=listening.addresses.accredit,
            data_dir=data_dir,
            refusals_per_minute=_REFUSALS_PER_MINUTE,
            # The exchange is told of what happens at an address of this machine.
            outbound_allow=("127.0.0.1", "localhost"),
        )
        demo = await _start(stack, listening, http, settings)
        bank, utility = create_site(demo, "bank", EMBED), create_site(demo, "utility", BOOT)
        sites = (bank, create_application(demo), create_copycat(demo), utility, create_rental(demo), create_exchange(demo))
        for site, each in zip(sites, listening.sockets[1:], strict=True):
            await _serve(stack, _site_config(site), each)
        yield demo


async def _start(stack: AsyncExitStack, listening: Listening, http: aiohttp.ClientSession, settings: Settings) -> Demo:
    """Accredit itself, as `accredit serve` runs it, with accounts that were made before it started."""
    clock, addresses = system_clock, listening.addresses
    first_keys = await make_first_keys(settings, clock)
    app = create_app(settings, clock=clock)
    await _serve(stack, server_config(app), listening.sockets[0], app)
    keys = await set_up(http, addresses, first_keys, clock())
    snippets = await load_snippets(BackendApi(http, addresses.accredit, keys.owner))
    return Demo(addresses, keys, http, clock, snippets, settings.data_dir)


def _site_config(site: Any) -> uvicorn.Config:
    return uvicorn.Config(
        site,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )


async def _serve(stack: AsyncExitStack, config: uvicorn.Config, listening: socket.socket, app: App | None = None) -> None:
    """Start a server, which stops with the stack. Raises what kept the application from starting."""
    server = _Server(config)
    running = asyncio.create_task(server.serve(sockets=[listening]))

    async def stop() -> None:
        server.should_exit = True
        await running

    stack.push_async_callback(stop)
    await server.decided.wait()
    if not server.started:
        raise (app.failure if app else None) or FailureError("internal_error")
