"""`accredit webhooks delete`."""

import click

from accredit.cli.database import Database, Whose
from accredit.cli.groups import examples
from accredit.cli.webhooks.endpoint import Described, act, describe, endpoint_options, show_endpoint
from accredit.server.events.endpoint_actions import EndpointAction, delete_endpoint
from accredit.server.events.endpoints import find_or_refuse
from accredit.server.node import Node


@click.command(epilog=examples("accredit webhooks delete whksub_..."))
@click.argument("endpoint_id", metavar="ID")
@endpoint_options
def command(endpoint_id: str, whose: Whose, database: Database, as_json: bool) -> None:
    """Delete an endpoint with its secrets, and show what it was; what was still to be sent is cancelled."""
    show_endpoint(act(endpoint_id, whose, database, _delete), as_json)


async def _delete(node: Node, action: EndpointAction) -> Described:
    described = await describe(node, await find_or_refuse(node.store, action.scope, action.endpoint_id))
    await delete_endpoint(node.store, action)
    return described
