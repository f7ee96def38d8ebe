"""`accredit account`."""

import click

from accredit.cli.database import Database, Whose, cause, database_options
from accredit.cli.groups import examples, json_option
from accredit.cli.output import print_facts, print_json, print_table
from accredit.server.accounts.accounts import (
    Account,
    NewAccount,
    change_notice_addresses,
    create_account,
    list_accounts,
)
from accredit.server.node import Node
from accredit.server.times import wire_time


@click.group()
def command() -> None:
    """Create and list accounts.

    An account is the tenant: one organisation that owns applications. Deployers, integrations and keys belong to it.
    """


@command.command(epilog=examples("accredit account create 'Example Ltd' --owner-id example"))
@click.argument("name")
@click.option("--owner-id", metavar="ID", help="What pages and tokens call the owner; by default the account's id.")
@click.option("--account-id", metavar="ID", help="By default one is made.")
@click.option("--notices-to", metavar="ADDRESS", multiple=True, help="Who gets letters about its keys and endpoints.")
@database_options
@json_option
def create(
    name: str,
    owner_id: str | None,
    account_id: str | None,
    notices_to: tuple[str, ...],
    database: Database,
    as_json: bool,
) -> None:
    """Create an account. On an embedded database that does not exist yet, this makes it."""
    wanted = NewAccount(name, account_id, owner_id, notices_to)
    _show(database.run(lambda node: create_account(node.store, wanted, cause()), create=True), as_json)


@command.command(
    epilog=examples("accredit account notices acc_... --to security@example.com", "accredit account notices acc_...")
)
@click.argument("account", metavar="ID")
@click.option("--to", "addresses", metavar="ADDRESS", multiple=True, help="Up to 10; without any, nobody gets letters.")
@database_options
@json_option
def notices(account: str, addresses: tuple[str, ...], database: Database, as_json: bool) -> None:
    """Say who gets letters about an account: of secrets that were exposed, of webhook endpoints that fail. ID: its id or owner_id.

    The server sends them by the mail server of its settings. Only this command changes the addresses, so that whoever got hold of an
    API key cannot silence them.
    """

    async def work(node: Node) -> Account:
        scope = await Whose(account, "live").find(node)
        return await change_notice_addresses(node.store, scope.account_id, addresses, cause())

    _show(database.run(work), as_json)


@command.command("list", epilog=examples("accredit account list", "accredit account list --json"))
@database_options
@json_option
def list_(database: Database, as_json: bool) -> None:
    """List all accounts."""
    accounts = database.run(lambda node: node.store.read(list_accounts, None))
    if as_json:
        print_json([_described(account) for account in accounts])
        return
    rows = [(account.account_id, account.owner_id, account.name, wire_time(account.created_ms)) for account in accounts]
    print_table(("account", "owner_id", "name", "created"), rows)


def _show(account: Account, as_json: bool) -> None:
    if as_json:
        print_json(_described(account))
    else:
        print_facts(_described(account))


def _described(account: Account) -> dict[str, object]:
    return {
        "account_id": account.account_id,
        "owner_id": account.owner_id,
        "name": account.name,
        "created_at": wire_time(account.created_ms),
        "notices_to": list(account.notice_addresses),
    }
