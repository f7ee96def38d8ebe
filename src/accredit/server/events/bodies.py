"""The body of a delivery, octet by octet: protocol-webhooks.md sections 3 and 4.

Thin bodies are made from the event each time, and are the same each time. A body for an endpoint with a key is a compact JWE; it is
sealed once, in the transaction of the event, and the delivery keeps it. What a full payload adds to it is stored nowhere else.

    body = delivery.body or body_of(endpoint, event, flow)
    headers["content-type"] = media_type(body)
"""

from collections.abc import Mapping
from functools import lru_cache

import msgspec

from accredit.encoding import Json, JsonError, compact_json
from accredit.errors import MalformedError
from accredit.sealing import EncryptionKey, parse_encryption_key
from accredit.server.events.event_types import FLOW_NAMES, STATUS_UPDATED
from accredit.server.events.records import Endpoint, StoredEvent
from accredit.server.times import wire_time
from accredit.webhooks import FLOW_VERSION, seal_event
from accredit.webhooks.events import is_sealed

# Members beyond those that every event has, in their order.
_REST_MEMBERS = ("provider", "external_reference", "usage_reference")
_KEY_MEMBERS = ("key_id", "purposes", "until")
_MEMBERS: dict[str, tuple[str, ...]] = {
    "session.step_updated": ("step", "step_status"),
    "session.retried": ("previous_session_id",),
    "integration.policy_changed": ("version", "changed"),
    "integration.limit_approaching": ("count", "limit"),
    "integration.limit_reached": ("count", "limit"),
    "key.created": _KEY_MEMBERS,
    "key.retiring": _KEY_MEMBERS,
    "key.revoked": _KEY_MEMBERS,
    "key.expiring": _KEY_MEMBERS,
    "key.leaked": ("key_id", "purposes", "source", "url"),
    "endpoint.failing": ("endpoint_id", "since"),
    "endpoint.disabled": ("endpoint_id", "since"),
    "test.ping": ("test",),
}
# What an event is about that is of no session.
_SUBJECTS = {"key": "key_id", "endpoint": "endpoint_id"}
_WITH_ANSWER = ("session.success", "session.failed", "session.aborted")
# protocol-flow.md section 6; the others are called alike.
_FLOW_STATUSES = {"created": "active", "waiting": "active", "cancelled": "canceled"}


class FlowFacts(msgspec.Struct, frozen=True):
    """What a flow body says of its session beside the event, read when it is sent. customer_reference: None after redaction.

    integration_version: of the template, as the session keeps it.
    """

    customer_reference: str | None
    integration_version: int | None
    previous_session_id: str | None = None


NO_FACTS = FlowFacts(None, None)


def body_of(endpoint: Endpoint, event: StoredEvent, flow: FlowFacts = NO_FACTS) -> bytes:
    """The body that an endpoint is sent where its delivery keeps none; a thin one, sealed if the endpoint has a key.

    flow: for an endpoint of kind `flow`.
    """
    if endpoint.kind == "flow":
        return flow_body(endpoint, event, flow)
    return _seal(endpoint, compact_json(_accredit_members(endpoint, event)))


def kept_body(endpoint: Endpoint, event: StoredEvent, answer: Mapping[str, Json]) -> bytes | None:
    """The body that a delivery keeps: sealed if the endpoint has a key, with the answer if it takes full payloads; else None.

    answer: `session`, what the door's API would answer now, or `sealed_answer`, the caller's own JWE; empty for none. What would be
    more than 256 KiB, or nested more deeply than receivers read, is thin: nothing keeps a session from its end.
    """
    if endpoint.members.encryption_key is None:
        return None
    members = _accredit_members(endpoint, event)
    if takes_answer(endpoint, event.type) and answer:
        try:
            return _seal(endpoint, compact_json({**members, "data": {**members["data"], **answer}}))
        except (MalformedError, JsonError):
            pass
    return _seal(endpoint, compact_json(members))


def takes_answer(endpoint: Endpoint, event_type: str) -> bool:
    """Whether events of that type tell the endpoint what the door would answer."""
    return endpoint.members.payload == "full" and event_type in _WITH_ANSWER


def media_type(body: bytes) -> str:
    """The `Content-Type` of a body."""
    return "application/jose" if is_sealed(body) else "application/json"


def event_id_of(endpoint: Endpoint, event: StoredEvent) -> str:
    """The event's id as the endpoint knows it, in the body and in `webhook-id`."""
    return f"whkevt_{event.tail}" if endpoint.kind == "flow" else event.event_id


def _accredit_members(endpoint: Endpoint, event: StoredEvent) -> dict[str, dict[str, Json]]:
    data, about = event.data, event.type.partition(".")[0]
    common: dict[str, Json] = {
        "object": about,
        "id": event.session_id or data.get(_SUBJECTS.get(about, "")) or event.integration_id,
        "door": data.get("door"),
        "status": data.get("status"),
        "integration_id": event.integration_id,
        "sequence": event.sequence,
        "reason": data.get("reason"),
        "tags": data.get("tags", []),
    }
    names = (*(_REST_MEMBERS if data.get("door") == "rest" and about == "session" else ()), *_MEMBERS.get(event.type, ()))
    members: dict[str, Json] = {
        "id": event.event_id,
        "type": event.type,
        "timestamp": wire_time(event.created_ms),
        "account_id": event.scope.account_id,
        "environment": event.scope.environment,
        "endpoint_id": endpoint.endpoint_id,
    }
    return {**members, "data": {**common, **{name: data.get(name) for name in names}}}  # type: ignore[dict-item]


def flow_body(endpoint: Endpoint, event: StoredEvent, flow: FlowFacts) -> bytes:
    """The original's body. The event is one of those in FLOW_NAMES."""
    name, data = FLOW_NAMES[event.type], event.data
    # Of a change of status the event's own type tells, whatever became of the session meanwhile.
    status = event.type.partition(".")[2] if name == STATUS_UPDATED else data.get("status")
    return compact_json(
        {
            "id": event_id_of(endpoint, event),
            "timestamp": f"{wire_time(event.created_ms)[:-5]}Z",
            "event": name,
            "data": {
                "object": "flow_session",
                "id": event.session_id,
                "status": _FLOW_STATUSES.get(str(status), status),
                "step": data.get("step"),
                "customer_reference": flow.customer_reference,
                "_meta": FLOW_VERSION,
                "template": {"id": event.integration_id, "version": flow.integration_version},
                "previous_session_id": flow.previous_session_id,
                "step_status": data.get("step_status"),
                "sequence": event.sequence,
            },
            "environment": event.scope.environment,
            "endpoint_id": endpoint.endpoint_id,
        }
    )


def _seal(endpoint: Endpoint, body: bytes) -> bytes:
    key = endpoint.members.encryption_key
    return body if key is None else seal_event(body, _parsed_key(key))


@lru_cache(maxsize=256)
def _parsed_key(text: str) -> EncryptionKey:
    """A key that was judged before. Parsing it costs more than sealing to it."""
    return parse_encryption_key(msgspec.json.decode(text))
