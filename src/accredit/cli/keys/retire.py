"""`accredit keys retire`."""

import click

from accredit.cli.database import Database, cause, database_options
from accredit.cli.groups import examples, json_option
from accredit.cli.keys.records import KeyCommand, load_key, show_key, whole_secret_option
from accredit.cli.times import parse_moment
from accredit.server.keyring.changes import Retirement, retire_key
from accredit.server.keyring.records import KeyRecord
from accredit.server.node import Node


@click.command(
    cls=KeyCommand,
    epilog=examples(
        "accredit keys retire key_... --until 24h",
        "accredit keys retire key_... --until 24h --whole-secret",
        "accredit keys retire key_... --until 2026-01-05T12:00:00Z",
    ),
)
@click.argument("key_id", metavar="KEY")
@click.option("--until", "until_ms", type=parse_moment, metavar="TIME", required=True, help="24h, 7d, or an RFC 3339 time.")
@whole_secret_option
@database_options
@json_option
def command(key_id: str, until_ms: int, whole_secret: bool, database: Database, as_json: bool) -> None:
    """Let a key count until a time; one that has passed ends it now. KEY is an id, or a live public key's thumbprint.

    Register the next key before, so that both count for a while.
    """

    async def work(node: Node) -> KeyRecord:
        record = await load_key(node, key_id)
        return await node.store.write(retire_key, Retirement(record.scope, record.key_id, until_ms, cause(), whole_secret))

    show_key(database.run(work), as_json)
