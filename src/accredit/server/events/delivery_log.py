"""The delivery log: what was sent to an endpoint, and what came of each attempt (protocol-webhooks.md section 9, Log). Kept 30 days.

found = await store.read(find_deliveries, (DeliverySearch(scope, endpoint_id), NEWEST, 51))
delivery, attempts = await store.read(find_delivery, (scope, delivery_id))
"""

from dataclasses import dataclass

from accredit.server.events.records import (
    ATTEMPT_COLUMNS,
    DELIVERY_COLUMNS,
    FAILED,
    Attempt,
    Delivery,
    DeliveryStatus,
    read_attempt,
    read_delivery,
)
from accredit.server.keyring.scope import Scope
from accredit.server.store import Transaction, Value

# Behind every id of ours.
NEWEST = "~"


@dataclass(frozen=True, slots=True)
class DeliverySearch:
    """Which deliveries of an endpoint. type: of the event. from_ms, to_ms: when they were made, the first included."""

    scope: Scope
    endpoint_id: str
    status: DeliveryStatus | None = None
    type: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None


@dataclass(frozen=True, slots=True)
class LoggedDelivery:
    """A delivery with its attempts, oldest first."""

    delivery: Delivery
    attempts: tuple[Attempt, ...]


def find_deliveries(tx: Transaction, item: tuple[DeliverySearch, str, int]) -> list[Delivery]:
    """Query: deliveries that match, newest first, behind the id and at most that many."""
    search, before, limit = item
    wanted: list[tuple[str, Value]] = [
        ("endpoint_id = ?", search.endpoint_id),
        ("account_id = ?", search.scope.account_id),
        ("environment = ?", search.scope.environment),
        ("id < ?", before),
        ("status = ?", search.status),
        ("type = ?", search.type),
        ("created_ms >= ?", search.from_ms),
        ("created_ms < ?", search.to_ms),
    ]
    asked = [(condition, value) for condition, value in wanted if value is not None]
    conditions = [condition for condition, _ in asked]
    # As the indexes of what is open and of what has failed are written: both are few beside what succeeded.
    if search.status == "pending":
        conditions.append("status = 'pending'")
    elif search.status in ("exhausted", "cancelled"):
        conditions.append(FAILED)
    rows = tx.rows(
        f"SELECT {DELIVERY_COLUMNS} FROM deliveries WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT ?",
        (*(value for _, value in asked), limit),
    )
    return [read_delivery(row) for row in rows]


def find_delivery(tx: Transaction, item: tuple[Scope, str]) -> LoggedDelivery | None:
    """Query: the delivery of that id, if it is of that account and environment."""
    scope, delivery_id = item
    row = tx.row(
        f"SELECT {DELIVERY_COLUMNS} FROM deliveries WHERE id = ? AND account_id = ? AND environment = ?",
        (delivery_id, scope.account_id, scope.environment),
    )
    if row is None:
        return None
    attempts = tx.rows(f"SELECT {ATTEMPT_COLUMNS} FROM attempts WHERE delivery_id = ? ORDER BY number", (delivery_id,))
    return LoggedDelivery(read_delivery(row), tuple(read_attempt(each) for each in attempts))
