"""What the clock decides of webhooks: endpoints that fail for too long, and what has been kept long enough.

protocol-webhooks.md section 9: a sweeper looks every minute; events, deliveries and their attempts are kept for 30 days.
"""

from accredit.server.events.counting import count_due
from accredit.server.events.disabling import judge_failing
from accredit.server.events.listening import close_silent
from accredit.server.events.probing import read_probe
from accredit.server.events.records import ENDPOINT_COLUMNS, KEPT_MS, read_endpoint
from accredit.server.node import Node
from accredit.server.store import Transaction, one_by_one

_AT_ONCE = 500


async def sweep_webhooks(node: Node) -> None:
    """Tell of endpoints that fail and disable them, close listeners that are silent, forget what is old, measure what waits."""
    now_ms = node.clock()
    for notice in await node.store.write(judge_failing, now_ms):
        node.notices.send_soon(notice)
    await close_silent(node)
    await node.store.write(cancel_unwanted, now_ms)
    await node.store.write(forget_probes, now_ms)
    while await node.store.write(forget_old, now_ms):
        pass
    await node.store.write(forget_old_bodies, now_ms)
    await count_due(node.store, now_ms)


@one_by_one
def cancel_unwanted(tx: Transaction, now_ms: int) -> int:
    """Change: cancel what was written while its endpoint was being disabled or deleted; how many deliveries there were."""
    return tx.execute(
        "UPDATE deliveries SET status = 'cancelled', ended_ms = ?, due_ms = NULL WHERE status = 'pending'"
        " AND endpoint_id NOT IN (SELECT id FROM webhook_endpoints WHERE enabled = 1)",
        (now_ms,),
    )


@one_by_one
def forget_old(tx: Transaction, now_ms: int) -> int:
    """Change: remove up to 500 deliveries that ended, with their attempts, and as many events of which no delivery is left.

    How many of both there were.
    """
    before_ms = now_ms - KEPT_MS
    rows = tx.rows(
        f"SELECT id FROM deliveries WHERE created_ms < ? AND status <> 'pending' ORDER BY created_ms LIMIT {_AT_ONCE}",
        (before_ms,),
    )
    ids = sorted(row[0] for row in rows)
    if ids:
        marks = ",".join("?" * len(ids))
        tx.execute(f"DELETE FROM attempts WHERE delivery_id IN ({marks})", ids)
        tx.execute(f"DELETE FROM deliveries WHERE id IN ({marks})", ids)
    events = tx.execute(
        "DELETE FROM events WHERE id IN (SELECT e.id FROM events AS e WHERE e.created_ms < ?"
        f" AND NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.event_id = e.id) ORDER BY e.created_ms LIMIT {_AT_ONCE})",
        (before_ms,),
    )
    return len(ids) + events


@one_by_one
def forget_old_bodies(tx: Transaction, now_ms: int) -> int:
    """Change: remove the bodies that replays keep of events of more than 30 days ago; how many there were."""
    return tx.execute(
        "UPDATE deliveries SET body = NULL WHERE body IS NOT NULL AND event_id IN (SELECT id FROM events WHERE created_ms < ?)",
        (now_ms - KEPT_MS,),
    )


@one_by_one
def forget_probes(tx: Transaction, now_ms: int) -> int:
    """Change: remove what is kept of probes of more than 30 days ago; how many there were."""
    rows = tx.rows(f"SELECT {ENDPOINT_COLUMNS} FROM webhook_endpoints WHERE probe IS NOT NULL ORDER BY id")
    old = [each.endpoint_id for each in map(read_endpoint, rows) if read_probe(each, now_ms) is None]
    for endpoint_id in old:
        tx.execute("UPDATE webhook_endpoints SET probe = NULL WHERE id = ?", (endpoint_id,))
    return len(old)
