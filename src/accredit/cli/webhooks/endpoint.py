"""Webhook endpoints, for commands: finding, doing something to one, and printing it."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from accredit.cli.database import Database, Whose, cause, database_options, scope_options
from accredit.cli.files import new_secret_file
from accredit.cli.groups import json_option
from accredit.cli.output import print_facts, print_json
from accredit.encoding import Json
from accredit.server.api.webhook_endpoints import answer_endpoint
from accredit.server.events.endpoint_actions import EndpointAction
from accredit.server.events.records import Endpoint
from accredit.server.node import Node

Described = dict[str, Json]


def endpoint_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options of every command that works on endpoints: whose, which database, and `--json`."""
    return scope_options(database_options(json_option(command)))


async def describe(node: Node, endpoint: Endpoint, secret: str | None = None) -> Described:
    """An endpoint as the API shows it, with the environment. secret: where it was made just now."""
    answer = await answer_endpoint(node, endpoint, node.clock(), secret)
    described: Described = msgspec.to_builtins(answer)
    return {"environment": endpoint.scope.environment, **described}


def act(
    endpoint_id: str, whose: Whose, database: Database, do: Callable[[Node, EndpointAction], Awaitable[Described]]
) -> Described:
    """Do something to one endpoint; what it comes to."""

    async def work(node: Node) -> Described:
        return await do(node, EndpointAction(await whose.find(node), endpoint_id, cause()))

    return database.run(work)


def show_endpoint(described: Described, as_json: bool) -> None:
    """Print an endpoint; as facts without what is not set."""
    if as_json:
        print_json(described)
    else:
        print_facts({name: value for name, value in described.items() if value not in (None, "", (), [])})


def show_secret(make: Callable[[], Described], out: Path | None, as_json: bool) -> None:
    """Print an endpoint with the secret that making it yields, or write the secret to a new file."""
    if out is None:
        show_endpoint(make(), as_json)
        return
    with new_secret_file(out) as file:
        described = make()
        file.write(f"{described.pop('secret')}\n")
    show_endpoint({**described, "secret_file": str(out)}, as_json)
