"""`accredit webhooks disable`."""

import click

from accredit.cli.database import Database, Whose
from accredit.cli.groups import examples
from accredit.cli.webhooks.endpoint import Described, act, describe, endpoint_options, show_endpoint
from accredit.server.events.endpoint_actions import EndpointAction, disable_endpoint
from accredit.server.node import Node


@click.command(epilog=examples("accredit webhooks disable whksub_..."))
@click.argument("endpoint_id", metavar="ID")
@endpoint_options
def command(endpoint_id: str, whose: Whose, database: Database, as_json: bool) -> None:
    """Send no more to an endpoint; what was still to be sent is cancelled."""
    show_endpoint(act(endpoint_id, whose, database, _disable), as_json)


async def _disable(node: Node, action: EndpointAction) -> Described:
    return await describe(node, await disable_endpoint(node.store, action))
