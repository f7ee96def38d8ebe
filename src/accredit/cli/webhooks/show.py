"""`accredit webhooks show`."""

import click

from accredit.cli.database import Database, Whose
from accredit.cli.groups import examples
from accredit.cli.webhooks.endpoint import Described, act, describe, endpoint_options, show_endpoint
from accredit.server.events.endpoint_actions import EndpointAction
from accredit.server.events.endpoints import find_or_refuse
from accredit.server.node import Node


@click.command(epilog=examples("accredit webhooks show whksub_..."))
@click.argument("endpoint_id", metavar="ID")
@endpoint_options
def command(endpoint_id: str, whose: Whose, database: Database, as_json: bool) -> None:
    """Show an endpoint, without its secret, and the public keys that sign for its account."""
    show_endpoint(act(endpoint_id, whose, database, _show), as_json)


async def _show(node: Node, action: EndpointAction) -> Described:
    return await describe(node, await find_or_refuse(node.store, action.scope, action.endpoint_id))
