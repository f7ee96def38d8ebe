"""Keys that will end by themselves are told of seven days and one day ahead (protocol-webhooks.md section 2, `key.expiring`).

What is to end sooner than that when it is said to end is told of by `key.retiring` alone.

    await node.store.write(tell_expiring, node.clock())
"""

from collections.abc import Hashable

from accredit.server.keyring.changes import Cause, days_told, tell
from accredit.server.keyring.records import KeyRecord, find_records
from accredit.server.store import Transaction, one_by_one
from accredit.server.times import wire_time

_DAY_MS = 86_400_000
_AT_ONCE = 500
# Who acts when nobody asked.
_ACTOR = "server"
_ENDS = (
    "CASE WHEN retire_ms IS NULL THEN not_after_ms WHEN not_after_ms IS NULL OR retire_ms < not_after_ms THEN retire_ms"
    " ELSE not_after_ms END"
)
_FIND = (
    "SELECT id FROM keys WHERE revoked_ms IS NULL AND account_id <> ''"
    " AND ((retire_ms > ? AND retire_ms <= ?) OR (not_after_ms > ? AND not_after_ms <= ?))"
    f" AND {_ENDS} > ? AND (told_days IS NULL OR (told_days > 1 AND {_ENDS} <= ?)) ORDER BY id LIMIT {_AT_ONCE}"
)


@one_by_one
def tell_expiring(tx: Transaction, now_ms: int) -> int:
    """Change: write an event for up to 500 keys whose end has come near, one for all records over one secret; how many keys."""
    week_ms, day_ms = now_ms + 7 * _DAY_MS, now_ms + _DAY_MS
    ids = [row[0] for row in tx.rows(_FIND, (now_ms, week_ms, now_ms, week_ms, now_ms, day_ms))]
    if not ids:
        return 0
    together: dict[Hashable, list[KeyRecord]] = {}
    for record in find_records(tx, f"k.id IN ({','.join('?' * len(ids))})", tuple(ids)):
        together.setdefault((record.scope, record.secret_hash or record.key_id, record.ends_ms), []).append(record)
    for records in together.values():
        until_ms = records[0].ends_ms or now_ms
        for record in records:
            tx.execute("UPDATE keys SET told_days = ? WHERE id = ?", (days_told(now_ms, until_ms), record.key_id))
        tell(tx, "key.expiring", records, Cause(now_ms, actor=_ACTOR), {"until": wire_time(until_ms)})
    return len(ids)
