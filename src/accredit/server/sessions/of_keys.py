"""What keys opened: the sessions of every door whose proof a key made, ended after the key itself."""

from collections.abc import Iterable

from accredit.server.keyring.records import KeyRecord
from accredit.server.node import Node
from accredit.server.sessions.flow.sweeping import cancel_flow_of_key
from accredit.server.sessions.lifecycle import cancel_sessions_of_key


async def cancel_sessions_of_keys(node: Node, records: Iterable[KeyRecord]) -> int:
    """Cancel the open sessions that proofs under these keys opened; how many there were. The keys are revoked before."""
    cancelled = 0
    for record in records:
        cancelled += await cancel_sessions_of_key(node.store, record.scope, record.key_id, now_ms=node.clock())
        cancelled += await cancel_flow_of_key(node, record.scope, record.key_id)
    return cancelled
