"""The server's clock beside the database's: signatures and schedules are of the one, and several nodes share only the other."""

from accredit.server import telemetry
from accredit.server.node import Node
from accredit.server.store import Transaction

WARN_FROM_MS = 2000


async def compare_clocks(node: Node) -> int:
    """Milliseconds by which this server's clock is ahead; warns from two seconds on. On SQLite both are one clock."""
    before_ms = node.clock()
    theirs_ms = await node.store.read(_read_clock, None)
    if theirs_ms is None:
        return 0
    ahead_ms = (before_ms + node.clock()) // 2 - theirs_ms
    telemetry.CLOCK_DIFFERENCE_SECONDS.set(ahead_ms / 1000)
    if abs(ahead_ms) >= WARN_FROM_MS:
        telemetry.log.warning("clock_differs", extra={"fields": {"ahead_ms": ahead_ms}})
    return ahead_ms


def _read_clock(tx: Transaction, _: None) -> int | None:
    if tx.engine == "sqlite":
        return None
    row = tx.row("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)")
    return None if row is None else int(row[0])
