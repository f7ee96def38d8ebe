"""`accredit webhooks probe`."""

import click
import msgspec

from accredit.cli.database import Database, Whose, database_options, scope_options
from accredit.cli.groups import REFUSED, examples, json_option
from accredit.cli.output import print_json, print_table
from accredit.cli.webhooks.finding import find_endpoint
from accredit.server.events.probing import Probe, probe_endpoint
from accredit.server.node import Node

_MEANINGS = {
    "genuine": "as any other request",
    "unsigned": "without a signature",
    "wrong_key": "signed under random keys",
    "body_swapped": "signed for another body",
    "stale": "signed an hour ago",
}


@click.command(epilog=examples("accredit webhooks probe whksub_1ChGQwMd2xc6b8gf5n3rDn --environment sandbox"))
@click.argument("endpoint_id", metavar="ID")
@scope_options
@database_options
@json_option
def command(endpoint_id: str, whose: Whose, database: Database, as_json: bool) -> None:
    """Find out whether an endpoint verifies what it is sent: a genuine sample, and four that are forged.

    It must answer the genuine one with 2xx and each other with 4xx. Exit code 1: it did not, or could not be asked.
    """

    async def work(node: Node) -> Probe:
        return await probe_endpoint(node, await find_endpoint(node, whose, endpoint_id))

    probe = database.run(work)
    if as_json:
        print_json(msgspec.to_builtins(probe))
    else:
        rows = [(each.probe, _MEANINGS[each.probe], each.outcome, each.status or each.error) for each in probe.results]
        print_table(("probe", "sent", "outcome", "answer"), rows)
    if not probe.passed:
        click.get_current_context().exit(REFUSED)
