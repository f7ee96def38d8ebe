"""`accredit service`."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import click
import msgspec

from accredit.cli.database import Database, Whose, cause
from accredit.cli.files import OUTPUT
from accredit.cli.groups import examples
from accredit.cli.output import print_json, print_table
from accredit.cli.webhooks.create import read_endpoint_members
from accredit.cli.webhooks.endpoint import Described, endpoint_options, show_endpoint, show_secret
from accredit.errors import NotFoundError
from accredit.server.api.bodies import convert
from accredit.server.api.step_services import NewStepService, StepServiceChanges, answer_service, read_changes
from accredit.server.keyring.scope import Scope
from accredit.server.node import Node
from accredit.server.steps.service_changes import (
    DEFAULT_OVERLAP_S,
    MAX_OVERLAP_S,
    Parts,
    Rotation,
    change_service,
    create_service,
    delete_service,
    rotate_secret,
)
from accredit.server.steps.services import MAX_SERVICES, ServiceMembers, StepService, find_service, page_of_services

_out = click.option("--out", type=OUTPUT, help="A new file for the secret, readable by its owner alone.")


@click.group()
def command() -> None:
    """Create, list and change step services: what steps of the flow door are asked of.

    Members are written as NAME=VALUE, where VALUE is JSON; text that is no JSON counts as a string, and @FILE stands for a file.
    """


@command.command(
    epilog=examples(
        "accredit service create https://kyc.example/steps --out service.secret",
        "accredit service create https://kyc.example/steps timeout_s=30 encryption_public_key=@kyc.public.jwk",
    )
)
@click.argument("url", metavar="URL")
@click.argument("members", metavar="NAME=VALUE...", nargs=-1)
@_out
@endpoint_options
def create(url: str, members: tuple[str, ...], out: Path | None, whose: Whose, database: Database, as_json: bool) -> None:
    """Create a service, with a secret that is shown this once."""
    wanted = convert({"url": url, **read_endpoint_members(members)}, NewStepService)

    async def work(node: Node) -> Described:
        scope = await whose.find(node)
        issued = await create_service(_parts(node), scope, ServiceMembers(**msgspec.structs.asdict(wanted)), cause())
        return await _describe(node, issued.service, issued.secret)

    show_secret(lambda: database.run(work), out, as_json)


@command.command("list", epilog=examples("accredit service list --environment sandbox"))
@endpoint_options
def list_(whose: Whose, database: Database, as_json: bool) -> None:
    """List the services of an account and environment, oldest first."""

    async def work(node: Node) -> list[Described]:
        services = await node.store.read(page_of_services, (await whose.find(node), "", MAX_SERVICES))
        return [await _describe(node, each) for each in services]

    described = database.run(work)
    if as_json:
        print_json(described)
        return
    rows = [(each["id"], each["url"], each["timeout_s"], each["description"]) for each in described]
    print_table(("service", "url", "timeout_s", "description"), rows)


@command.command(epilog=examples("accredit service show svc_..."))
@click.argument("service_id", metavar="ID")
@endpoint_options
def show(service_id: str, whose: Whose, database: Database, as_json: bool) -> None:
    """Show a service, without its secret."""

    async def look(node: Node, scope: Scope) -> Described:
        return await _describe(node, await _find(node, scope, service_id))

    show_endpoint(_act(whose, database, look), as_json)


@command.command("set", epilog=examples("accredit service set svc_... url=https://kyc.example/v2/steps timeout_s=5"))
@click.argument("service_id", metavar="ID")
@click.argument("members", metavar="NAME=VALUE...", nargs=-1, required=True)
@endpoint_options
def set_(service_id: str, members: tuple[str, ...], whose: Whose, database: Database, as_json: bool) -> None:
    """Replace members of a service; what is tried from now on has them."""
    changes = read_changes(convert(read_endpoint_members(members), StepServiceChanges))

    async def change(node: Node, scope: Scope) -> Described:
        return await _describe(node, await change_service(_parts(node), scope, service_id, changes, cause()))

    show_endpoint(_act(whose, database, change), as_json)


@command.command(
    "rotate-secret",
    epilog=examples(
        "accredit service rotate-secret svc_... --out service.secret", "accredit service rotate-secret svc_... --overlap 0"
    ),
)
@click.argument("service_id", metavar="ID")
@click.option(
    "--overlap", type=click.IntRange(0, MAX_OVERLAP_S), default=DEFAULT_OVERLAP_S, show_default=True, help="Seconds for both."
)
@_out
@endpoint_options
def rotate(service_id: str, overlap: int, out: Path | None, whose: Whose, database: Database, as_json: bool) -> None:
    """Give a service another secret, shown this once; for a while the present one counts beside it."""

    async def work(node: Node, scope: Scope) -> Described:
        issued = await rotate_secret(_parts(node), Rotation(scope, service_id, overlap, cause()))
        return await _describe(node, issued.service, issued.secret)

    show_secret(lambda: _act(whose, database, work), out, as_json)


@command.command(epilog=examples("accredit service delete svc_..."))
@click.argument("service_id", metavar="ID")
@endpoint_options
def delete(service_id: str, whose: Whose, database: Database, as_json: bool) -> None:
    """Delete a service with its secrets, and show what it was; steps that wait for it end with their `on_error`."""

    async def remove(node: Node, scope: Scope) -> Described:
        described = await _describe(node, await _find(node, scope, service_id))
        await delete_service(_parts(node), scope, service_id, cause())
        return described

    show_endpoint(_act(whose, database, remove), as_json)


def _act(whose: Whose, database: Database, do: Callable[[Node, Scope], Awaitable[Described]]) -> Described:
    async def work(node: Node) -> Described:
        return await do(node, await whose.find(node))

    return database.run(work)


async def _find(node: Node, scope: Scope, service_id: str) -> StepService:
    service = await node.store.read(find_service, (scope, service_id))
    if service is None:
        raise NotFoundError("step_service_not_found")
    return service


async def _describe(node: Node, service: StepService, secret: str | None = None) -> Described:
    described: Described = msgspec.to_builtins(await answer_service(node, service, node.clock(), secret))
    return {"environment": service.scope.environment, **described}


def _parts(node: Node) -> Parts:
    return Parts(node.store, node.sealer, node.outbound)
