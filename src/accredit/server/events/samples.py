"""Events that never happened, for test requests and probes: of every type, with ids that nobody has (protocol-webhooks.md section 6).

event = sample_event(endpoint, "session.success", now_ms)
body = body_of(endpoint, event, SAMPLE_FACTS)
"""

from dataclasses import dataclass

from accredit.encoding import Json
from accredit.errors import MalformedError
from accredit.server.events.bodies import FlowFacts
from accredit.server.events.event_types import EVENT_TYPES, FLOW_NAMES, RETRIED, STATUS_UPDATED, STEP_UPDATED
from accredit.server.events.records import Endpoint, EndpointKind, StoredEvent
from accredit.server.keyring.scope import Scope
from accredit.server.times import wire_time

# What the ids of samples end in.
TAIL = "1" * 22
_SESSION, _TEMPLATE = f"flwses_{TAIL}", f"flwtmp_{TAIL}"
SAMPLE_FACTS = FlowFacts("accredit-test", 1, _SESSION)
_NO_RETRY = FlowFacts("accredit-test", 1)
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
    return Sample(
        *_made(type_of(endpoint.kind, DEFAULT_TYPES[endpoint.kind] if name is None else name), endpoint.scope, now_ms)
    )


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


def _made(type_: str, scope: Scope, now_ms: int) -> tuple[StoredEvent, FlowFacts]:
    is_session = type_.startswith("session.")
    event = StoredEvent(
        event_id=f"evt_{TAIL}",
        scope=scope,
        type=type_,
        created_ms=now_ms,
        session_id=_SESSION if is_session else None,
        integration_id=_TEMPLATE if type_.startswith(("session.", "integration.")) else None,
        sequence=1 if is_session else None,
        data=sample_data(type_, now_ms),
    )
    return event, SAMPLE_FACTS if type_ == "session.retried" else _NO_RETRY


def sample_data(type_: str, now_ms: int) -> dict[str, Json]:
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
