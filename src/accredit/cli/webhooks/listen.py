"""`accredit webhooks listen`."""

import asyncio
import os
import signal
from pathlib import Path

import click

from accredit.cli.files import INPUT, read_text
from accredit.cli.groups import examples, json_option
from accredit.cli.webhooks.forwarding import Forwarder, Wanted


@click.command(
    epilog=examples(
        "accredit webhooks listen --forward-to http://localhost:3000/hooks --api-key sandbox.key",
        "accredit webhooks listen --forward-to http://localhost:3000/hooks --server https://id.example.com --type session.success",
    )
)
@click.option("--forward-to", metavar="URL", required=True, help="Where each request is posted to, from this machine.")
@click.option(
    "--server",
    metavar="URL",
    envvar="ACCREDIT_PUBLIC_URL",
    default="http://127.0.0.1:8400",
    show_default=True,
    help="Whose sandbox; ACCREDIT_PUBLIC_URL.",
)
@click.option(
    "--api-key", "key_file", type=INPUT, metavar="FILE", help="Of the sandbox; by default what ACCREDIT_API_KEY holds."
)
@click.option("--kind", type=click.Choice(["accredit", "flow"]), default="accredit", show_default=True, help="Of the requests.")
@click.option("--type", "types", metavar="TYPE", multiple=True, help="Only these; repeatable. By default session.*.")
@click.option("--stop-after", type=click.IntRange(1), metavar="N", help="End when so many were answered.")
@json_option
def command(
    forward_to: str,
    server: str,
    key_file: Path | None,
    kind: str,
    types: tuple[str, ...],
    stop_after: int | None,
    as_json: bool,
) -> None:
    """Forward sandbox events to an address that only this machine reaches, until it is interrupted.

    Requests come over a connection that this command makes, and are signed like those of any endpoint, under a secret of their own
    that is printed at the start. What is not answered with 2xx comes again, as it would anywhere. With --json each line is an object.
    """
    api_key = os.environ.get("ACCREDIT_API_KEY", "") if key_file is None else read_text(key_file).strip()
    if not api_key:
        raise click.UsageError("Name a file with an API key of the sandbox with --api-key, or set ACCREDIT_API_KEY.")
    asyncio.run(_listen(Forwarder(server.rstrip("/"), api_key, Wanted(forward_to, kind, types), stop_after, as_json)))


async def _listen(forwarder: Forwarder) -> None:
    running = asyncio.ensure_future(forwarder.run())
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    try:
        await running
    except asyncio.CancelledError:
        click.echo("Stopped.")
