"""Claiming deliveries: a node takes what is due for a while, and loses it again if it dies (protocol-webhooks.md section 9.2).

A lease lasts the endpoint's `timeout_s` and 30 s more. Its end is its name too: whoever writes an outcome names the lease under which
the attempt was made, and a node whose lease ran out, so that another claimed the delivery, writes none.

    waiting = await store.read(find_waiting, now_ms)
    claimed = await store.write(claim_deliveries, Claim(share_slots(waiting, ...), now_ms))
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accredit.server.events.fairness import Waiting, slots_of
from accredit.server.events.records import (
    ATTEMPT_COLUMNS,
    DELIVERY_COLUMNS,
    ENDPOINT_COLUMNS,
    EVENT_COLUMNS,
    Attempt,
    Delivery,
    Endpoint,
    StoredEvent,
    read_attempt,
    read_delivery,
    read_endpoint,
    read_event,
    read_members,
)
from accredit.server.store import Transaction, Value, one_by_one

_BEYOND_TIMEOUT_MS = 30_000
# No endpoint has more slots, so that more due deliveries need not be counted.
_MOST_SLOTS = 32
_MAY_BE_SENT_TO = "enabled = 1 AND (paused_until_ms IS NULL OR paused_until_ms <= ?)"
# Listeners fetch what is theirs; nobody calls them.
_CALLED, _LISTENING = "listening_until_ms IS NULL", "listening_until_ms IS NOT NULL"
_DUE = "status = 'pending' AND due_ms <= ? AND (lease_until_ms IS NULL OR lease_until_ms <= ?)"

# The endpoints with open deliveries, each by one step into the index, however many deliveries it has.
_FIND_WAITING = f"""
WITH RECURSIVE open (id) AS (
    SELECT MIN(endpoint_id) FROM deliveries WHERE status = 'pending'
    UNION ALL
    SELECT (SELECT MIN(endpoint_id) FROM deliveries WHERE status = 'pending' AND endpoint_id > open.id)
    FROM open WHERE open.id IS NOT NULL
)
SELECT e.id, e.members, e.timeouts,
    (SELECT COUNT(*) FROM deliveries WHERE endpoint_id = e.id AND lease_until_ms > ?),
    (SELECT COUNT(*) FROM (SELECT 1 FROM deliveries WHERE endpoint_id = e.id AND {_DUE} LIMIT {_MOST_SLOTS}) AS due)
FROM open JOIN webhook_endpoints AS e ON e.id = open.id
WHERE {_MAY_BE_SENT_TO} AND {_CALLED}
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A wish for deliveries. shares: how many of each endpoint. listening: they are listeners, which fetch what is theirs."""

    shares: Mapping[str, int]
    now_ms: int
    listening: bool = False


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this node may attempt until its lease ends, with what is to be sent to whom.

    last: the attempt before this one, where kind `flow` chooses the key that signs by it.
    """

    endpoint: Endpoint
    event: StoredEvent
    delivery: Delivery
    last: Attempt | None = None

    @property
    def number(self) -> int:
        """Of the attempt that is due, from 1."""
        return self.delivery.attempts + 1


def find_waiting(tx: Transaction, now_ms: int) -> list[Waiting]:
    """Query: the endpoints that may be sent to and for which something is due."""
    rows = tx.rows(_FIND_WAITING, (now_ms, now_ms, now_ms, now_ms))
    waiting = [
        Waiting(endpoint_id, slots_of(read_members(members).concurrency, timeouts), in_flight, due)
        for endpoint_id, members, timeouts, in_flight, due in rows
    ]
    return [each for each in waiting if each.due]


@one_by_one
def claim_deliveries(tx: Transaction, claim: Claim) -> list[Claimed]:
    """Change: lease what is due, oldest first, no more than an endpoint has slots for.

    Nothing here waits for another node: an endpoint or a delivery that one holds just now is left to it, or to the next look.
    """
    leased: list[tuple[Endpoint, Delivery]] = []
    for endpoint in _hold_endpoints(tx, claim):
        leased += [(endpoint, delivery) for delivery in _lease(tx, endpoint, claim)]
    events = _find_events(tx, [delivery.event_id for _, delivery in leased])
    last = _find_last(tx, [delivery for endpoint, delivery in leased if endpoint.kind == "flow" and delivery.attempts])
    return [
        Claimed(endpoint, events[delivery.event_id], delivery, last.get(delivery.delivery_id)) for endpoint, delivery in leased
    ]


def _hold_endpoints(tx: Transaction, claim: Claim) -> list[Endpoint]:
    """The endpoints that are still to be sent to, held so that no two nodes count the same free slots."""
    ids = sorted(claim.shares)
    if not ids:
        return []
    ready = f"{_MAY_BE_SENT_TO} AND {_LISTENING if claim.listening else _CALLED}"
    rows = tx.rows(
        f"SELECT {ENDPOINT_COLUMNS} FROM webhook_endpoints WHERE id IN ({_marks(ids)}) AND {ready} ORDER BY id{_skip_locked(tx)}",
        (*ids, claim.now_ms),
    )
    return [read_endpoint(row) for row in rows]


def _lease(tx: Transaction, endpoint: Endpoint, claim: Claim) -> list[Delivery]:
    found = tx.row(
        "SELECT COUNT(*) FROM deliveries WHERE endpoint_id = ? AND lease_until_ms > ?", (endpoint.endpoint_id, claim.now_ms)
    )
    in_flight: int = found[0] if found else 0
    free = slots_of(endpoint.members.concurrency, endpoint.timeouts) - in_flight
    wanted = min(claim.shares[endpoint.endpoint_id], free)
    if wanted <= 0:
        return []
    until_ms = claim.now_ms + endpoint.members.timeout_s * 1000 + _BEYOND_TIMEOUT_MS
    # Found first: PostgreSQL may run a subquery that locks once for each row beside it, and so go beyond its limit.
    rows = tx.rows(
        f"WITH due AS MATERIALIZED (SELECT id FROM deliveries WHERE endpoint_id = ? AND {_DUE} ORDER BY due_ms"
        f" LIMIT ?{_skip_locked(tx)})"
        f" UPDATE deliveries SET lease_until_ms = ? WHERE id IN (SELECT id FROM due) RETURNING {DELIVERY_COLUMNS}",
        (endpoint.endpoint_id, claim.now_ms, claim.now_ms, wanted, until_ms),
    )
    return [read_delivery(row) for row in rows]


def find_claimed(tx: Transaction, wanted: tuple[Endpoint, str, int]) -> Claimed | None:
    """Query: what an endpoint claimed under a lease that still holds. lease_until_ms: its name."""
    endpoint, delivery_id, lease_until_ms = wanted
    row = tx.row(
        f"SELECT {DELIVERY_COLUMNS} FROM deliveries WHERE id = ? AND endpoint_id = ? AND lease_until_ms = ?",
        (delivery_id, endpoint.endpoint_id, lease_until_ms),
    )
    if row is None:
        return None
    delivery = read_delivery(row)
    return Claimed(endpoint, _find_events(tx, [delivery.event_id])[delivery.event_id], delivery)


def _find_events(tx: Transaction, ids: Sequence[str]) -> dict[str, StoredEvent]:
    if not ids:
        return {}
    rows = tx.rows(f"SELECT {EVENT_COLUMNS} FROM events WHERE id IN ({_marks(ids)})", ids)
    return {event.event_id: event for event in map(read_event, rows)}


def _find_last(tx: Transaction, deliveries: Sequence[Delivery]) -> dict[str, Attempt]:
    if not deliveries:
        return {}
    ids = [each.delivery_id for each in deliveries]
    rows = tx.rows(f"SELECT {ATTEMPT_COLUMNS} FROM attempts WHERE delivery_id IN ({_marks(ids)}) ORDER BY number", ids)
    return {attempt.delivery_id: attempt for attempt in map(read_attempt, rows)}


def _skip_locked(tx: Transaction) -> str:
    # SQLite has one writer at a time, and knows no row locks.
    return " FOR UPDATE SKIP LOCKED" if tx.engine == "postgresql" else ""


def _marks(values: Sequence[Value]) -> str:
    return ",".join("?" * len(values))


@one_by_one
def release_deliveries(tx: Transaction, claimed: Sequence[Claimed]) -> None:
    """Change: give back what this node claimed and will not finish; it is due again at once."""
    for delivery in sorted((each.delivery for each in claimed), key=lambda each: each.delivery_id):
        tx.execute(
            "UPDATE deliveries SET lease_until_ms = NULL WHERE id = ? AND lease_until_ms = ?",
            (delivery.delivery_id, delivery.lease_until_ms),
        )


@one_by_one
def release_all(tx: Transaction, _: None) -> int:
    """Change: on SQLite, which has one server process, no lease outlives the process that took it; how many there were."""
    if tx.engine != "sqlite":
        return 0
    return tx.execute("UPDATE deliveries SET lease_until_ms = NULL WHERE lease_until_ms IS NOT NULL")


def cancel_open(tx: Transaction, endpoint_id: str, now_ms: int) -> int:
    """Cancel what is still to be sent to an endpoint that is disabled or deleted; how many deliveries there were.

    The caller holds the endpoint's row. An attempt that is under way is let end: its outcome is written, and nothing follows it.
    """
    return tx.execute(
        "UPDATE deliveries SET status = 'cancelled', ended_ms = ?, due_ms = NULL WHERE endpoint_id = ? AND status = 'pending'",
        (now_ms, endpoint_id),
    )
