"""Writing down what the clock has decided: sessions past their time get their one answer, answers past theirs go.

Every reader sees both before; the sweep only makes the rows say so, and tells of it.
"""

from accredit.errors import AccreditError
from accredit.server import telemetry
from accredit.server.node import Node
from accredit.server.sessions.rest.finishing import expire_if_due
from accredit.server.sessions.rest.reading import find_any
from accredit.server.sessions.rest.redacting import erase_due
from accredit.server.store import Transaction

_AT_ONCE = 200


async def sweep_rest(node: Node) -> tuple[int, int]:
    """Expire and erase what is due, some at a time; how many of both there were."""
    due = await node.store.read(_find_expired, node.clock())
    expired = sum([await _expire(node, session_id) for session_id in due])
    return expired, await node.store.write(erase_due, node.clock())


async def _expire(node: Node, session_id: str) -> bool:
    """Whether the session could be written down; one that cannot does not keep the others from it."""
    try:
        session = await find_any(node, session_id)
        if session is not None:
            await expire_if_due(node, session)
    except AccreditError as error:
        telemetry.log.warning("expiry_failed", extra={"fields": {"session_id": session_id, "code": error.code}})
        return False
    return session is not None


def _find_expired(tx: Transaction, now_ms: int) -> list[str]:
    """Query: ids of open sessions past their time, those of longest ago first."""
    rows = tx.rows(
        "SELECT id FROM sessions WHERE status IN ('created', 'waiting', 'pending_review') AND door = 'rest' AND expires_ms <= ?"
        f" ORDER BY expires_ms LIMIT {_AT_ONCE}",
        (now_ms,),
    )
    return [row[0] for row in rows]
