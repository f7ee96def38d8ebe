"""`accredit webhooks create`."""

from pathlib import Path

import click

from accredit.cli.database import Database, Whose, cause
from accredit.cli.files import OUTPUT
from accredit.cli.groups import examples
from accredit.cli.members import read_members
from accredit.cli.webhooks.endpoint import Described, describe, endpoint_options, show_secret
from accredit.encoding import Json, JsonError, parse_json
from accredit.server.api.webhook_endpoints import parts_of
from accredit.server.events.endpoints import EndpointChange, create_endpoint
from accredit.server.node import Node

_KEY = "encryption_public_key"


@click.command(
    epilog=examples(
        "accredit webhooks create https://shop.example/hooks --out endpoint.secret",
        'accredit webhooks create https://shop.example/hooks \'event_types=["session.*","key.leaked"]\' \'doors=["rest"]\'',
        "accredit webhooks create https://shop.example/hooks/flow kind=flow signing=endpoint",
        "accredit webhooks create https://shop.example/hooks payload=full encryption_public_key=@reader.public.jwk",
    )
)
@click.argument("url", metavar="URL")
@click.argument("members", metavar="NAME=VALUE...", nargs=-1)
@click.option("--out", type=OUTPUT, help="A new file for the secret, readable by its owner alone.")
@endpoint_options
def command(url: str, members: tuple[str, ...], out: Path | None, whose: Whose, database: Database, as_json: bool) -> None:
    """Tell an address of what happens: an endpoint with a secret, shown this once.

    Members are written as NAME=VALUE, where VALUE is JSON; text that is no JSON counts as a string, and @FILE stands for a file.
    """
    given: dict[str, Json] = {"url": url, **read_endpoint_members(members)}

    async def work(node: Node) -> Described:
        change = EndpointChange(await whose.find(node), given, cause())
        made = await create_endpoint(parts_of(node), change)
        return await describe(node, made.endpoint, made.secret)

    show_secret(lambda: database.run(work), out, as_json)


def read_endpoint_members(texts: tuple[str, ...]) -> dict[str, Json]:
    """Members of an endpoint; a key that stands in a file is read as JSON. What is none is for the endpoint's rules to refuse."""
    members = read_members(texts)
    key = members.get(_KEY)
    if isinstance(key, str):
        try:
            members[_KEY] = parse_json(key.encode(), max_depth=4)
        except JsonError:
            members[_KEY] = key
    return members
