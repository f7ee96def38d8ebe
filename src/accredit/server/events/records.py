"""What the outbox keeps: endpoints, and of each event one delivery for an endpoint, with its attempts (protocol-webhooks.md).

An endpoint's secrets are key records of purpose `webhook`; its body is stored only where it was sealed.

    endpoint = await store.read(find_endpoint, (scope, endpoint_id))
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, TypeAlias

import msgspec

from accredit.server.keyring.scope import Scope
from accredit.server.store import Row, Transaction

EndpointKind: TypeAlias = Literal["accredit", "flow"]
Payload: TypeAlias = Literal["thin", "full"]
Signing: TypeAlias = Literal["api_key", "endpoint"]
DisabledReason: TypeAlias = Literal["manual", "gone", "failing", "key_revoked"]
DeliveryStatus: TypeAlias = Literal["pending", "succeeded", "exhausted", "cancelled"]

MAX_ENDPOINTS = 20
# How long events, their deliveries and what those hold are kept.
KEPT_MS = 30 * 86_400_000


class EndpointMembers(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the column `members` holds: all that an owner may set and anybody with the database may read.

    event_types: in the words of the kind. doors, integrations, tags: empty means all. encryption_key: a public JWK, as JSON. signing,
    api_key_id: of kind `flow`. timeout_s: for one attempt.
    """

    url: str
    event_types: tuple[str, ...]
    doors: tuple[str, ...] = ()
    integrations: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    payload: Payload = "thin"
    encryption_key: str | None = None
    signing: Signing | None = None
    api_key_id: str | None = None
    timeout_s: int = 15
    concurrency: int = 4
    description: str = ""


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook endpoint as stored.

    enabled: disabled_reason says why not. failing_since_ms: of the first failure after the last success. failures: since then.
    answered_key_id: of the key record that signed `Authorization` when the endpoint last answered with 2xx. timeouts: in a row.
    paused_until_ms: as its `Retry-After` asked. told_failing_ms: when `endpoint.failing` was written for this failing_since.
    probe: the last one, as JSON.
    """

    endpoint_id: str
    scope: Scope
    kind: EndpointKind
    members: EndpointMembers
    enabled: bool
    disabled_reason: DisabledReason | None
    created_ms: int
    updated_ms: int
    failing_since_ms: int | None = None
    failures: int = 0
    answered_key_id: str | None = None
    timeouts: int = 0
    paused_until_ms: int | None = None
    told_failing_ms: int | None = None
    probe: str | None = None


ENDPOINT_COLUMNS = (
    "id, account_id, environment, kind, members, enabled, disabled_reason, created_ms, updated_ms, failing_since_ms, failures,"
    " answered_key_id, timeouts, paused_until_ms, told_failing_ms, probe"
)


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as stored. tail: its id without `evt_`. data: JSON, what `Event.data` held."""

    event_id: str
    scope: Scope
    type: str
    created_ms: int
    session_id: str | None
    integration_id: str | None
    sequence: int | None
    data: dict[str, Any]

    @property
    def tail(self) -> str:
        """What all ids of this event end with."""
        return self.event_id.partition("_")[2]


EVENT_COLUMNS = "id, account_id, environment, type, created_ms, session_id, integration_id, sequence, data"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one endpoint. due_ms: of the coming attempt, None when there is none. attempts: how many were made.

    lease_until_ms: while a node attempts it. body: as it was sealed once, None where it is made from the event.
    replay_of: the delivery that this one repeats. replay_id: of the replay that made it.
    """

    delivery_id: str
    scope: Scope
    endpoint_id: str
    event_id: str
    type: str
    status: DeliveryStatus
    created_ms: int
    due_ms: int | None
    lease_until_ms: int | None = None
    attempts: int = 0
    ended_ms: int | None = None
    replay_of: str | None = None
    replay_id: str | None = None
    body: bytes | None = field(default=None, repr=False)


DELIVERY_COLUMNS = (
    "id, account_id, environment, endpoint_id, event_id, type, status, created_ms, due_ms, lease_until_ms, attempts, ended_ms,"
    " replay_of, replay_id, body"
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One HTTP try. number: from 1. status: of the answer, None without one. error: a code of section 10, None for a success.

    address: who was reached. key_ids: of the keys that signed. authorization_key_id: of the one that signed `Authorization`.
    """

    delivery_id: str
    number: int
    at_ms: int
    duration_ms: int
    status: int | None
    error: str | None
    address: str | None
    key_ids: tuple[str, ...]
    authorization_key_id: str | None
    excerpt: str | None


ATTEMPT_COLUMNS = "delivery_id, number, at_ms, duration_ms, status, error, address, key_ids, authorization_key_id, excerpt"

# The deliveries that ended without success; few, so that they have an index of their own, which takes exactly these words.
FAILED = "status IN ('exhausted', 'cancelled')"


def find_endpoint(tx: Transaction, wanted: tuple[Scope, str]) -> Endpoint | None:
    """Query: the endpoint of that id, if it is of that account and environment, and no listener."""
    scope, endpoint_id = wanted
    row = tx.row(
        f"SELECT {ENDPOINT_COLUMNS} FROM webhook_endpoints WHERE id = ? AND account_id = ? AND environment = ?"
        " AND listening_until_ms IS NULL",
        (endpoint_id, scope.account_id, scope.environment),
    )
    return None if row is None else read_endpoint(row)


def list_endpoints(tx: Transaction, scope: Scope) -> list[Endpoint]:
    """Query: the endpoints of an account and environment, oldest first; there are at most 20."""
    rows = tx.rows(
        f"SELECT {ENDPOINT_COLUMNS} FROM webhook_endpoints WHERE account_id = ? AND environment = ? AND listening_until_ms IS NULL"
        " ORDER BY id",
        (scope.account_id, scope.environment),
    )
    return [read_endpoint(row) for row in rows]


def read_endpoint(row: Row) -> Endpoint:
    """The endpoint of a row that was selected by ENDPOINT_COLUMNS."""
    endpoint_id, account_id, environment, kind, members, enabled, disabled_reason, created_ms, updated_ms, *rest = row
    failing_since_ms, failures, answered_key_id, timeouts, paused_until_ms, told_failing_ms, probe = rest
    return Endpoint(
        endpoint_id=endpoint_id,
        scope=Scope(account_id, environment),
        kind=kind,
        members=read_members(members),
        enabled=bool(enabled),
        disabled_reason=disabled_reason,
        created_ms=created_ms,
        updated_ms=updated_ms,
        failing_since_ms=failing_since_ms,
        failures=failures,
        answered_key_id=answered_key_id,
        timeouts=timeouts,
        paused_until_ms=paused_until_ms,
        told_failing_ms=told_failing_ms,
        probe=probe,
    )


# Every event of an account with endpoints reads them again.
read_members = lru_cache(maxsize=1024)(msgspec.json.Decoder(EndpointMembers).decode)


def write_members(members: EndpointMembers) -> str:
    """The members as the column keeps them."""
    return msgspec.json.encode(members).decode()


def read_event(row: Row) -> StoredEvent:
    """The event of a row that was selected by EVENT_COLUMNS."""
    event_id, account_id, environment, event_type, created_ms, session_id, integration_id, sequence, data = row
    members = msgspec.json.decode(data)
    return StoredEvent(
        event_id, Scope(account_id, environment), event_type, created_ms, session_id, integration_id, sequence, members
    )


def read_delivery(row: Row) -> Delivery:
    """The delivery of a row that was selected by DELIVERY_COLUMNS."""
    delivery_id, account_id, environment, *rest = row
    return Delivery(delivery_id, Scope(account_id, environment), *rest)


def read_attempt(row: Row) -> Attempt:
    """The attempt of a row that was selected by ATTEMPT_COLUMNS."""
    members = list(row)
    members[7] = msgspec.json.decode(members[7], type=tuple[str, ...])
    return Attempt(*members)
