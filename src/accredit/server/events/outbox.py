"""The outbox: an event is written in the transaction of the change that it tells of, so both last or neither (protocol-webhooks.md).

    append(tx, [Event("key.revoked", scope, now_ms, data={"key_id": key_id, "purposes": ["deployment"]})])

Events hold ids, labels and statuses, never personal data, and `data` only what section 2 lists beyond the ids. Of each account and
environment only the types are kept that an endpoint asks for, and always those of keys, integrations and endpoints (section 9.1).
With an event goes one delivery for each enabled endpoint that hears of it. Which endpoints there are is asked of the database, by
one statement for all events: so no node is ever behind with it, and where there are none a change costs that statement alone.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from accredit.encoding import Json, compact_json
from accredit.server import telemetry
from accredit.server.events.bodies import kept_body, takes_answer
from accredit.server.events.event_types import ALWAYS_KEPT, EVENT_TYPES, asks_for, hears
from accredit.server.events.records import (
    DELIVERY_COLUMNS,
    ENDPOINT_COLUMNS,
    EVENT_COLUMNS,
    Endpoint,
    StoredEvent,
    read_endpoint,
)
from accredit.server.ids import new_id
from accredit.server.keyring.scope import Scope
from accredit.server.store import Transaction, Value

_INSERT_EVENTS = f"INSERT INTO events ({EVENT_COLUMNS}) VALUES"
_EVENT_WIDTH = EVENT_COLUMNS.count(",") + 1
_INSERT_DELIVERIES = f"INSERT INTO deliveries ({DELIVERY_COLUMNS}) VALUES"
_DELIVERY_WIDTH = DELIVERY_COLUMNS.count(",") + 1
# What is announced where there is something to deliver.
DELIVERIES = "deliveries"
_ENDS = frozenset(f"session.{status}" for status in ("success", "failed", "aborted", "error", "cancelled", "expired"))


class Event(msgspec.Struct, frozen=True):
    """Something that happened. sequence: counts the events of a session from 1. data: in the protocol's words.

    answer: for full payloads, of a session that ended: `session`, what the door's API would answer now, or `sealed_answer`, where the
    caller gave a key. It is stored nowhere but in bodies that are sealed to an endpoint's key. build_answer: makes it, where that is
    work to be done only if somebody takes it; called in the transaction.
    """

    type: str
    scope: Scope
    created_ms: int
    session_id: str | None = None
    integration_id: str | None = None
    sequence: int | None = None
    data: Mapping[str, Json] = {}
    answer: Mapping[str, Json] = {}
    build_answer: Callable[[], Mapping[str, Json]] | None = None


def append(tx: Transaction, events: Sequence[Event]) -> None:
    """Writes the events that somebody will hear of, with their deliveries. Raises ValueError for an unknown type."""
    for event in events:
        if event.type not in EVENT_TYPES:
            raise ValueError(f"no such event: {event.type}")
        _tell_node(tx, event)
    if not events:
        return
    endpoints = _find_endpoints(tx, events)
    kept = [event for event in events if event.type in ALWAYS_KEPT or (endpoints and _is_asked_for(event, endpoints))]
    if kept:
        _write(tx, [(new_id("evt_"), event) for event in kept], endpoints)


def _tell_node(tx: Transaction, event: Event) -> None:
    """Whoever watches the session on this node is woken, and ends are counted, once it is committed."""
    if event.session_id is not None:
        tx.announce(event.session_id)
        if event.type in _ENDS:
            tx.after_commit(telemetry.sessions_ended(str(event.data.get("door")), event.type.removeprefix("session.")).inc)


def _find_endpoints(tx: Transaction, events: Sequence[Event]) -> dict[Scope, list[Endpoint]]:
    """The endpoints of the accounts that the events are of."""
    accounts = list({event.scope.account_id for event in events})
    # As many marks as the next power of two, so that few statement texts serve every group and stay prepared.
    wanted = accounts + accounts[:1] * ((1 << (len(accounts) - 1).bit_length()) - len(accounts))
    marks = ",".join("?" * len(wanted))
    found: dict[Scope, list[Endpoint]] = {}
    for row in tx.rows(f"SELECT {ENDPOINT_COLUMNS} FROM webhook_endpoints WHERE account_id IN ({marks}) ORDER BY id", wanted):
        endpoint = read_endpoint(row)
        found.setdefault(endpoint.scope, []).append(endpoint)
    return found


def _is_asked_for(event: Event, endpoints: Mapping[Scope, Sequence[Endpoint]]) -> bool:
    return any(asks_for(each, event.type, event.data.get("door")) for each in endpoints.get(event.scope, ()))


def _write(tx: Transaction, kept: Sequence[tuple[str, Event]], endpoints: Mapping[Scope, Sequence[Endpoint]]) -> None:
    tx.insert_many(_INSERT_EVENTS, _EVENT_WIDTH, [_event_row(event_id, event) for event_id, event in kept])
    deliveries = [
        _delivery_row(event_id, event, endpoint)
        for event_id, event in kept
        for endpoint in endpoints.get(event.scope, ())
        if endpoint.enabled and hears(endpoint, event.type, event.data, event.integration_id)
    ]
    if tx.insert_many(_INSERT_DELIVERIES, _DELIVERY_WIDTH, deliveries):
        tx.announce(DELIVERIES)


def _event_row(event_id: str, event: Event) -> tuple[Value, ...]:
    return (
        *(event_id, event.scope.account_id, event.scope.environment, event.type, event.created_ms),
        *(event.session_id, event.integration_id, event.sequence, compact_json(dict(event.data)).decode()),
    )


def _delivery_row(event_id: str, event: Event, endpoint: Endpoint) -> tuple[Value, ...]:
    """A delivery that is due at once."""
    scope, at_ms = event.scope, event.created_ms
    body = None
    if endpoint.members.encryption_key is not None:
        stored = StoredEvent(
            event_id, scope, event.type, at_ms, event.session_id, event.integration_id, event.sequence, dict(event.data)
        )
        body = kept_body(endpoint, stored, _answer(endpoint, event))
    return (
        *(new_id("dlv_"), scope.account_id, scope.environment, endpoint.endpoint_id, event_id, event.type, "pending"),
        *(at_ms, at_ms, None, 0, None, None, None, body),
    )


def _answer(endpoint: Endpoint, event: Event) -> Mapping[str, Json]:
    if not takes_answer(endpoint, event.type):
        return {}
    return event.answer if event.build_answer is None else event.build_answer()


def forget_bodies(tx: Transaction, session_ids: Sequence[str]) -> None:
    """Drop what deliveries keep of these sessions, because their persons are erased; what is sent from now on is thin."""
    if session_ids:
        marks = ",".join("?" * len(session_ids))
        tx.execute(
            f"UPDATE deliveries SET body = NULL WHERE event_id IN (SELECT id FROM events WHERE session_id IN ({marks}))"
            " AND body IS NOT NULL",
            session_ids,
        )
