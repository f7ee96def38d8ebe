"""Events that never happened, for test requests and probes: of every type, with ids that nobody has (protocol-webhooks.md section 6).

event = sample_event(endpoint, "session.success", now_ms)
body = body_of(endpoint, event, SAMPLE_FACTS)
"""

from dataclasses import dataclass

from accredit.encoding import Json
from accredit.errors import MalformedError
from accredit.server.events.bodies import FlowFacts
from accredit.server.events.event_types import EVENT_TYPES, FLOW_NAMES, RETRIED, STATUS_UPDATED, STEP_UPDATED
from accredit.server.events.outbox import Event, append
from accredit.server.events.records import Endpoint, EndpointKind, StoredEvent
from accredit.server.keyring.scope import Scope
from accredit.server.store import Store, Transaction, one_by_one
from accredit.server.times import wire_time

# What the ids of samples end in.
TAIL = "1" * 22
_SESSION, _TEMPLATE = f"flwses_{TAIL}", f"flwtmp_{TAIL}"
_FACTS, _FACTS_OF_RETRY = FlowFacts("accredit-test", 1), FlowFacts("accredit-test", 1, _SESSION)
DEFAULT_TYPES: dict[EndpointKind, str] = {"accredit": "test.ping", "flow": STATUS_UPDATED}
_OF_FLOW_NAMES = {STATUS_UPDATED: "session.success", STEP_UPDATED: "session.step_updated", RETRIED: "session.retried"}
_KEY: dict[str, Json] = {"key_id": f"key_{TAIL}", "purposes": ["api"], "until": None}


@dataclass(frozen=True, slots=True)
class Sample:
    """An event and what a body of kind `flow` says beside it."""

    event: StoredEvent
    facts: FlowFacts


def sample_for(endpoint: Endpoint, name: str | None, now_ms: int) -> Sample:
    """A sample in the words of the endpoint's kind; its default without a name. Raises MalformedError `event_type_unknown`."""
    type_ = type_of(endpoint.kind, DEFAULT_TYPES[endpoint.kind] if name is None else name)
    return Sample(_made(type_, endpoint.scope, now_ms), _FACTS_OF_RETRY if type_ == "session.retried" else _FACTS)


def type_of(kind: EndpointKind, name: str) -> str:
    """The type that a name stands for, in the words of a kind. Raises MalformedError `event_type_unknown`."""
    if kind == "flow":
        if name in _OF_FLOW_NAMES:
            return _OF_FLOW_NAMES[name]
        if name in FLOW_NAMES:
            return name
    elif name in EVENT_TYPES:
        return name
    raise MalformedError("event_type_unknown", "type")


def _made(type_: str, scope: Scope, now_ms: int) -> StoredEvent:
    is_session = type_.startswith("session.")
    return StoredEvent(
        event_id=f"evt_{TAIL}",
        scope=scope,
        type=type_,
        created_ms=now_ms,
        session_id=_SESSION if is_session else None,
        integration_id=_TEMPLATE if type_.startswith(("session.", "integration.")) else None,
        sequence=1 if is_session else None,
        data=_data(type_, now_ms),
    )


def _data(type_: str, now_ms: int) -> dict[str, Json]:
    """What an event of that type says beyond its ids."""
    about, _, word = type_.partition(".")
    if about == "session":
        return _session_data(word)
    if about == "key":
        return {**_KEY, "source": "browser", "url": None} if word == "leaked" else dict(_KEY)
    if about == "endpoint":
        return {
            "endpoint_id": f"whksub_{TAIL}",
            "since": wire_time(now_ms),
            "reason": "failing" if word == "disabled" else None,
        }
    if about == "integration":
        limit = {"limit_approaching": 80, "limit_reached": 100}.get(word)
        return {"version": 2, "changed": ["allowed_origins"]} if limit is None else {"count": limit, "limit": 100}
    return {"test": True}


def _session_data(word: str) -> dict[str, Json]:
    status = {"step_updated": "waiting", "retried": "created", "redacted": "success"}.get(word, word)
    data: dict[str, Json] = {"door": "flow", "status": status, "reason": None, "tags": []}
    if word == "step_updated":
        return {**data, "step": "accept_tos", "step_status": "success"}
    return {**data, "previous_session_id": _SESSION} if word == "retried" else data


@dataclass(frozen=True, slots=True)
class Triggered:
    """A sample in the outbox. event_id: None where no endpoint asks for its type. deliveries: how many endpoints hear of it."""

    type: str
    event_id: str | None
    deliveries: int


async def trigger_sample(store: Store, scope: Scope, name: str, now_ms: int) -> Triggered:
    """Let a sample happen: it is delivered as any other event. name: a type, or one of kind `flow`.

    Raises MalformedError `event_type_unknown`.
    """
    type_ = _OF_FLOW_NAMES.get(name) or type_of("accredit", name)
    return await store.write(_trigger, (type_, scope, now_ms))


@one_by_one
def _trigger(tx: Transaction, item: tuple[str, Scope, int]) -> Triggered:
    type_, scope, now_ms = item
    sample = _made(type_, scope, now_ms)
    event = Event(
        type=type_,
        scope=scope,
        created_ms=now_ms,
        session_id=sample.session_id,
        integration_id=sample.integration_id,
        sequence=sample.sequence,
        data=sample.data,
    )
    append(tx, [event])
    written = tx.row(
        "SELECT id FROM events WHERE account_id = ? AND environment = ? AND created_ms = ? AND type = ? ORDER BY id DESC LIMIT 1",
        (scope.account_id, scope.environment, now_ms, type_),
    )
    if written is None:
        return Triggered(type_, None, 0)
    return Triggered(type_, written[0], len(tx.rows("SELECT id FROM deliveries WHERE event_id = ?", written)))
