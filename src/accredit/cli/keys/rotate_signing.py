"""`accredit keys rotate-signing`."""

import click

from accredit.cli.database import Database, cause, database_options
from accredit.cli.groups import examples, json_option
from accredit.cli.keys.records import described
from accredit.cli.output import print_json, print_table
from accredit.server.keyring.records import KeyRecord
from accredit.server.keyring.server_keys import find_server_keys
from accredit.server.node import Node


@click.command(epilog=examples("accredit keys rotate-signing", "accredit keys revoke key_..."))
@database_options
@json_option
def command(database: Database, as_json: bool) -> None:
    """Make new keys that the server signs tokens and answers with, and that requests are sealed to; list those that are live.

    The old ones are published for as long as something may be read by them: a signing key for 400 days, one that opens requests for
    a week. Servers use the new ones within a second. Revoke an old one only if it was exposed: what it signed holds no more.
    """

    async def work(node: Node) -> list[KeyRecord]:
        why = cause()
        for purpose in ("signing", "request"):
            await node.server_keys.rotate(purpose, why)
        return [record for record in await node.store.read(find_server_keys, None) if record.is_live(why.at_ms)]

    keys = [described(record) for record in database.run(work)]
    if as_json:
        print_json(keys)
        return
    columns = ("key_id", "purpose", "state", "alg", "kid", "retire_at")
    print_table(columns, [[key[name] for name in columns] for key in keys])
