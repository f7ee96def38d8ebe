"""`accredit keys create`."""

import json
from pathlib import Path

import click

from accredit.cli.database import Database, Whose, cause, database_options, scope_options
from accredit.cli.files import OUTPUT, new_secret_file
from accredit.cli.groups import examples, json_option
from accredit.cli.keys.records import show_key
from accredit.passport import PASSPORT_ALGORITHMS, PASSPORT_ENCRYPTIONS
from accredit.server.keyring.api_keys import create_api_key
from accredit.server.keyring.passport_keys import PassportHolder, create_passport_key
from accredit.server.keyring.records import KeyRecord
from accredit.server.node import Node


@click.command(
    epilog=examples(
        "accredit keys create --purpose api --label 'checkout backend'",
        "accredit keys create --purpose api --integration checkout --out api.key",
        "accredit keys create --purpose passport --integration checkout --alg ECDH-ES+A128KW",
    )
)
@click.option("--purpose", type=click.Choice(("api", "passport")), required=True, help="What it is for.")
@click.option("--label", default="", help="What people call it.")
@click.option(
    "--integration",
    "integration_ids",
    metavar="ID",
    multiple=True,
    help="api: reaches these only. passport: the one that it is of.",
)
@click.option("--alg", type=click.Choice(PASSPORT_ALGORITHMS), default="A128KW", show_default=True, help="passport only.")
@click.option("--enc", type=click.Choice(PASSPORT_ENCRYPTIONS), default="A128GCM", show_default=True, help="passport only.")
@click.option("--out", type=OUTPUT, help="A new file for the secret, readable by its owner alone.")
@scope_options
@database_options
@json_option
def command(
    purpose: str,
    label: str,
    integration_ids: tuple[str, ...],
    alg: str,
    enc: str,
    out: Path | None,
    whose: Whose,
    database: Database,
    as_json: bool,
) -> None:
    """Make an API key for an owner's backend, or the key that opens an integration's encrypted passports.

    The secret is shown this once. Of a pair for passports (ECDH-ES, RSA-OAEP-256) only the public half ever leaves the server.
    """
    if purpose == "passport" and len(integration_ids) != 1:
        raise click.UsageError("A passport key is of one integration: name it with --integration.")

    async def work(node: Node) -> tuple[KeyRecord, str, object]:
        scope = await whose.find(node)
        if purpose == "api":
            made = await create_api_key(node.store, scope, label, cause(), integration_ids=integration_ids or None)
            return made.record, "secret", made.secret_text
        holder = PassportHolder(scope, integration_ids[0], alg, enc, label)
        key = await create_passport_key(node.store, node.sealer, holder, cause())
        return key.record, "jwk", key.jwk

    if out is None:
        record, name, secret = database.run(work)
        show_key(record, as_json, **{name: secret})
        return
    with new_secret_file(out) as file:
        record, name, secret = database.run(work)
        file.write(f"{secret if isinstance(secret, str) else json.dumps(secret)}\n")
    show_key(record, as_json, **{f"{name}_file": str(out)})
