"""`accredit webhooks enable`."""

import click

from accredit.cli.database import Database, Whose
from accredit.cli.groups import examples
from accredit.cli.webhooks.endpoint import Described, act, describe, endpoint_options, show_endpoint
from accredit.server.events.endpoint_actions import EndpointAction, enable_endpoint
from accredit.server.node import Node


@click.command(epilog=examples("accredit webhooks enable whksub_..."))
@click.argument("endpoint_id", metavar="ID")
@endpoint_options
def command(endpoint_id: str, whose: Whose, database: Database, as_json: bool) -> None:
    """Send to an endpoint again. What it missed is not sent by itself."""
    show_endpoint(act(endpoint_id, whose, database, _enable), as_json)


async def _enable(node: Node, action: EndpointAction) -> Described:
    return await describe(node, await enable_endpoint(node.store, action))
