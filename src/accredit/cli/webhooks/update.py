"""`accredit webhooks update`."""

import click

from accredit.cli.database import Database, Whose
from accredit.cli.groups import examples
from accredit.cli.webhooks.create import read_endpoint_members
from accredit.cli.webhooks.endpoint import Described, act, describe, endpoint_options, show_endpoint
from accredit.server.api.webhook_endpoints import parts_of
from accredit.server.events.endpoint_actions import EndpointAction
from accredit.server.events.endpoints import EndpointChange, change_endpoint
from accredit.server.node import Node


@click.command(
    epilog=examples(
        "accredit webhooks update whksub_... url=https://shop.example/hooks/2 timeout_s=30",
        "accredit webhooks update whksub_... 'event_types=[\"*\"]' 'tags=[]'",
    )
)
@click.argument("endpoint_id", metavar="ID")
@click.argument("members", metavar="NAME=VALUE...", nargs=-1, required=True)
@endpoint_options
def command(endpoint_id: str, members: tuple[str, ...], whose: Whose, database: Database, as_json: bool) -> None:
    """Replace members of an endpoint, written as for `create`; what is still to be sent goes to its new address."""
    given = read_endpoint_members(members)

    async def update(node: Node, action: EndpointAction) -> Described:
        change = EndpointChange(action.scope, given, action.cause, action.endpoint_id)
        return await describe(node, await change_endpoint(parts_of(node), change))

    show_endpoint(act(endpoint_id, whose, database, update), as_json)
