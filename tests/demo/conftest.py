"""The demo on free ports, in a process of its own, and inside this one before a real Chromium."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvloop
from playwright.async_api import Browser, Page, async_playwright

from accredit.server.demo.demo import Demo
from accredit.server.demo.running import run_demo

from .looking import Visit

ACCREDIT = Path(sys.executable).with_name("accredit")
PLAIN = {name: value for name, value in os.environ.items() if not name.startswith("ACCREDIT_")}
# The demo must not care for the settings of a real server, so here they lead nowhere.
ENVIRON = {**PLAIN, "ACCREDIT_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nowhere", "ACCREDIT_PORT": "9"}
# The browser talks to nobody but the demo.
ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

Open = Callable[..., Page]


def run_command(*args: str) -> "subprocess.CompletedProcess[str]":
    """`accredit` with these arguments, to its end."""
    environ = ENVIRON if args[0] == "demo" else PLAIN
    return subprocess.run([ACCREDIT, *args], capture_output=True, text=True, timeout=120, check=False, env=environ)


@pytest.fixture
def start() -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Starts `accredit demo` with these arguments; it ends with the test at the latest."""
    started: list[subprocess.Popen[str]] = []

    def start(*args: str) -> "subprocess.Popen[str]":
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen([ACCREDIT, "demo", *args], text=True, env=ENVIRON, **pipes))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


@pytest.fixture(scope="session")
def loop() -> Iterator[asyncio.Runner]:
    """The event loop that demo and browser live on; it runs only while something is awaited."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        yield runner


@pytest.fixture(scope="session")
def demo(loop: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo that is running."""
    running = run_demo("127.0.0.1", 0, tmp_path_factory.mktemp("demo"))
    yield loop.run(_enter(running))
    loop.run(_leave(running))


async def _enter(running):
    return await running.__aenter__()


async def _leave(running):
    await running.__aexit__(None, None, None)


@pytest.fixture(scope="session")
def browser(loop: asyncio.Runner) -> Iterator[Browser]:
    """Chromium as the system has it."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.fail("Chromium is not installed, but the demo's pages are tested in it: install the package chromium")
    # Chromium's own sandbox does not run under root.
    arguments = [*ARGUMENTS, "--no-sandbox"] if os.geteuid() == 0 else ARGUMENTS
    playwright = loop.run(async_playwright().start())
    browser = loop.run(playwright.chromium.launch(executable_path=found, args=arguments))
    yield browser
    loop.run(browser.close())
    loop.run(playwright.stop())


@pytest.fixture
def visit(loop: asyncio.Runner, browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Opens windows: visit(address, **options of the browser's context)."""
    contexts = []

    async def open_page(address, **options):
        contexts.append(await browser.new_context(**options))
        contexts[-1].set_default_timeout(60_000)
        opened = Visit(await contexts[-1].new_page())
        await opened.go(address)
        return opened

    yield lambda address, **options: loop.run(open_page(address, **options))
    for context in contexts:
        loop.run(context.close())
