"""The outbox: an event is written in the transaction of the change that it tells of, so both last or neither (protocol-webhooks.md).

    append(tx, [Event("key.revoked", scope, now_ms, data={"key_id": key_id, "purposes": ["deployment"]})])

Events hold ids, labels and statuses, never personal data, and `data` only what section 2 lists beyond the common members. Of each
account and environment only the types are kept that an endpoint asks for, and always those of keys, integrations and endpoints
(section 9.1); endpoints do not exist yet.
"""

from collections.abc import Mapping, Sequence

import msgspec

from accredit.encoding import Json, compact_json
from accredit.server.ids import new_id
from accredit.server.keyring.scope import Scope
from accredit.server.store import Transaction

# protocol-webhooks.md section 2.
_STATUSES = "created waiting pending_review success failed aborted error cancelled expired"
_TYPES = {
    "session": f"{_STATUSES} step_updated retried redacted",
    "integration": "policy_changed limit_approaching limit_reached",
    "key": "created retiring revoked expiring leaked",
    "endpoint": "failing disabled",
    "test": "ping",
}
EVENT_TYPES = frozenset(f"{object_}.{word}" for object_, words in _TYPES.items() for word in words.split())
_ALWAYS_KEPT = frozenset(type_ for type_ in EVENT_TYPES if type_.startswith(("key.", "integration.", "endpoint.")))

_INSERT = (
    "INSERT INTO events (id, account_id, environment, type, created_ms, session_id, integration_id, sequence, data) VALUES"
)
_WIDTH = 9


class Event(msgspec.Struct, frozen=True):
    """Something that happened. sequence: counts the events of a session from 1."""

    type: str
    scope: Scope
    created_ms: int
    session_id: str | None = None
    integration_id: str | None = None
    sequence: int | None = None
    data: Mapping[str, Json] = {}


def append(tx: Transaction, events: Sequence[Event]) -> None:
    """Writes the events that somebody will hear of, with as few statements as possible. Raises ValueError for an unknown type."""
    kept = [event for event in events if _is_kept(event.type)]
    if kept:
        tx.insert_many(_INSERT, _WIDTH, [_row(event) for event in kept])


def _is_kept(event_type: str) -> bool:
    if event_type not in EVENT_TYPES:
        raise ValueError(f"no such event: {event_type}")
    return event_type in _ALWAYS_KEPT


def _row(event: Event) -> tuple[str | int | None, ...]:
    return (
        new_id("evt_"),
        event.scope.account_id,
        event.scope.environment,
        event.type,
        event.created_ms,
        event.session_id,
        event.integration_id,
        event.sequence,
        compact_json(dict(event.data)).decode(),
    )
