"""`accredit keys import`."""

from pathlib import Path

import click

from accredit.cli.credential import show_secret
from accredit.cli.database import Database, Whose, cause, database_options, scope_options
from accredit.cli.files import INPUT, read_text
from accredit.cli.groups import examples, json_option
from accredit.server.keyring.credentials import MadeSecret, NewSecret, add_secret, create_credential, list_credentials
from accredit.server.node import Node


@click.command(
    epilog=examples(
        "accredit keys import old.secret --key-id live_key_...",
        "printenv FLOW_SECRET | accredit keys import - --label 'from before'",
    )
)
@click.argument("file", type=INPUT)
@click.option("--key-id", "api_key_id", metavar="API_KEY_ID", help="What requests call it; by default a new one is made.")
@click.option("--label", default="", help="To tell it from the others.")
@scope_options
@database_options
@json_option
def command(file: Path, api_key_id: str | None, label: str, whose: Whose, database: Database, as_json: bool) -> None:
    """Take over an API secret that is used with the original of the flow door: FILE holds it, `-` reads standard input.

    32 to 128 visible ASCII characters, which count as they are written. With its key id too, a client of the original changes its
    address and nothing else; a key id that the account has already gets one more secret. In live a secret that is printed in
    documentation is refused.
    """
    text = read_text(file)

    async def work(node: Node) -> MadeSecret:
        wanted = NewSecret(await whose.find(node), label, api_key_id, text)
        held = await node.store.read(list_credentials, wanted.scope)
        add = add_secret if api_key_id in {each.api_key_id for each in held} else create_credential
        return await add(node.store, node.sealer, wanted, cause())

    show_secret(database.run(work), as_json)
