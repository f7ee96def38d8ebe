"""`accredit provider`."""

import click
import msgspec

from accredit.cli.database import Database, Whose, cause, database_options, scope_options
from accredit.cli.groups import examples, json_option
from accredit.cli.members import read_members
from accredit.cli.output import print_facts, print_json, print_table
from accredit.encoding import Json
from accredit.errors import NotFoundError
from accredit.server.api.provider_answers import answer_provider
from accredit.server.node import Node
from accredit.server.providers.changing import Parts, ProviderChange, change_provider, create_provider
from accredit.server.providers.records import HeldProvider, find_held, list_held


@click.group()
def command() -> None:
    """Create, show and change providers: what finds out who a person is at the rest door.

    Members are written as NAME=VALUE, where VALUE is JSON; text that is no JSON counts as a string, and @FILE stands for what is in a
    file (@- for standard input), so that secrets need not stand in a command.
    """


@command.command(
    epilog=examples(
        "accredit provider create eid kind=oidc issuer=https://id.example client_id=accredit client_secret=@secret",
        "accredit provider create otp-email kind=email_otp",
        "accredit provider create ftn kind=oidc profile=ftn sp_name='Example Ltd' entity_statement=@broker.jwt \\",
        "    entity_statement_sha256=...",
    )
)
@click.argument("provider_id", metavar="ID")
@click.argument("members", metavar="NAME=VALUE...", nargs=-1, required=True)
@scope_options
@database_options
@json_option
def create(provider_id: str, members: tuple[str, ...], whose: Whose, database: Database, as_json: bool) -> None:
    """Create a provider: ID is up to 30 of a-z 0-9 -, and kind is sandbox, oidc, email_otp or callout."""
    given = read_members(members)

    async def work(node: Node) -> HeldProvider:
        change = ProviderChange(await whose.find(node), provider_id, given, cause())
        await create_provider(_parts(node), change)
        return await _load(node, change)

    _show(database, database.run(work), as_json)


@command.command("list", epilog=examples("accredit provider list --environment sandbox"))
@scope_options
@database_options
@json_option
def list_(whose: Whose, database: Database, as_json: bool) -> None:
    """List the providers of an account and environment."""

    async def work(node: Node) -> tuple[HeldProvider, ...]:
        return await node.store.read(list_held, await whose.find(node))

    held = database.run(work)
    if as_json:
        print_json([_described(database, each) for each in held])
        return
    records = [each.record for each in held]
    rows = [(each.provider_id, each.kind, each.display_name, ", ".join(each.flows), each.loa, each.enabled) for each in records]
    print_table(("provider", "kind", "name", "flows", "loa", "enabled"), rows)


@command.command(epilog=examples("accredit provider show eid", "accredit provider show ftn --environment sandbox --json"))
@click.argument("provider_id", metavar="ID")
@scope_options
@database_options
@json_option
def show(provider_id: str, whose: Whose, database: Database, as_json: bool) -> None:
    """Show a provider, without its secrets, and the addresses that the other side is to be told."""

    async def work(node: Node) -> HeldProvider:
        return await _load(node, ProviderChange(await whose.find(node), provider_id, {}, cause()))

    _show(database, database.run(work), as_json)


@command.command("set", epilog=examples("accredit provider set eid display_name='Example eID' client_secret=@secret"))
@click.argument("provider_id", metavar="ID")
@click.argument("members", metavar="NAME=VALUE...", nargs=-1, required=True)
@scope_options
@database_options
@json_option
def set_(provider_id: str, members: tuple[str, ...], whose: Whose, database: Database, as_json: bool) -> None:
    """Replace members of a provider; attempts that begin from now on have them."""
    _change(provider_id, read_members(members), whose, database, as_json)


@command.command(epilog=examples("accredit provider enable eid"))
@click.argument("provider_id", metavar="ID")
@scope_options
@database_options
@json_option
def enable(provider_id: str, whose: Whose, database: Database, as_json: bool) -> None:
    """Offer a provider again."""
    _change(provider_id, {"enabled": True}, whose, database, as_json)


@command.command(epilog=examples("accredit provider disable eid"))
@click.argument("provider_id", metavar="ID")
@scope_options
@database_options
@json_option
def disable(provider_id: str, whose: Whose, database: Database, as_json: bool) -> None:
    """Offer a provider no more; attempts that are under way end in an error."""
    _change(provider_id, {"enabled": False}, whose, database, as_json)


def _change(provider_id: str, members: dict[str, Json], whose: Whose, database: Database, as_json: bool) -> None:
    async def work(node: Node) -> HeldProvider:
        change = ProviderChange(await whose.find(node), provider_id, members, cause())
        await change_provider(_parts(node), change)
        return await _load(node, change)

    _show(database, database.run(work), as_json)


def _parts(node: Node) -> Parts:
    return Parts(node.store, node.sealer, node.outbound)


async def _load(node: Node, change: ProviderChange) -> HeldProvider:
    held = await node.store.read(find_held, (change.scope, change.provider_id))
    if held is None:
        raise NotFoundError("provider_not_found")
    return held


def _described(database: Database, held: HeldProvider) -> dict[str, Json]:
    answer = answer_provider(held.record, database.settings.public_url, secret_set=held.sealed is not None)
    described: dict[str, Json] = msgspec.to_builtins(answer)
    return {"environment": held.record.scope.environment, **described}


def _show(database: Database, held: HeldProvider, as_json: bool) -> None:
    if as_json:
        print_json(_described(database, held))
    else:
        print_facts(_described(database, held))
