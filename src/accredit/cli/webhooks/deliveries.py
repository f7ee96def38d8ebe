"""`accredit webhooks deliveries`."""

from typing import get_args

import click
import msgspec

from accredit.cli.database import Database, Whose, database_options, scope_options
from accredit.cli.groups import examples, json_option
from accredit.cli.output import print_facts, print_json, print_table
from accredit.cli.times import parse_past
from accredit.cli.webhooks.finding import find_endpoint
from accredit.errors import NotFoundError
from accredit.server.api.webhook_deliveries import answer_delivery, item_of
from accredit.server.events.delivery_log import NEWEST, DeliverySearch, LoggedDelivery, find_deliveries, find_delivery
from accredit.server.events.records import Delivery, DeliveryStatus
from accredit.server.node import Node

_DELIVERY = "dlv_"


@click.command(
    epilog=examples(
        "accredit webhooks deliveries whksub_1ChGQwMd2xc6b8gf5n3rDn --status exhausted --from 24h",
        "accredit webhooks deliveries dlv_1ChGR5ZuSGR6kfc45aBYKE",
    )
)
@click.argument("wanted_id", metavar="ID")
@click.option("--status", type=click.Choice(get_args(DeliveryStatus)), help="Of the delivery.")
@click.option("--type", "type_", metavar="TYPE", help="Of the event.")
@click.option("--from", "from_", metavar="TIME", help="RFC 3339, Unix seconds, or so long ago, such as 24h.")
@click.option("--to", metavar="TIME", help="By default now.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many at most.")
@scope_options
@database_options
@json_option
def command(
    wanted_id: str,
    status: DeliveryStatus | None,
    type_: str | None,
    from_: str | None,
    to: str | None,
    limit: int,
    whose: Whose,
    database: Database,
    as_json: bool,
) -> None:
    """List what an endpoint was sent within 30 days, newest first; or, of one delivery, every attempt."""
    if wanted_id.startswith(_DELIVERY):
        _show(database.run(lambda node: _load(node, whose, wanted_id)), as_json)
        return

    async def work(node: Node) -> list[Delivery]:
        endpoint = await find_endpoint(node, whose, wanted_id)
        times = [None if text is None else parse_past(text) for text in (from_, to)]
        search = DeliverySearch(endpoint.scope, endpoint.endpoint_id, status, type_, *times)
        return await node.store.read(find_deliveries, (search, NEWEST, limit))

    items = [item_of(each) for each in database.run(work)]
    if as_json:
        print_json(msgspec.to_builtins(items))
        return
    rows = [(each.id, each.type, each.status, each.attempts, each.created_at, each.next_attempt_at) for each in items]
    print_table(("delivery", "type", "status", "attempts", "created", "next attempt"), rows)


async def _load(node: Node, whose: Whose, delivery_id: str) -> LoggedDelivery:
    logged = await node.store.read(find_delivery, (await whose.find(node), delivery_id))
    if logged is None:
        raise NotFoundError("delivery_not_found")
    return logged


def _show(logged: LoggedDelivery, as_json: bool) -> None:
    answer = answer_delivery(logged)
    if as_json:
        print_json(msgspec.to_builtins(answer))
        return
    print_facts(msgspec.to_builtins(answer.delivery))
    click.echo()
    rows = [
        (each.number, each.at, each.duration_ms, each.status or each.error, each.response_excerpt) for each in answer.attempts
    ]
    print_table(("attempt", "at", "ms", "answer", "excerpt"), rows)
