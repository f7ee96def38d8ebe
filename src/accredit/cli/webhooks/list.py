"""`accredit webhooks list`."""

import click

from accredit.cli.database import Database, Whose
from accredit.cli.groups import examples
from accredit.cli.output import print_json, print_table
from accredit.cli.webhooks.endpoint import Described, describe, endpoint_options
from accredit.server.events.records import list_endpoints
from accredit.server.node import Node

_COLUMNS = ("id", "kind", "url", "state", "disabled_reason", "failing_since")


@click.command(epilog=examples("accredit webhooks list", "accredit webhooks list --environment sandbox --json"))
@endpoint_options
def command(whose: Whose, database: Database, as_json: bool) -> None:
    """List the endpoints of an account and environment, oldest first."""

    async def work(node: Node) -> list[Described]:
        return [await describe(node, each) for each in await node.store.read(list_endpoints, await whose.find(node))]

    described = database.run(work)
    if as_json:
        print_json(described)
    else:
        print_table(_COLUMNS, [[each[name] for name in _COLUMNS] for each in described])
