"""`accredit webhooks rotate-key`."""

import click

from accredit.cli.database import Database, Whose, cause
from accredit.cli.groups import examples
from accredit.cli.output import print_json, print_table
from accredit.cli.webhooks.endpoint import endpoint_options
from accredit.server.node import Node
from accredit.server.times import wire_time

_COLUMNS = ("kid", "public_key", "signs_from", "signs_until", "published_until")
Row = dict[str, str | None]


@click.command(epilog=examples("accredit webhooks rotate-key", "accredit webhooks rotate-key --environment sandbox --json"))
@endpoint_options
def command(whose: Whose, database: Database, as_json: bool) -> None:
    """Replace the account's Ed25519 key, and list those that receivers verify with.

    The new one is published now, signs from tomorrow, for a week together with the old one, which stays published for another week.
    """

    async def work(node: Node) -> list[Row]:
        scope, now = await whose.find(node), cause()
        await node.webhook_keys.rotate(scope, now)
        ring = await node.webhook_keys.ring(scope, now.at_ms)
        return [
            {
                "kid": key.key_id,
                "public_key": key.private.public_text,
                "signs_from": wire_time(key.signs_from_ms),
                "signs_until": _told(key.signs_until_ms),
                "published_until": _told(key.published_until_ms),
            }
            for key in ring.published(now.at_ms)
        ]

    rows = database.run(work)
    if as_json:
        print_json(rows)
    else:
        print_table(_COLUMNS, [[row[name] for name in _COLUMNS] for row in rows])


def _told(ms: int | None) -> str | None:
    return None if ms is None else wire_time(ms)
