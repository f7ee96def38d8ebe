"""`accredit webhooks test`."""

import click

from accredit.cli.database import Database, Whose, database_options, scope_options
from accredit.cli.groups import REFUSED, examples, json_option
from accredit.cli.output import print_facts, print_json
from accredit.cli.webhooks.finding import find_endpoint
from accredit.server.events.probing import Tested, send_sample
from accredit.server.node import Node


@click.command(
    epilog=examples(
        "accredit webhooks test whksub_1ChGQwMd2xc6b8gf5n3rDn",
        "accredit webhooks test whksub_1ChGQwMd2xc6b8gf5n3rDn --type session.success --environment sandbox",
    )
)
@click.argument("endpoint_id", metavar="ID")
@click.option("--type", "name", metavar="TYPE", help="By default test.ping; of kind flow flow_session.status.updated.")
@scope_options
@database_options
@json_option
def command(endpoint_id: str, name: str | None, whose: Whose, database: Database, as_json: bool) -> None:
    """Send one sample to an endpoint now, from this machine, and tell what came of it.

    Its ids end in 22 ones; nothing is tried again, and nothing is noted of it. Exit code 1: it was not answered with 2xx.
    """

    async def work(node: Node) -> Tested:
        return await send_sample(node, await find_endpoint(node, whose, endpoint_id), name)

    tested = database.run(work)
    told = {
        "outcome": tested.outcome,
        "status": tested.status,
        "duration_ms": tested.duration_ms,
        "response_excerpt": tested.response_excerpt,
    }
    if as_json:
        print_json(told)
    else:
        print_facts(told)
    if tested.outcome != "succeeded":
        click.get_current_context().exit(REFUSED)
