"""How many sessions pages may create: what one client may without a signature, and what a template may before it requires them.

protocol-flow.md section 5, step 7 and "The 100-session limit". Both are counted in the transaction that inserts the session, so they
hold between nodes; what is refused takes its count back with its savepoint.
"""

from dataclasses import dataclass
from typing import Literal

from accredit.errors import Refused
from accredit.server.events.outbox import Event, append
from accredit.server.keyring.scope import Scope
from accredit.server.limits import TooManyRequests
from accredit.server.store import Transaction, one_by_one

SESSION_LIMIT = 100
UNSIGNED_AN_HOUR = 30
_APPROACHING = (50, 80, 95)
_HOUR_MS = 3_600_000
# The period of a counter that is never begun anew.
_EVER = "live"


@dataclass(frozen=True, slots=True)
class PageCreation:
    """A session that a page creates. optional: the signature policy of this moment. network_hash: of the client, None if signed."""

    scope: Scope
    integration_id: str
    optional: bool
    network_hash: bytes | None
    now_ms: int


def lock_count(tx: Transaction, creation: PageCreation) -> None:
    """Take the lock of a template's count before anything else is written: so that two nodes never wait for each other."""
    if creation.scope.environment == "live":
        tx.execute(
            "INSERT INTO counters (integration_id, period, n) VALUES (?, ?, 0)"
            " ON CONFLICT (integration_id, period) DO UPDATE SET n = counters.n",
            (creation.integration_id, _EVER),
        )


def count_creation(tx: Transaction, creation: PageCreation) -> None:
    """Count a creation by a page, in live, and tell of the limit. The count is locked. Sandbox has neither count nor limit.

    Raises Refused: `rate_limited` with the time to wait, `unsigned_session_limit_reached`.
    """
    if creation.scope.environment != "live":
        return
    if creation.network_hash is not None:
        _count_unsigned(tx, creation, creation.network_hash)
    row = tx.row(
        "UPDATE counters SET n = n + 1 WHERE integration_id = ? AND period = ? RETURNING n",
        (creation.integration_id, _EVER),
    )
    count = 0 if row is None else int(row[0])
    check_limit(count - 1, optional=creation.optional)
    _tell(tx, creation, count)


def check_limit(count: int, *, optional: bool) -> None:
    """Whether one more may be created. count: so far. The setting decides, not whether this one is signed.

    Raises Refused `unsigned_session_limit_reached`.
    """
    if optional and count >= SESSION_LIMIT:
        raise Refused("unsigned_session_limit_reached")


def _count_unsigned(tx: Transaction, creation: PageCreation, network_hash: bytes) -> None:
    row = tx.row(
        "INSERT INTO flow_creations (integration_id, network_hash, hour, n) VALUES (?, ?, ?, 1)"
        " ON CONFLICT (integration_id, network_hash, hour) DO UPDATE SET n = flow_creations.n + 1 RETURNING n",
        (creation.integration_id, network_hash, creation.now_ms // _HOUR_MS),
    )
    if row is not None and int(row[0]) > UNSIGNED_AN_HOUR:
        raise TooManyRequests((_HOUR_MS - creation.now_ms % _HOUR_MS) // 1000 + 1)


def _tell(tx: Transaction, creation: PageCreation, count: int) -> None:
    kind: Literal["limit_approaching", "limit_reached"] | None = None
    if count in _APPROACHING:
        kind = "limit_approaching"
    elif count == SESSION_LIMIT:
        kind = "limit_reached"
    if kind is not None:
        event = Event(
            type=f"integration.{kind}",
            scope=creation.scope,
            created_ms=creation.now_ms,
            integration_id=creation.integration_id,
            data={"door": "flow", "count": count, "limit": SESSION_LIMIT},
        )
        append(tx, [event])


def find_count(tx: Transaction, integration_id: str) -> int:
    """Query: how many live sessions pages have created in a template since it exists."""
    row = tx.row("SELECT n FROM counters WHERE integration_id = ? AND period = ?", (integration_id, _EVER))
    return 0 if row is None else int(row[0])


@one_by_one
def forget_creations(tx: Transaction, now_ms: int) -> int:
    """Change: drop the counts of clients from hours that have passed; how many."""
    return tx.execute("DELETE FROM flow_creations WHERE hour < ?", (now_ms // _HOUR_MS,))
