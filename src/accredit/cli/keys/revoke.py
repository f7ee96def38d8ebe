"""`accredit keys revoke`."""

import click

from accredit.cli.database import Database, cause, database_options
from accredit.cli.groups import examples, json_option
from accredit.cli.keys.records import KeyCommand, load_key, show_key, whole_secret_option
from accredit.server.keyring.changes import Revocation, revoke_key
from accredit.server.keyring.records import KeyRecord, find_over_secret
from accredit.server.node import Node
from accredit.server.sessions.of_keys import cancel_sessions_of_keys


@click.command(
    cls=KeyCommand,
    epilog=examples(
        "accredit keys revoke key_...",
        "accredit keys revoke key_... --whole-secret",
        "accredit keys revoke $(accredit keys thumbprint shop.public.jwk) --end-sessions",
    ),
)
@click.argument("key_id", metavar="KEY")
@click.option("--end-sessions", is_flag=True, help="Also cancel the open sessions that its proofs opened.")
@whole_secret_option
@database_options
@json_option
def command(key_id: str, end_sessions: bool, whole_secret: bool, database: Database, as_json: bool) -> None:
    """End a key now, on all servers within a second. KEY is an id, or a live public key's thumbprint.

    Revoking a key again changes nothing.
    """

    async def work(node: Node) -> tuple[KeyRecord, int]:
        found = await load_key(node, key_id)
        # In this order: nothing opens under the key any more when its sessions are looked for.
        revocation = Revocation(found.scope, found.key_id, cause(), whole_secret=whole_secret)
        record = await node.store.write(revoke_key, revocation)
        if not end_sessions:
            return record, 0
        ended = await node.store.read(find_over_secret, record) if whole_secret else [record]
        return record, await cancel_sessions_of_keys(node, ended)

    record, cancelled = database.run(work)
    show_key(record, as_json, sessions_cancelled=cancelled)
