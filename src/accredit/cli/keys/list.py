"""`accredit keys list`."""

from typing import cast, get_args

import click

from accredit.cli.database import Database, Whose, database_options, scope_options
from accredit.cli.groups import examples, json_option
from accredit.cli.keys.records import described
from accredit.cli.output import print_json, print_table
from accredit.server.keyring.records import KeyFilter, KeyRecord, Purpose, list_keys
from accredit.server.node import Node

_COLUMNS = (
    "key_id", "purpose", "state", "alg", "deployer_id", "integration_id", "client_id", "api_key_id", "label", "retire_at",
    "last_used_at",
)  # fmt: skip
# A column that most have no use for is shown where a key has something in it.
_WHERE_ANY = ("client_id", "api_key_id")


@click.command(
    epilog=examples(
        "accredit keys list", "accredit keys list --purpose deployment --deployer shop --live", "accredit keys list --json"
    )
)
@click.option("--purpose", type=click.Choice(get_args(Purpose)), help="Only keys for this purpose.")
@click.option("--deployer", "deployer_id", metavar="ID", help="Only keys of this deployer.")
@click.option("--integration", "integration_id", metavar="ID", help="Only keys of this integration.")
@click.option("--live", is_flag=True, help="Only keys that count now.")
@scope_options
@database_options
@json_option
def command(
    purpose: str | None,
    deployer_id: str | None,
    integration_id: str | None,
    live: bool,
    whose: Whose,
    database: Database,
    as_json: bool,
) -> None:
    """List keys and secrets of an account and environment, oldest first, dead ones too."""

    async def work(node: Node) -> list[KeyRecord]:
        wanted = KeyFilter(
            scope=await whose.find(node),
            purpose=cast("Purpose | None", purpose),
            deployer_id=deployer_id,
            integration_id=integration_id,
        )
        now_ms = node.clock()
        return [record for record in await node.store.read(list_keys, wanted) if not live or record.is_live(now_ms)]

    keys = [described(record) for record in database.run(work)]
    if as_json:
        print_json(keys)
        return
    shown = [name for name in _COLUMNS if name not in _WHERE_ANY or any(key[name] for key in keys)]
    print_table(shown, [[key[name] for name in shown] for key in keys])
