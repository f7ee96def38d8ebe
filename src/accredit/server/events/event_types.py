"""What can happen, by name, and what an endpoint hears of it (protocol-webhooks.md sections 1 to 3).

An endpoint of kind `accredit` asks for types, `session.*` or `*`; one of kind `flow` for the three names of the original's events,
which stand for types of flow sessions only.

    asks_for(endpoint, "session.success", "rest")       # whether the event is worth keeping
    hears(endpoint, "session.success", {"door": "rest", "tags": ["beta"]}, integration_id)      # whether it is delivered
"""

from collections.abc import Mapping

from accredit.encoding import Json
from accredit.server.events.records import Endpoint

_STATUSES = "created waiting pending_review success failed aborted error cancelled expired"
_TYPES = {
    "session": f"{_STATUSES} step_updated retried redacted",
    "integration": "policy_changed limit_approaching limit_reached",
    "key": "created retiring revoked expiring leaked",
    "endpoint": "failing disabled",
    "test": "ping",
}
EVENT_TYPES = frozenset(f"{object_}.{word}" for object_, words in _TYPES.items() for word in words.split())
# Kept though nobody asks for them.
ALWAYS_KEPT = frozenset(type_ for type_ in EVENT_TYPES if type_.startswith(("key.", "integration.", "endpoint.")))

ALL, ALL_OF_SESSIONS = "*", "session.*"
WANTED_NAMES = EVENT_TYPES | {ALL, ALL_OF_SESSIONS}

STATUS_UPDATED, STEP_UPDATED, RETRIED = "flow_session.status.updated", "flow_session.step.updated", "flow_session.retried"
FLOW_NAMES = {
    **{f"session.{status}": STATUS_UPDATED for status in ("pending_review", "success", "failed", "expired", "cancelled")},
    "session.step_updated": STEP_UPDATED,
    "session.retried": RETRIED,
}
ALL_FLOW_NAMES = (STATUS_UPDATED, STEP_UPDATED, RETRIED)


def asks_for(endpoint: Endpoint, event_type: str, door: Json) -> bool:
    """Whether an endpoint, enabled or not, asks for events of that type."""
    wanted = endpoint.members.event_types
    if endpoint.kind == "flow":
        return door == "flow" and FLOW_NAMES.get(event_type) in wanted
    return event_type in wanted or ALL in wanted or (ALL_OF_SESSIONS in wanted and event_type.startswith("session."))


def hears(endpoint: Endpoint, event_type: str, data: Mapping[str, Json], integration_id: str | None) -> bool:
    """Whether the event is for that endpoint: it asks for the type, and the event matches each of its lists that is not empty.

    data: of the event. An endpoint does not hear of itself.
    """
    members, tags = endpoint.members, data.get("tags")
    return (
        asks_for(endpoint, event_type, data.get("door"))
        and (not members.doors or data.get("door") in members.doors)
        and (not members.integrations or integration_id in members.integrations)
        and (not members.tags or (isinstance(tags, list) and not set(members.tags).isdisjoint(map(str, tags))))
        and data.get("endpoint_id") != endpoint.endpoint_id
    )
