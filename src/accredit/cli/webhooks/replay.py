"""`accredit webhooks replay`."""

import click

from accredit.cli.database import Database, Whose, database_options, scope_options
from accredit.cli.groups import examples, json_option
from accredit.cli.output import print_facts, print_json
from accredit.cli.times import parse_past
from accredit.cli.webhooks.finding import find_endpoint
from accredit.server.events.replaying import EventRange, Only, Replayed, replay_event, replay_range, types_named
from accredit.server.node import Node


@click.command(
    epilog=examples(
        "accredit webhooks replay whksub_1ChGQwMd2xc6b8gf5n3rDn --event evt_1ChGR5ZuSGR6kfc45aBYKE",
        "accredit webhooks replay whksub_1ChGQwMd2xc6b8gf5n3rDn --from 24h",
        "accredit webhooks replay whksub_1ChGQwMd2xc6b8gf5n3rDn --from 2026-01-05T12:00:00Z --to 2026-01-06T12:00:00Z --all",
    )
)
@click.argument("endpoint_id", metavar="ID")
@click.option("--event", "event_id", metavar="ID", help="One event, as `webhook-id` named it.")
@click.option("--from", "from_", metavar="TIME", help="RFC 3339, Unix seconds, or so long ago, such as 24h.")
@click.option("--to", metavar="TIME", default="0s", help="By default now.")
@click.option("--type", "names", metavar="TYPE", multiple=True, help="Only of these types; repeatable.")
@click.option("--all", "everything", is_flag=True, help="Also what succeeded, and what was never sent to it.")
@scope_options
@database_options
@json_option
def command(
    endpoint_id: str,
    event_id: str | None,
    from_: str | None,
    to: str,
    names: tuple[str, ...],
    everything: bool,
    whose: Whose,
    database: Database,
    as_json: bool,
) -> None:
    """Send an event, or what failed in a range of time, to an endpoint again.

    The events keep their ids, so that a receiver that has one drops it. The running server sends them, ten a second.
    """
    if (event_id is None) is (from_ is None):
        raise click.UsageError("Name one event with --event, or a range with --from.")
    if event_id is not None and (names or everything):
        raise click.UsageError("--type and --all are for ranges.")
    only: Only = "all" if everything else "failed"

    async def work(node: Node) -> Replayed:
        endpoint = await find_endpoint(node, whose, endpoint_id)
        if event_id is not None:
            return await replay_event(node.store, endpoint, event_id, node.clock())
        wanted = EventRange(endpoint, parse_past(str(from_)), parse_past(to), types_named(names), only)
        return await replay_range(node.store, wanted, node.clock())

    replayed = database.run(work)
    told = {"replay_id": replayed.replay_id, "count": replayed.count}
    if as_json:
        print_json(told)
    else:
        print_facts(told)
