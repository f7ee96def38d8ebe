"""`accredit credential`."""

from pathlib import Path
from typing import Any

import click

from accredit.cli.database import Database, Whose, cause, database_options, scope_options
from accredit.cli.files import OUTPUT, new_secret_file
from accredit.cli.groups import examples, json_option
from accredit.cli.keys.records import described
from accredit.cli.output import print_facts, print_json, print_table
from accredit.server.keyring.credentials import (
    Credential,
    MadeSecret,
    NewSecret,
    add_secret,
    create_credential,
    list_credentials,
)
from accredit.server.node import Node


@click.group()
def command() -> None:
    """Create and list API credentials of the flow door: a key id, and a secret of which up to three live at once.

    Each secret is three keys, of purposes api (it signs requests), reference (it signs customer references) and webhook (the server
    signs with it). `keys` retires and revokes them, one by one or with --whole-secret, and `keys import` takes over a secret that is
    used with the original.
    """


@command.command(epilog=examples("accredit credential create --label 'shop backend' --out shop.secret"))
@click.option("--label", default="", help="To tell it from the others.")
@click.option("--out", type=OUTPUT, help="A new file for the secret, readable by its owner alone.")
@scope_options
@database_options
@json_option
def create(label: str, out: Path | None, whose: Whose, database: Database, as_json: bool) -> None:
    """Create an API credential with its first secret, shown this once."""

    async def work(node: Node) -> MadeSecret:
        wanted = NewSecret(await whose.find(node), label)
        return await create_credential(node.store, node.sealer, wanted, cause())

    _make(work, out, database, as_json)


@command.command(
    epilog=examples(
        "accredit credential secret live_key_... --label standby --out standby.secret",
        "accredit keys retire key_... --until 24h --whole-secret",
    )
)
@click.argument("api_key_id", metavar="API_KEY_ID")
@click.option("--label", default="", help="To tell it from the others.")
@click.option("--out", type=OUTPUT, help="A new file for the secret, readable by its owner alone.")
@scope_options
@database_options
@json_option
def secret(api_key_id: str, label: str, out: Path | None, whose: Whose, database: Database, as_json: bool) -> None:
    """Give a credential one more secret, to rotate or to stand by; shown this once.

    It verifies from now on. Webhooks go on under the oldest secret that lives, so one that nobody uses takes over when that ends.
    """

    async def work(node: Node) -> MadeSecret:
        wanted = NewSecret(await whose.find(node), label, api_key_id)
        return await add_secret(node.store, node.sealer, wanted, cause())

    _make(work, out, database, as_json)


@command.command("list", epilog=examples("accredit credential list", "accredit credential list --environment sandbox --json"))
@scope_options
@database_options
@json_option
def list_(whose: Whose, database: Database, as_json: bool) -> None:
    """List the API credentials of an account and environment: for each secret the state of its keys, oldest first."""

    async def work(node: Node) -> list[Credential]:
        return await node.store.read(list_credentials, await whose.find(node))

    credentials = [_told(each) for each in database.run(work)]
    if as_json:
        print_json(credentials)
        return
    columns = ("api_key_id", "api", "reference", "webhook", "label", "created_at")
    rows = [(each["api_key_id"], *_row(keys)) for each in credentials for keys in each["secrets"]]
    print_table(columns, rows)


def _make(work: Any, out: Path | None, database: Database, as_json: bool) -> None:
    if out is None:
        made = database.run(work)
        show_secret(made, as_json, secret=made.secret_text)
        return
    with new_secret_file(out) as file:
        made = database.run(work)
        file.write(f"{made.secret_text}\n")
    show_secret(made, as_json, secret_file=str(out))


def show_secret(made: MadeSecret, as_json: bool, **more: object) -> None:
    """Print a credential's new secret as its three keys, and what stands beside them."""
    if as_json:
        print_json({"api_key_id": made.api_key_id, "keys": [described(record) for record in made.records], **more})
        return
    keys = {f"{record.purpose}_key": record.key_id for record in made.records}
    print_facts({"api_key_id": made.api_key_id, **keys, **more})


def _told(credential: Credential) -> dict[str, Any]:
    secrets = [[described(record) for record in records] for records in credential.secrets]
    return {"api_key_id": credential.api_key_id, "secrets": secrets}


def _row(keys: list[dict[str, Any]]) -> tuple[object, ...]:
    states = {key["purpose"]: f"{key['key_id']} {key['state']}" for key in keys}
    return (*(states.get(purpose) for purpose in ("api", "reference", "webhook")), keys[0]["label"], keys[0]["created_at"])
