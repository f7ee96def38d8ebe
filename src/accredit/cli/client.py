"""`accredit client`."""

from pathlib import Path
from typing import cast, get_args

import click
import msgspec

from accredit.cli.database import Database, Whose, cause, database_options, scope_options
from accredit.cli.files import OUTPUT, new_secret_file
from accredit.cli.groups import examples, json_option
from accredit.cli.keys.records import show_key
from accredit.cli.output import print_facts, print_json, print_table
from accredit.errors import NotFoundError
from accredit.server.ids import new_id
from accredit.server.keyring.api_clients import (
    DEFAULT_TOKEN_LIFETIME_S,
    SCOPES,
    ApiClient,
    ClientScope,
    Permission,
    add_client_secret,
    change_api_client,
    create_api_client,
    find_api_client,
    list_api_clients,
)
from accredit.server.keyring.api_keys import MadeApiKey
from accredit.server.node import Node
from accredit.server.times import wire_time

_PAGE = 500


@click.group()
def command() -> None:
    """Create, list, disable and enable API clients: the backends that ask at the rest door who a person is.

    A client gets access tokens for its secrets, of which up to three live at once. Disabled it gets none, and those that it has are
    refused.
    """


@command.command(
    epilog=examples(
        "accredit client create smart-tower-112 --name 'Shop backend'",
        "accredit client create --integration checks --environment sandbox",
        "accredit client create operator --permission rest --permission api --token-lifetime 300",
    )
)
@click.argument("client_id", metavar="ID", required=False)
@click.option("--name", default="", help="What people call it.")
@click.option("--integration", "integration_id", metavar="ID", help="Whose policy holds; by default that of the account.")
@click.option("--scope", "scopes", type=click.Choice(SCOPES), multiple=True, help="What its tokens may open; by default both.")
@click.option(
    "--permission",
    "permissions",
    type=click.Choice(get_args(Permission)),
    multiple=True,
    help="rest: the rest door (default). api: the owner's API.",
)
@click.option(
    "--token-lifetime", type=click.IntRange(1, 3600), default=DEFAULT_TOKEN_LIFETIME_S, show_default=True, help="Seconds."
)
@scope_options
@database_options
@json_option
def create(
    client_id: str | None,
    name: str,
    integration_id: str | None,
    scopes: tuple[str, ...],
    permissions: tuple[str, ...],
    token_lifetime: int,
    whose: Whose,
    database: Database,
    as_json: bool,
) -> None:
    """Create an API client, without a secret yet. ID: up to 128 of A-Z a-z 0-9 . _ ~ - and by default one is made."""

    async def work(node: Node) -> ApiClient:
        client = ApiClient(
            client_id=client_id or new_id("client_"),
            scope=await whose.find(node),
            name=name,
            scopes=cast("tuple[ClientScope, ...]", scopes) or SCOPES,
            permissions=cast("tuple[Permission, ...]", permissions) or ("rest",),
            token_lifetime_s=token_lifetime,
            integration_id=integration_id,
        )
        return await create_api_client(node.store, client, cause())

    _show(database.run(work), as_json)


@command.command("list", epilog=examples("accredit client list", "accredit client list --environment sandbox --json"))
@scope_options
@database_options
@json_option
def list_(whose: Whose, database: Database, as_json: bool) -> None:
    """List the API clients of an account and environment."""

    async def work(node: Node) -> list[ApiClient]:
        scope = await whose.find(node)
        found: list[ApiClient] = []
        while page := await node.store.read(list_api_clients, (scope, found[-1].client_id if found else "", _PAGE)):
            found += page
        return found

    clients = [_described(client) for client in database.run(work)]
    if as_json:
        print_json(clients)
        return
    columns = ("client_id", "name", "enabled", "permissions", "integration_id", "created_at")
    print_table(columns, [[_told(client[name]) for name in columns] for client in clients])


@command.command(
    epilog=examples(
        "accredit client secret smart-tower-112 --label 'from March on' --out shop.secret",
        "accredit keys list --purpose api",
        "accredit keys retire key_... --until 24h",
    )
)
@click.argument("client_id", metavar="ID")
@click.option("--label", default="", help="To tell it from the others.")
@click.option("--out", type=OUTPUT, help="A new file for the secret, readable by its owner alone.")
@scope_options
@database_options
@json_option
def secret(client_id: str, label: str, out: Path | None, whose: Whose, database: Database, as_json: bool) -> None:
    """Make a secret for a client, shown this once. Several live at once, so that a rotation overlaps; `keys` ends them."""

    async def work(node: Node) -> MadeApiKey:
        return await add_client_secret(node.store, await whose.find(node), client_id, label, cause())

    if out is None:
        made = database.run(work)
        show_key(made.record, as_json, secret=made.secret_text)
        return
    with new_secret_file(out) as file:
        made = database.run(work)
        file.write(f"{made.secret_text}\n")
    show_key(made.record, as_json, secret_file=str(out))


@command.command(epilog=examples("accredit client disable smart-tower-112"))
@click.argument("client_id", metavar="ID")
@scope_options
@database_options
@json_option
def disable(client_id: str, whose: Whose, database: Database, as_json: bool) -> None:
    """Refuse a client from now on, with whatever secrets and tokens it has."""
    _show(_switch(client_id, whose, database, enabled=False), as_json)


@command.command(epilog=examples("accredit client enable smart-tower-112"))
@click.argument("client_id", metavar="ID")
@scope_options
@database_options
@json_option
def enable(client_id: str, whose: Whose, database: Database, as_json: bool) -> None:
    """Let a disabled client call again."""
    _show(_switch(client_id, whose, database, enabled=True), as_json)


def _switch(client_id: str, whose: Whose, database: Database, *, enabled: bool) -> ApiClient:
    async def work(node: Node) -> ApiClient:
        scope, client = await whose.find(node), await node.store.read(find_api_client, client_id)
        if client is None or client.scope != scope:
            raise NotFoundError("client_not_found")
        return await change_api_client(node.store, msgspec.structs.replace(client, enabled=enabled), cause())

    return database.run(work)


def _show(client: ApiClient, as_json: bool) -> None:
    if as_json:
        print_json(_described(client))
        return
    print_facts({name: _told(value) for name, value in _described(client).items() if value not in (None, "", ())})


def _told(value: object) -> object:
    return " ".join(value) if isinstance(value, tuple) else value


def _described(client: ApiClient) -> dict[str, object]:
    return {
        "client_id": client.client_id,
        "name": client.name,
        "environment": client.scope.environment,
        "enabled": client.enabled,
        "scopes": client.scopes,
        "permissions": client.permissions,
        "token_lifetime_s": client.token_lifetime_s,
        "integration_id": client.integration_id,
        "granted_accounts": client.granted,
        "created_at": wire_time(client.created_ms),
        "updated_at": wire_time(client.updated_ms),
    }
