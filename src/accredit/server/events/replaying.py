"""Replays: an event, or a range of them, is sent to an endpoint again (protocol-webhooks.md section 9, Replay).

Each becomes a delivery of its own with a schedule of its own, under the event's old id, so that a receiver that has it drops it. Ten
a second: an endpoint that was away is not run over when it comes back.

    replayed = await replay_event(store, endpoint, event_id, now_ms)
    replayed = await replay_range(store, EventRange(endpoint, from_ms, to_ms), now_ms)
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from accredit.errors import ConflictError, MalformedError, NotFoundError
from accredit.server.events.event_types import ALL, ALL_OF_SESSIONS, EVENT_TYPES, FLOW_NAMES, hears
from accredit.server.events.outbox import DELIVERIES
from accredit.server.events.records import (
    DELIVERY_COLUMNS,
    EVENT_COLUMNS,
    FAILED,
    KEPT_MS,
    Endpoint,
    StoredEvent,
    read_event,
)
from accredit.server.ids import new_id
from accredit.server.store import Store, Transaction, Value, one_by_one

MAX_REPLAYED = 100_000
_APART_MS = 100
_READ_AT_ONCE, _WRITE_AT_ONCE = 2000, 500
_INSERT = f"INSERT INTO deliveries ({DELIVERY_COLUMNS}) VALUES"
_WIDTH = DELIVERY_COLUMNS.count(",") + 1

Only = Literal["failed", "all"]


@dataclass(frozen=True, slots=True)
class EventRange:
    """Which events. from_ms, to_ms: when they happened, the first included. types: of events, empty for all.

    only: `failed` are those that were sent, and of which no delivery to the endpoint succeeded or is still open; `all` are those too
    that were never sent to it because it came later, if they match what it asks for.
    """

    endpoint: Endpoint
    from_ms: int
    to_ms: int
    types: frozenset[str] = frozenset()
    only: Only = "failed"


@dataclass(frozen=True, slots=True)
class Replayed:
    """A replay that was begun. count: of deliveries."""

    replay_id: str
    count: int


@dataclass(frozen=True, slots=True)
class _Repeat:
    """An event to send again. of: the latest delivery of it to the endpoint, None where there was none."""

    event_id: str
    type: str
    of: str | None


@dataclass(frozen=True, slots=True)
class _Part:
    """Some deliveries of a replay. from_ms: when the first is due."""

    endpoint: Endpoint
    replay_id: str
    repeats: Sequence[_Repeat]
    from_ms: int
    now_ms: int


def types_named(names: Sequence[str]) -> frozenset[str]:
    """The types that some names stand for, of either kind of endpoint. Raises MalformedError `event_type_unknown`."""
    found: set[str] = set()
    for name in names:
        meant = {
            each
            for each in EVENT_TYPES
            if name in (each, ALL, FLOW_NAMES.get(each)) or (name == ALL_OF_SESSIONS and each.startswith("session."))
        }
        if not meant:
            raise MalformedError("event_type_unknown", "event_types")
        found |= meant
    return frozenset(found)


async def replay_event(store: Store, endpoint: Endpoint, event_id: str, now_ms: int) -> Replayed:
    """Send one event again, whatever became of it before, also where the endpoint does not ask for its type any more.

    event_id: as bodies of either kind have it. Raises NotFoundError `event_not_found`, also for one that the endpoint's kind is never
    sent, or that is older than 30 days; ConflictError `endpoint_disabled`.
    """
    found = await store.read(_find_one, (endpoint, event_id, now_ms))
    if found is None:
        raise NotFoundError("event_not_found", "event_id")
    return await _begin(store, endpoint, [found], now_ms)


async def replay_range(store: Store, wanted: EventRange, now_ms: int) -> Replayed:
    """Send the events of a range again, oldest first; none that is older than 30 days, though a replay still holds it.

    Raises MalformedError `replay_range_too_large` for more than 100,000; ConflictError `endpoint_disabled`.
    """
    wanted = replace(wanted, from_ms=max(wanted.from_ms, now_ms - KEPT_MS))
    found = await (store.read(_find_failed, wanted) if wanted.only == "failed" else _find_all(store, wanted))
    if len(found) > MAX_REPLAYED:
        raise MalformedError("replay_range_too_large")
    return await _begin(store, wanted.endpoint, found, now_ms)


async def _find_all(store: Store, wanted: EventRange) -> list[_Repeat]:
    """A page at a time, so that a long range keeps no reader from others."""
    found: list[_Repeat] = []
    position: tuple[int, str] = (wanted.from_ms, "")
    while page := await store.read(_find_page, (wanted, position)):
        found += [_Repeat(event.event_id, event.type, of) for event, of in page if _is_wanted(wanted, event)]
        if len(found) > MAX_REPLAYED:
            break
        last = page[-1][0]
        position = (last.created_ms, last.event_id)
    return found


def _is_wanted(wanted: EventRange, event: StoredEvent) -> bool:
    named = not wanted.types or event.type in wanted.types
    return named and hears(wanted.endpoint, event.type, event.data, event.integration_id)


def _find_one(tx: Transaction, item: tuple[Endpoint, str, int]) -> _Repeat | None:
    endpoint, event_id, now_ms = item
    # Kind `flow` has its own word for the same event.
    row = tx.row(
        f"SELECT {EVENT_COLUMNS} FROM events WHERE id = ? AND account_id = ? AND environment = ? AND created_ms >= ?",
        (
            *(f"evt_{event_id.partition('_')[2]}", endpoint.scope.account_id, endpoint.scope.environment),
            now_ms - KEPT_MS,
        ),
    )
    if row is None:
        return None
    event = read_event(row)
    if endpoint.kind == "flow" and not (event.data.get("door") == "flow" and event.type in FLOW_NAMES):
        return None
    latest = tx.row(
        "SELECT MAX(id) FROM deliveries WHERE event_id = ? AND endpoint_id = ?", (event.event_id, endpoint.endpoint_id)
    )
    return _Repeat(event.event_id, event.type, latest[0] if latest else None)


def _find_failed(tx: Transaction, wanted: EventRange) -> list[_Repeat]:
    types = sorted(wanted.types)
    named = f" AND d.type IN ({','.join('?' * len(types))})" if types else ""
    rows = tx.rows(
        "SELECT d.event_id, MAX(d.type), MAX(d.id) FROM deliveries AS d JOIN events AS e ON e.id = d.event_id"
        f" WHERE d.endpoint_id = ? AND d.{FAILED} AND e.created_ms >= ? AND e.created_ms < ?{named}"
        " AND NOT EXISTS (SELECT 1 FROM deliveries AS b WHERE b.event_id = d.event_id AND b.endpoint_id = d.endpoint_id"
        " AND b.status IN ('succeeded', 'pending')) GROUP BY d.event_id"
        f" ORDER BY MIN(e.created_ms), d.event_id LIMIT {MAX_REPLAYED + 1}",
        (wanted.endpoint.endpoint_id, wanted.from_ms, wanted.to_ms, *types),
    )
    return [_Repeat(*row) for row in rows]


def _find_page(tx: Transaction, item: tuple[EventRange, tuple[int, str]]) -> list[tuple[StoredEvent, str | None]]:
    wanted, (after_ms, after_id) = item
    scope = wanted.endpoint.scope
    rows = tx.rows(
        f"SELECT {EVENT_COLUMNS}, (SELECT MAX(d.id) FROM deliveries AS d WHERE d.event_id = events.id AND d.endpoint_id = ?)"
        " FROM events WHERE account_id = ? AND environment = ? AND created_ms >= ? AND created_ms < ?"
        f" AND (created_ms > ? OR id > ?) ORDER BY created_ms, id LIMIT {_READ_AT_ONCE}",
        (
            *(wanted.endpoint.endpoint_id, scope.account_id, scope.environment),
            *(after_ms, wanted.to_ms, after_ms, after_id),
        ),
    )
    return [(read_event(row[:-1]), row[-1]) for row in rows]


async def _begin(store: Store, endpoint: Endpoint, repeats: Sequence[_Repeat], now_ms: int) -> Replayed:
    """Write the deliveries, some at a time, so that a long replay keeps no other change waiting."""
    replay_id = new_id("rpl_")
    for start in range(0, max(len(repeats), 1), _WRITE_AT_ONCE):
        part = _Part(endpoint, replay_id, repeats[start : start + _WRITE_AT_ONCE], now_ms + start * _APART_MS, now_ms)
        await store.write(_insert, part)
    return Replayed(replay_id, len(repeats))


@one_by_one
def _insert(tx: Transaction, part: _Part) -> None:
    endpoint_id, scope = part.endpoint.endpoint_id, part.endpoint.scope
    if tx.row("SELECT 1 FROM webhook_endpoints WHERE id = ? AND enabled = 1", (endpoint_id,)) is None:
        raise ConflictError("endpoint_disabled")
    rows: list[tuple[Value, ...]] = [
        (
            *(new_id("dlv_"), scope.account_id, scope.environment, endpoint_id, repeat.event_id, repeat.type, "pending"),
            *(part.now_ms, part.from_ms + number * _APART_MS, None, 0, None, repeat.of, part.replay_id, None),
        )
        for number, repeat in enumerate(part.repeats)
    ]
    tx.insert_many(_INSERT, _WIDTH, rows)
    if part.endpoint.members.encryption_key is not None:
        # A body that was sealed once is sent again as it was, unless it was erased meanwhile.
        tx.execute(
            "UPDATE deliveries SET body = (SELECT b.body FROM deliveries AS b WHERE b.id = deliveries.replay_of)"
            " WHERE replay_id = ? AND due_ms >= ? AND status = 'pending' AND endpoint_id = ?",
            (part.replay_id, part.from_ms, endpoint_id),
        )
    tx.announce(DELIVERIES)
