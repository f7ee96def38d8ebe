"""`accredit webhooks rotate-secret`."""

from pathlib import Path

import click

from accredit.cli.database import Database, Whose
from accredit.cli.files import OUTPUT
from accredit.cli.groups import examples
from accredit.cli.webhooks.endpoint import Described, act, describe, endpoint_options, show_secret
from accredit.server.events.endpoint_actions import DEFAULT_OVERLAP_S, MAX_OVERLAP_S, EndpointAction, rotate_secret
from accredit.server.node import Node


@click.command(
    epilog=examples(
        "accredit webhooks rotate-secret whksub_... --out endpoint.secret",
        "accredit webhooks rotate-secret whksub_... --overlap 0",
    )
)
@click.argument("endpoint_id", metavar="ID")
@click.option(
    "--overlap", type=click.IntRange(0, MAX_OVERLAP_S), default=DEFAULT_OVERLAP_S, show_default=True, help="Seconds for both."
)
@click.option("--out", type=OUTPUT, help="A new file for the secret, readable by its owner alone.")
@endpoint_options
def command(endpoint_id: str, overlap: int, out: Path | None, whose: Whose, database: Database, as_json: bool) -> None:
    """Give an endpoint another secret, shown this once; for a while the present one signs beside it."""

    async def rotate(node: Node, action: EndpointAction) -> Described:
        made = await rotate_secret(node.store, node.sealer, action, overlap)
        return await describe(node, made.endpoint, made.secret)

    show_secret(lambda: act(endpoint_id, whose, database, rotate), out, as_json)
