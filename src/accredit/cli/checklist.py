"""`accredit checklist`."""

import textwrap

import click
import msgspec

from accredit.cli.database import Database, cause, database_options
from accredit.cli.groups import REFUSED, examples, json_option
from accredit.cli.integration import load_integration
from accredit.cli.output import print_json, print_table
from accredit.server.checklist.checklist import Checklist, read_checklist
from accredit.server.checklist.confirming import SIGNING_RULES, confirm_signing_rules
from accredit.server.node import Node

_TO_DO = ("fail", "manual", "unknown", "warn")


@click.command(epilog=examples("accredit checklist kyc", f"accredit checklist kyc --confirm {SIGNING_RULES}"))
@click.argument("integration_id", metavar="ID")
@click.option("--confirm", type=click.Choice((SIGNING_RULES,)), help="Confirm what only people can; it is good for a year.")
@database_options
@json_option
def command(integration_id: str, confirm: str | None, database: Database, as_json: bool) -> None:
    """Say whether a template of the flow door is fit to go live, and what to do where it is not.

    What was measured is up to 20 seconds old. Exit code 1: something fails, or waits for a word with `--confirm`.
    """

    async def work(node: Node) -> Checklist:
        record = await load_integration(node, integration_id)
        checklist = await read_checklist(node, record)
        if confirm is None:
            return checklist
        await node.store.write(confirm_signing_rules, (record, cause()))
        return await read_checklist(node, record)

    checklist = database.run(work)
    if as_json:
        print_json(msgspec.to_builtins(checklist))
    else:
        _show(checklist)
    if not checklist.ready:
        click.get_current_context().exit(REFUSED)


def _show(checklist: Checklist) -> None:
    print_table(("item", "state", "evidence"), [(item.id, item.state, item.evidence) for item in checklist.items])
    for state in _TO_DO:
        for item in checklist.items:
            if item.state == state and item.fix is not None:
                click.echo()
                click.echo(textwrap.fill(f"{item.id}: {item.fix}", 110))
    click.echo()
    click.echo("It is ready to go live." if checklist.ready else "It is not ready to go live.")
