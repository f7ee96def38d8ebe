"""`accredit integration`."""

from typing import cast

import click
import msgspec

from accredit.cli.database import ACTOR, Database, Whose, database_options, scope_options
from accredit.cli.groups import examples, json_option
from accredit.cli.members import parse_members
from accredit.cli.output import print_facts, print_json, print_table
from accredit.errors import MalformedError, NotFoundError
from accredit.properties import is_id
from accredit.server.ids import new_integration_id
from accredit.server.integrations.catalog import IntegrationRecord, find_integration, list_integrations
from accredit.server.integrations.integration import Door
from accredit.server.integrations.parsing import POLICIES, other_spellings
from accredit.server.integrations.publishing import Publication, create_integration, update_integration
from accredit.server.integrations.versions import list_versions
from accredit.server.node import Node
from accredit.server.times import wire_time

_PAGE = 500


@click.group()
def command() -> None:
    """Create, show and change integrations: one application of an account, configured for one deployer at one door.

    A policy is written as NAME=VALUE, where VALUE is JSON; text that is no JSON counts as a string.
    """


@command.command(
    epilog=examples(
        "accredit integration create checkout --deployer shop",
        "accredit integration create checkout --deployer shop signed_deployment=required \\",
        "    'allowed_origins=[\"https://shop.example\"]'",
        "accredit integration create app --deployer shop --door boot level=CSP",
        "accredit integration create --door flow 'allowed_origins=[\"https://shop.example\"]'",
    )
)
@click.argument("integration_id", metavar="[ID]", required=False)
@click.argument("members", metavar="[NAME=VALUE]...", nargs=-1)
@click.option(
    "--deployer", "deployer_id", metavar="ID", help="Whose pages embed or boot it; at the doors rest and flow nobody's."
)
@click.option(
    "--door", type=click.Choice(tuple(POLICIES)), default="embed", show_default=True, help="Where its visitors come in."
)
@click.option("--name", help="By default the id.")
@scope_options
@database_options
@json_option
def create(
    integration_id: str | None,
    members: tuple[str, ...],
    deployer_id: str | None,
    door: str,
    name: str | None,
    whose: Whose,
    database: Database,
    as_json: bool,
) -> None:
    """Create an integration; members of its policy that are not given have their defaults, and without an ID one is made."""
    # An id has no equals sign, so what has one is the first member.
    named = None if integration_id is None or "=" in integration_id else integration_id
    policy = parse_members(members if named is not None or integration_id is None else (integration_id, *members))
    if named is not None and not is_id(named):
        raise MalformedError("field_invalid", "integration_id")

    async def work(node: Node) -> IntegrationRecord:
        scope, now_ms = await whose.find(node), node.clock()
        minted = named or new_integration_id(door)
        wanted = Publication(minted, scope, policy, now_ms, ACTOR, cast("Door", door), deployer_id, name)
        return await create_integration(node.store, wanted)

    _show(database.run(work), as_json)


@command.command("list", epilog=examples("accredit integration list", "accredit integration list --environment sandbox"))
@scope_options
@database_options
@json_option
def list_(whose: Whose, database: Database, as_json: bool) -> None:
    """List the integrations of an account and environment."""

    async def work(node: Node) -> list[IntegrationRecord]:
        scope = await whose.find(node)
        found: list[IntegrationRecord] = []
        while page := await node.store.read(list_integrations, (scope, found[-1].integration_id if found else "", _PAGE)):
            found += page
        return found

    records = database.run(work)
    if as_json:
        print_json([_with_policy(record) for record in records])
        return
    rows = [
        (record.integration_id, record.door, record.deployer_id, record.name, record.version, record.policy.enabled)
        for record in records
    ]
    print_table(("integration", "door", "deployer", "name", "version", "enabled"), rows)


@command.command(epilog=examples("accredit integration show checkout", "accredit integration show checkout --json"))
@click.argument("integration_id", metavar="ID")
@database_options
@json_option
def show(integration_id: str, database: Database, as_json: bool) -> None:
    """Show an integration and its policy."""
    _show(database.run(lambda node: load_integration(node, integration_id)), as_json)


@command.command(
    "set",
    epilog=examples(
        "accredit integration set checkout signed_deployment=required token_profile=warn",
        'accredit integration set checkout \'allowed_origins=["https://shop.example","https://*.shop.example"]\'',
        "accredit integration set checkout enabled=false",
        "accredit integration set cpd_1 level=SECURE_IDENTITY_DEBUG force=true debug_until=\"$(date -u -d '+1 hour' +%FT%TZ)\"",
    ),
)
@click.argument("integration_id", metavar="ID")
@click.argument("members", metavar="NAME=VALUE...", nargs=-1, required=True)
@click.option("--name", help="Give it another name.")
@database_options
@json_option
def set_(integration_id: str, members: tuple[str, ...], name: str | None, database: Database, as_json: bool) -> None:
    """Publish a new version of a policy: the members given replace the present ones.

    It acts on new admissions within a second, on all servers. At the embed door token_profile sets the five token_ members at once.
    """
    policy = parse_members(members)

    async def work(node: Node) -> IntegrationRecord:
        scope = (await load_integration(node, integration_id)).scope
        wanted = Publication(integration_id, scope, policy, node.clock(), ACTOR, name=name)
        return await update_integration(node.store, wanted)

    _show(database.run(work), as_json)


@command.command(epilog=examples("accredit integration versions checkout"))
@click.argument("integration_id", metavar="ID")
@database_options
@json_option
def versions(integration_id: str, database: Database, as_json: bool) -> None:
    """List the versions of a policy, and what changed in each."""
    found = database.run(lambda node: node.store.read(list_versions, integration_id))
    if as_json:
        print_json(
            [
                {
                    "version": each.version,
                    "published_at": wire_time(each.published_ms),
                    "changed": list(each.changed),
                    "policy": each.policy,
                }
                for each in found
            ]
        )
        return
    rows = [(each.version, wire_time(each.published_ms), ", ".join(each.changed)) for each in found]
    print_table(("version", "published", "changed"), rows)


async def load_integration(node: Node, integration_id: str) -> IntegrationRecord:
    """The integration of that id, of whatever account. Raises NotFoundError `integration_not_found`."""
    record = await node.store.read(find_integration, integration_id)
    if record is None:
        raise NotFoundError("integration_not_found")
    return record


def _described(record: IntegrationRecord) -> dict[str, object]:
    return {
        "integration_id": record.integration_id,
        "door": record.door,
        "environment": record.scope.environment,
        "deployer_id": record.deployer_id,
        "owner_id": record.owner_id,
        "name": record.name,
        "version": record.version,
        "created_at": wire_time(record.created_ms),
        "updated_at": wire_time(record.updated_ms),
    }


def _with_policy(record: IntegrationRecord) -> dict[str, object]:
    # As the API has it: the members of the policy stand beside those of the integration.
    return {**_described(record), **_members(record)}


def _members(record: IntegrationRecord) -> dict[str, object]:
    return {**msgspec.to_builtins(record.policy), **other_spellings(record.policy)}


def _show(record: IntegrationRecord, as_json: bool) -> None:
    if as_json:
        print_json(_with_policy(record))
        return
    print_facts(_described(record))
    click.echo()
    print_facts(_members(record))
