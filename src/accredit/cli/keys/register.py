"""`accredit keys register`."""

from pathlib import Path

import click

from accredit.cli.database import Database, Whose, cause, database_options, scope_options
from accredit.cli.files import INPUT, read_key
from accredit.cli.groups import examples, json_option
from accredit.cli.keys.records import show_key
from accredit.keys import SIGNATURE_ALGORITHMS
from accredit.server.keyring.deployment_keys import Holder, register_deployment_key
from accredit.server.keyring.records import KeyRecord
from accredit.server.node import Node


@click.command(
    epilog=examples(
        "accredit keys register shop.public.jwk --deployer shop",
        "accredit keys register - --deployer shop --integration checkout < shop.public.jwk",
    )
)
@click.argument("file", type=INPUT)
@click.option("--deployer", "deployer_id", metavar="ID", required=True, help="Whose key it is.")
@click.option(
    "--alg", type=click.Choice(tuple(SIGNATURE_ALGORITHMS)), default="ES512", show_default=True, help="What it is recorded for."
)
@click.option("--integration", "integration_ids", metavar="ID", multiple=True, help="Where it counts; by default everywhere.")
@click.option("--label", default="", help="What people call it.")
@scope_options
@database_options
@json_option
def command(
    file: Path,
    deployer_id: str,
    alg: str,
    integration_ids: tuple[str, ...],
    label: str,
    whose: Whose,
    database: Database,
    as_json: bool,
) -> None:
    """Register a deployer's public key: FILE holds a JWK, `-` reads standard input.

    From then on its tokens are verified with it. A JWK with its private half is refused, and that key is refused for good, because
    it has travelled.
    """
    jwk = read_key(file)

    async def work(node: Node) -> KeyRecord:
        holder = Holder(await whose.find(node), deployer_id, alg, integration_ids or None, label)
        return await register_deployment_key(node.store, holder, jwk, cause())

    show_key(database.run(work), as_json)
