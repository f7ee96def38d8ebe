"""`accredit deployer`."""

import click

from accredit.cli.database import Database, Whose, cause, database_options, scope_options
from accredit.cli.groups import examples, json_option
from accredit.cli.output import print_facts, print_json, print_table
from accredit.server.accounts.deployers import Deployer, DeployerChange, create_deployer, list_deployers
from accredit.server.node import Node
from accredit.server.times import wire_time

_PAGE = 500


@click.group()
def command() -> None:
    """Create and list deployers: the businesses that embed an account's applications."""


@command.command(epilog=examples("accredit deployer create shop --name 'The Shop'"))
@click.argument("deployer_id", metavar="ID")
@click.option("--name", default="", help="By default the id.")
@scope_options
@database_options
@json_option
def create(deployer_id: str, name: str, whose: Whose, database: Database, as_json: bool) -> None:
    """Create a deployer. Pages and tokens call it by the ID: up to 128 of A-Z a-z 0-9 _ . -"""

    async def work(node: Node) -> Deployer:
        return await create_deployer(node.store, DeployerChange(await whose.find(node), deployer_id, name, cause()))

    described = _described(database.run(work))
    if as_json:
        print_json(described)
    else:
        print_facts(described)


@command.command("list", epilog=examples("accredit deployer list", "accredit deployer list --environment sandbox --json"))
@scope_options
@database_options
@json_option
def list_(whose: Whose, database: Database, as_json: bool) -> None:
    """List the deployers of an account and environment."""

    async def work(node: Node) -> list[Deployer]:
        scope = await whose.find(node)
        found: list[Deployer] = []
        while page := await node.store.read(list_deployers, (scope, found[-1].deployer_id if found else "", _PAGE)):
            found += page
        return found

    deployers = database.run(work)
    if as_json:
        print_json([_described(deployer) for deployer in deployers])
        return
    rows = [(deployer.deployer_id, deployer.name, wire_time(deployer.created_ms)) for deployer in deployers]
    print_table(("deployer", "name", "created"), rows)


def _described(deployer: Deployer) -> dict[str, object]:
    return {
        "deployer_id": deployer.deployer_id,
        "name": deployer.name,
        "environment": deployer.scope.environment,
        "created_at": wire_time(deployer.created_ms),
    }
