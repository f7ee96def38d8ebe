"""A real Chromium before real servers, each on an origin of its own: Accredit as installed, two sites that embed, an application.

    async def test_something(page, owner, shop, application):
        integration = owner.integration(application_url=application.url, allowed_origins=[shop.origin])
        await page.goto(shop.embed(owner.fields(integration, uid="user-1")))
        await expect(frame_in(page).get_by_role("heading")).to_have_text("Hello user-1")

Browser and servers are started once; a test gets a fresh browser context, and makes integrations of its own.
"""

import asyncio
import inspect
import os
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Frame, Page, async_playwright

from accredit.server.sdk import load_sdk

from ..doors.conftest import Owner
from ..program import Program
from .asking import Backends, Shop
from .booting import Customer
from .parties import Application, Site
from .verifying import Verifier, make_verifier

HERE = Path(__file__).parent
TEST_SECONDS = 60
PATIENCE_MS = 15_000
# A name of this machine that browsers do not know as such.
ELSEWHERE_NAME = "machine.test"
# The browser talks to nobody but the tests' own servers.
ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules=MAP {ELSEWHERE_NAME} 127.0.0.1",
]


@pytest.fixture(scope="session", autouse=True)
def loop() -> Iterator[asyncio.Runner]:
    """The event loop that the browser is driven from; it runs only while something is awaited."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs the tests that are coroutines."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    given = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    pyfuncitem.funcargs["loop"].run(asyncio.wait_for(pyfuncitem.obj(**given), TEST_SECONDS))
    return True


@pytest.fixture(scope="session")
def browser(loop: asyncio.Runner) -> Iterator[Browser]:
    """Chromium as the system has it."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.fail(
            "Chromium is not installed, but tests/browser drives it: install the package chromium, or name it in CHROMIUM"
        )
    # Chromium's own sandbox does not run under root.
    arguments = [*ARGUMENTS, "--no-sandbox"] if os.geteuid() == 0 else ARGUMENTS
    playwright = loop.run(async_playwright().start())
    browser = loop.run(playwright.chromium.launch(executable_path=found, args=arguments))
    yield browser
    loop.run(browser.close())
    loop.run(playwright.stop())


@pytest.fixture
def context(loop: asyncio.Runner, browser: Browser) -> Iterator[BrowserContext]:
    """A fresh profile."""
    context = loop.run(browser.new_context())
    context.set_default_timeout(PATIENCE_MS)
    yield context
    loop.run(context.close())


@pytest.fixture
def page(loop: asyncio.Runner, context: BrowserContext) -> Page:
    """A window."""
    return loop.run(context.new_page())


@pytest.fixture
def console(loop: asyncio.Runner, page: Page) -> list[str]:
    """What the window's console shows as errors: faults of scripts, violations of policies, and what the SDK reports."""
    return loop.run(_listen(page))


async def _listen(page: Page) -> list[str]:
    errors: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        # What a browser looks for by itself is no fault of the page.
        if message.type == "error" and not message.location["url"].endswith("/favicon.ico"):
            errors.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors


@pytest.fixture(scope="session")
def accredit(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The server."""
    load_sdk()
    directory = tmp_path_factory.mktemp("accredit")
    path = directory / "accredit.sqlite"
    shutil.copyfile(migrated_sqlite, path)
    # Many tests share an address, and most of the refused ones are refused on purpose.
    program = Program(f"sqlite:///{path}", directory, ACCREDIT_REFUSALS_PER_MINUTE="10000")
    program.start()
    yield program
    program.close()


@pytest.fixture(scope="session")
def owner(accredit: Program) -> Owner:
    """The account that all integrations of these tests belong to."""
    return accredit.owner()


@pytest.fixture(scope="session")
def application(accredit: Program, owner: Owner) -> Iterator[Application]:
    """The owner's application."""
    application = Application(accredit.url, owner.api)
    yield application
    application.close()


@pytest.fixture(scope="session")
def shop(accredit: Program) -> Iterator[Site]:
    """The site of a deployer; to the browser it is another site than everything else here."""
    site = Site(accredit.url, host="localhost")
    yield site
    site.close()


@pytest.fixture(scope="session")
def elsewhere(accredit: Program) -> Iterator[Site]:
    """A site that no deployer owns."""
    site = Site(accredit.url)
    yield site
    site.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core's script, installed on first use from the lock file."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.fail("npm is not installed, but tests/browser takes axe-core from it: install Node.js 20 or newer")
    lock, installed = HERE / "package-lock.json", HERE / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        done = subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=HERE, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.fail(f"npm ci in tests/browser failed:\n{done.stdout}{done.stderr}")
    return (HERE / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
def barriers(axe: str) -> Callable[[Page, Frame], Awaitable[list[str]]]:
    """What axe-core finds in a document of a page that keeps people out, in light and in dark colours."""

    async def find(page: Page, frame: Frame) -> list[str]:
        await frame.evaluate(axe)
        found: list[str] = []
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            report = await frame.evaluate("axe.run(document, { iframes: false, resultTypes: ['violations'] })")
            # A report that checked nothing would find nothing.
            assert len(report["passes"]) > 5
            found += [f"{scheme}: {each['id']} {each['nodes'][0]['html']}" for each in report["violations"]]
        return found

    return find


@pytest.fixture
def in_an_hour() -> str:
    """A time, as the API reads it."""
    return (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="seconds")


@pytest.fixture(scope="session")
def customer(owner: Owner) -> Customer:
    """A customer that boots."""
    return Customer(owner, "cp_1")


@pytest.fixture(scope="session")
def sandbox(accredit: Program) -> Owner:
    """An account in its sandbox."""
    return accredit.owner(environment="sandbox")


@pytest.fixture
def till() -> Iterator[Shop]:
    """The site of a shop that asks who its visitors are."""
    till = Shop()
    yield till
    till.close()


@pytest.fixture
def ask(sandbox: Owner, till: Shop) -> Backends:
    """Asks who a person is: ask(**members) is a session of the rest door."""
    return Backends(sandbox, till)


@pytest.fixture(scope="session")
def verifying_account(accredit: Program) -> Verifier:
    """The backend of an account whose users are verified."""
    return make_verifier(accredit.owner(environment="sandbox"))


@pytest.fixture
def verify(verifying_account: Verifier) -> Callable[..., Verifier]:
    """Makes a template with all the steps that a sandbox plays: verify(**policy)."""
    return verifying_account.another


@pytest.fixture
def verifier(verify: Callable[..., Verifier]) -> Verifier:
    """Such a template."""
    return verify()
