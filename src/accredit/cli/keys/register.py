"""`accredit keys register`."""

from pathlib import Path

import click

from accredit.cli.database import Database, Whose, cause, database_options, scope_options
from accredit.cli.files import INPUT, read_key
from accredit.cli.groups import examples, json_option
from accredit.cli.keys.records import described, show_key
from accredit.cli.output import print_facts, print_json
from accredit.keys import SIGNATURE_ALGORITHMS
from accredit.server.keyring.deployment_keys import Holder, register_deployment_key
from accredit.server.keyring.key_sets import AppliedReading
from accredit.server.keyring.records import KeyRecord
from accredit.server.node import Node


@click.command(
    epilog=examples(
        "accredit keys register shop.public.jwk --deployer shop",
        "accredit keys register - --deployer shop --integration checkout < shop.public.jwk",
        "accredit keys register --jwks-uri https://shop.example/keys.json --deployer shop",
    )
)
@click.argument("file", type=INPUT, required=False)
@click.option("--jwks-uri", metavar="URL", help="In place of FILE: where the deployer publishes its keys.")
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
    file: Path | None,
    jwks_uri: str | None,
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
    it has travelled. A key set (--jwks-uri) is read at once and then by the servers every 10 minutes; a key that left it is revoked.
    """
    if (file is None) is (jwks_uri is None):
        raise click.UsageError("Name either a FILE or --jwks-uri.")

    async def holder_on(node: Node) -> Holder:
        return Holder(await whose.find(node), deployer_id, alg, integration_ids or None, label)

    if file is not None:
        jwk = read_key(file)

        async def register(node: Node) -> KeyRecord:
            return await register_deployment_key(node.store, await holder_on(node), jwk, cause())

        show_key(database.run(register), as_json)
        return

    async def follow(node: Node) -> AppliedReading:
        return await node.key_sets.add(await holder_on(node), str(jwks_uri), cause())

    _show_set(database.run(follow), as_json)


def _show_set(added: AppliedReading, as_json: bool) -> None:
    key_set = {"key_set_id": added.key_set.key_set_id, "jwks_uri": added.key_set.uri, "alg": added.key_set.holder.alg}
    if as_json:
        print_json({"key_set": key_set, "keys": [described(key) for key in added.keys], "skipped": list(added.skipped)})
        return
    counted = ", ".join(key.key_id for key in added.keys)
    print_facts({**key_set, "keys": counted, "skipped": ", ".join(added.skipped)})
