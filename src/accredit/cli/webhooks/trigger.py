"""`accredit webhooks trigger`."""

import click

from accredit.cli.database import Database, Whose, cause, database_options
from accredit.cli.groups import examples, json_option
from accredit.cli.output import print_facts, print_json
from accredit.server.events.samples import Triggered, trigger_sample
from accredit.server.node import Node


@click.command(
    epilog=examples("accredit webhooks trigger session.success", "accredit webhooks trigger flow_session.step.updated --json")
)
@click.argument("type_", metavar="TYPE")
@click.option("--account", metavar="ID", help="Account id or owner_id; by default the only account.")
@database_options
@json_option
def command(type_: str, account: str | None, database: Database, as_json: bool) -> None:
    """Let a sample event happen in the sandbox: it goes to every sandbox endpoint that asks for its type, and to who listens.

    TYPE is a type such as session.success, or a name of kind flow. The running server delivers it as any other, retries included.
    """
    whose = Whose(account, "sandbox")

    async def work(node: Node) -> Triggered:
        return await trigger_sample(node.store, await whose.find(node), type_, cause().at_ms)

    triggered = database.run(work)
    told = {"type": triggered.type, "event_id": triggered.event_id, "deliveries": triggered.deliveries}
    if as_json:
        print_json(told)
    else:
        print_facts(told)
