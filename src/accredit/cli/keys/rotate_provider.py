"""`accredit keys rotate-provider`."""

import click
import msgspec

from accredit.cli.database import Database, Whose, cause, database_options, scope_options
from accredit.cli.groups import examples, json_option
from accredit.cli.output import print_json, print_table
from accredit.server.api.provider_answers import answer_key
from accredit.server.node import Node
from accredit.server.providers.changing import Parts, rotate_provider
from accredit.server.providers.keys import ProviderKey


@click.command(epilog=examples("accredit keys rotate-provider ftn", "accredit keys rotate-provider eid --environment sandbox"))
@click.argument("provider_id", metavar="PROVIDER")
@scope_options
@database_options
@json_option
def command(provider_id: str, whose: Whose, database: Database, as_json: bool) -> None:
    """Move our keys as the client of a provider one phase on.

    A key that signs is published before it is used, and still published after; one that opens is known to all servers before it is
    published, and still opens after. Each phase lasts 24 hours at least, and what is not due yet stays as it is: run once a day, the
    third run ends an exchange.
    """

    async def work(node: Node) -> list[ProviderKey]:
        return await rotate_provider(
            Parts(node.store, node.sealer, node.outbound), await whose.find(node), provider_id, cause()
        )

    keys = [answer_key(key) for key in database.run(work)]
    if as_json:
        print_json(msgspec.to_builtins(keys))
        return
    rows = [(key.key_id, key.role, key.phase, key.published, key.since, key.movable_at) for key in keys]
    print_table(("key_id", "role", "phase", "published", "since", "movable_at"), rows)
