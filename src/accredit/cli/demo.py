"""`accredit demo`."""

import asyncio
import json
import logging
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click
import uvloop

from accredit.cli.groups import REFUSED, examples, json_option
from accredit.cli.output import print_json
from accredit.server.demo.checking import Finding, check
from accredit.server.demo.demo import Demo
from accredit.server.demo.running import run_demo
from accredit.server.demo.scenarios import SCENARIOS
from accredit.server.telemetry import configure_logging

if TYPE_CHECKING:
    from rich.console import Console

    from accredit.server.demo.scenarios import Outcome

_PIPE_WIDTH = 160
# Integrations take plain http for these only; the last is for containers, whose ports are forwarded to 127.0.0.1.
_HOSTS = ("127.0.0.1", "localhost", "0.0.0.0")  # noqa: S104
_LOOK_AT = (
    "The report knows who is at the page of the bank, or of the utility. Choose another visitor, or nobody.",
    "Identify yourself at the rental: Accredit finds out who you are, and only the rental can read it.",
    "Be verified at the exchange, in a window or by a link, and watch the webhooks arrive.",
    "Choose an attack: what the page hears is always the same, what the owner sees is precise.",
    "Renew the session, finish it, come back: the report counts visits under the user.",
)


@click.command(
    epilog=examples("accredit demo", "accredit demo --port 9000 --data-dir demo-data", "accredit demo --check --json")
)
@click.option("--host", type=click.Choice(_HOSTS), default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8400,
    show_default=True,
    help="The first of seven ports; taken ones are passed over. 0 takes any.",
)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the database here, to go on with it later; by default it is temporary.",
)
@click.option("--check", "checking", is_flag=True, help="Play all scenarios over HTTP, print what came of them, and stop.")
@json_option
def command(host: str, port: int, data_dir: Path | None, checking: bool, as_json: bool) -> None:
    """Run a complete example on this machine: Accredit, a bank, a utility, a rental and an exchange, which use its doors.

    A credit report is shown by the first two, a copycat copies them. Each has an origin of its own, and everything is set up through
    the HTTP API. An API client for you to call the rest door with is printed. Settings of the environment are left alone.
    With --check, exit code 1 says that something ended otherwise than it should.
    """
    # What a check provokes is no news.
    configure_logging("error" if checking else "warning")
    # A start that fails is told in one sentence; the server's own words about it would only repeat it.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    # Either signal ends a check as Ctrl-C does, so that the temporary directory goes.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with TemporaryDirectory(prefix="accredit-demo-") as temporary, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        directory = data_dir or Path(temporary)
        if not checking:
            runner.run(_show(host, port, directory, as_json))
            return
        findings = runner.run(_check(host, port, directory))
    if as_json:
        print_json(_described(findings))
    else:
        _print_findings(findings)
    if not all(finding.held for finding in findings):
        sys.exit(REFUSED)


async def _show(host: str, port: int, data_dir: Path, as_json: bool) -> None:
    """Run until SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with run_demo(host, port, data_dir) as demo:
        _announce(demo, as_json)
        await stopped.wait()
    if not as_json:
        click.echo("Stopped.")


async def _check(host: str, port: int, data_dir: Path) -> list[Finding]:
    async with run_demo(host, port, data_dir) as demo:
        return [finding async for finding in check(demo, SCENARIOS)]


def _announce(demo: Demo, as_json: bool) -> None:
    addresses, client = demo.addresses, demo.keys.audience_client
    if as_json:
        names = ("bank", "utility", "rental", "exchange", "accredit", "application", "copycat")
        told = {name: getattr(addresses, name) for name in names}
        click.echo(json.dumps(told | {"client": {"client_id": client.client_id, "client_secret": client.secret}}))
        sys.stdout.flush()
        return
    from rich.console import Group
    from rich.panel import Panel
    from rich.table import Table

    parties = Table.grid(padding=(0, 2))
    parties.add_row("[bold]Open[/]", f"[bold]{addresses.bank}[/]", "Harbour Bank: its server signs, its page embeds")
    parties.add_row("", addresses.utility, "Beacon Energy: its server signs an e-mail, its page boots")
    parties.add_row("", addresses.rental, "Kestrel Cars: its server asks who drives, and alone can read it")
    parties.add_row("", addresses.exchange, "Juniper Exchange: has its users verified once, and hears by webhooks")
    parties.add_row("", addresses.accredit, "Accredit: decides; its API is described at /docs")
    parties.add_row("", addresses.application, "Credit report: is shown by both, redeems the code")
    parties.add_row("", addresses.copycat, "Driftwood Deals: copies their snippets")
    parties.add_row("", "", "")
    parties.add_row(
        "[bold]Call[/]", f"{addresses.accredit}/auth/rest/sessions", "The rest door, as a backend of your own; sandbox"
    )
    parties.add_row("", client.client_id, "client id, for /auth/open/connect/token")
    parties.add_row("", client.secret, "client secret")
    looking = Table.grid(padding=(0, 1))
    for number, sentence in enumerate(_LOOK_AT, 1):
        looking.add_row(f"{number}.", sentence)
    shown = Group(parties, "", looking)
    _console().print(Panel(shown, title="Accredit demo", subtitle="Ctrl-C stops it", expand=False, padding=(1, 2)))
    sys.stdout.flush()


def _print_findings(findings: list[Finding]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(show_lines=True)
    for name in ("Door", "Scenario", "Tried", "Expected", "Seen", ""):
        table.add_column(name, overflow="fold")
    for finding in findings:
        scenario = finding.scenario
        expected, seen = ("\n".join(map(str, outcomes)) for outcomes in (scenario.expected, finding.seen))
        held = Text("held", "green") if finding.held else Text("surprise", "bold red")
        # Text, because rich would read brackets in it as markup.
        table.add_row(*map(Text, (scenario.door, scenario.title, scenario.deed, expected, seen)), held)
    console = _console()
    console.print(table)
    surprises = [finding.scenario.title for finding in findings if not finding.held]
    told = f"{len(surprises)} surprises: {', '.join(surprises)}" if surprises else "no surprise"
    console.print(f"{len(findings)} scenarios, {told}.")
    sys.stdout.flush()


def _described(findings: list[Finding]) -> dict[str, object]:
    return {
        "scenarios": [
            {
                "id": finding.scenario.scenario_id,
                "door": finding.scenario.door,
                "group": finding.scenario.group,
                "title": finding.scenario.title,
                "expected": [_members(each) for each in finding.scenario.expected],
                "seen": [_members(each) for each in finding.seen],
                "held": finding.held,
                "took_ms": finding.took_ms,
            }
            for finding in findings
        ],
        "surprises": sum(not finding.held for finding in findings),
    }


def _members(outcome: "Outcome") -> dict[str, str | None]:
    return {"answer": outcome.answer, "reason": outcome.reason, "who": outcome.who}


def _console() -> "Console":
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)
