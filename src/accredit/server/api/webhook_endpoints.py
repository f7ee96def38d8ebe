"""Webhook endpoints: who is told of what happens, and how it is signed (protocol-webhooks.md sections 1, 5 and 10).

A PATCH replaces the members that it has. Secrets are shown once: when an endpoint is created, and when its secret is rotated.
"""

from typing import Annotated, Any

import msgspec

from accredit.server.api.encryption_keys import JWK_CODES
from accredit.server.api.operations import Call, operation
from accredit.server.api.replies import Reply, empty_reply, json_reply
from accredit.server.events import endpoint_actions, endpoints
from accredit.server.events.endpoint_actions import DEFAULT_OVERLAP_S, MAX_OVERLAP_S, EndpointAction, MadeEndpoint
from accredit.server.events.endpoints import EndpointChange, Parts, find_or_refuse
from accredit.server.events.members import NewEndpoint, WantedMembers, present_members
from accredit.server.events.probing import Probe, read_probe
from accredit.server.events.records import DisabledReason, Endpoint, EndpointKind, Payload, Signing
from accredit.server.events.records import list_endpoints as find_endpoints
from accredit.server.integrations.integration import Door
from accredit.server.node import Node
from accredit.server.times import wire_time

_ALL, _ADDRESS = "/v1/webhook_endpoints", "/v1/webhook_endpoints/{endpoint_id}"
_CODES = (
    *(
        "validation_failed",
        "event_type_unknown",
        "encryption_key_required",
        "endpoint_url_invalid",
        "endpoint_address_forbidden",
    ),
    *JWK_CODES,
)


class EndpointAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint. state, disabled_reason, failing_since: as its deliveries fared. public_keys: those of the account that sign `v1a`.

    probe: the last one, of 30 days at most. secret: `whsec_` and base64, where it was made by this call; no other answer has it.
    """

    id: str
    kind: EndpointKind
    url: str
    event_types: tuple[str, ...]
    doors: tuple[Door, ...]
    integrations: tuple[str, ...]
    tags: tuple[str, ...]
    payload: Payload
    encryption_public_key: dict[str, Any] | None
    signing: Signing | None
    api_key_id: str | None
    timeout_s: int
    concurrency: int
    description: str
    state: Annotated[str, msgspec.Meta(pattern=r"^(enabled|disabled)\Z")]
    disabled_reason: DisabledReason | None
    failing_since: str | None
    public_keys: list[str]
    probe: Probe | None
    created_at: str
    updated_at: str
    secret: str | msgspec.UnsetType = msgspec.UNSET


class EndpointList(msgspec.Struct, frozen=True):
    """Oldest first; there are at most 20."""

    webhook_endpoints: list[EndpointAnswer]


class SentMembers(msgspec.Struct, frozen=True):
    """Members that the endpoint's kind reads."""


class SecretRotation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """overlap_s: how long the present secret signs beside the new one; 0 ends it at once."""

    overlap_s: Annotated[int, msgspec.Meta(ge=0, le=MAX_OVERLAP_S)] = DEFAULT_OVERLAP_S


class ChangedEndpoint(WantedMembers, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Members that are to be other than they are."""

    url: str | msgspec.UnsetType = msgspec.UNSET  # type: ignore[assignment]


@operation("POST", _ALL, answer=EndpointAnswer, status=201, codes=(*_CODES, "endpoint_limit_reached"), reads=(NewEndpoint,))
async def create_webhook_endpoint(call: Call, body: SentMembers) -> Reply:
    """Create an endpoint; its secret is shown this once."""
    made = await endpoints.create_endpoint(parts_of(call.node), EndpointChange(call.scope, call.members, call.cause))
    return json_reply(call.request_id, await _answer(call, made.endpoint, made.secret), 201)


@operation("GET", _ALL, answer=EndpointList)
async def list_webhook_endpoints(call: Call) -> Reply:
    """List endpoints, oldest first."""
    found = await call.node.store.read(find_endpoints, call.scope)
    return json_reply(call.request_id, EndpointList([await _answer(call, each) for each in found]))


@operation("GET", _ADDRESS, answer=EndpointAnswer, codes=("endpoint_not_found",))
async def read_webhook_endpoint(call: Call) -> Reply:
    """Read an endpoint."""
    return json_reply(call.request_id, await _answer(call, await _find(call)))


@operation("PATCH", _ADDRESS, answer=EndpointAnswer, codes=(*_CODES, "endpoint_not_found"), reads=(ChangedEndpoint,))
async def change_webhook_endpoint(call: Call, body: SentMembers) -> Reply:
    """Replace members of an endpoint. What is still to be sent goes to its new address; its kind stays."""
    change = EndpointChange(call.scope, call.members, call.cause, call.part("endpoint_id"))
    return json_reply(call.request_id, await _answer(call, await endpoints.change_endpoint(parts_of(call.node), change)))


@operation("DELETE", _ADDRESS, status=204, codes=("endpoint_not_found",))
async def delete_webhook_endpoint(call: Call) -> Reply:
    """Delete an endpoint with its secrets; what was still to be sent is cancelled."""
    await endpoint_actions.delete_endpoint(call.node.store, action_of(call))
    return empty_reply(call.request_id)


@operation("POST", f"{_ADDRESS}/enable", answer=EndpointAnswer, codes=("endpoint_not_found", "key_not_live"))
async def enable_webhook_endpoint(call: Call) -> Reply:
    """Send to an endpoint again. What it missed is not sent by itself; a replay does that."""
    return json_reply(
        call.request_id, await _answer(call, await endpoint_actions.enable_endpoint(call.node.store, action_of(call)))
    )


@operation("POST", f"{_ADDRESS}/disable", answer=EndpointAnswer, codes=("endpoint_not_found",))
async def disable_webhook_endpoint(call: Call) -> Reply:
    """Send no more to an endpoint; what was still to be sent is cancelled."""
    return json_reply(
        call.request_id, await _answer(call, await endpoint_actions.disable_endpoint(call.node.store, action_of(call)))
    )


@operation(
    "POST",
    f"{_ADDRESS}/rotate_secret",
    answer=EndpointAnswer,
    codes=("endpoint_not_found", "rotation_under_way", "validation_failed"),
    reads=(SecretRotation,),
)
async def rotate_webhook_secret(call: Call, body: SentMembers) -> Reply:
    """Give an endpoint another secret, shown this once; for a while the present one signs beside it."""
    made = await _rotate(call)
    return json_reply(call.request_id, await _answer(call, made.endpoint, made.secret))


async def _rotate(call: Call) -> MadeEndpoint:
    overlap_s = endpoint_actions.parse_overlap(call.members)
    return await endpoint_actions.rotate_secret(call.node.store, call.node.sealer, action_of(call), overlap_s)


def action_of(call: Call) -> EndpointAction:
    """Something to be done to the endpoint that the address names."""
    return EndpointAction(call.scope, call.part("endpoint_id"), call.cause)


async def _find(call: Call) -> Endpoint:
    return await find_or_refuse(call.node.store, call.scope, call.part("endpoint_id"))


async def answer_endpoint(node: Node, endpoint: Endpoint, now_ms: int, secret: str | None = None) -> EndpointAnswer:
    """An endpoint as its owner sees it. secret: where it was made just now."""
    ring = await node.webhook_keys.ring(endpoint.scope, now_ms)
    failing_ms = endpoint.failing_since_ms
    return EndpointAnswer(
        id=endpoint.endpoint_id,
        kind=endpoint.kind,
        state="enabled" if endpoint.enabled else "disabled",
        disabled_reason=endpoint.disabled_reason,
        failing_since=None if failing_ms is None else wire_time(failing_ms),
        public_keys=[key.private.public_text for key in ring.published(now_ms)],
        probe=read_probe(endpoint, now_ms),
        created_at=wire_time(endpoint.created_ms),
        updated_at=wire_time(endpoint.updated_ms),
        secret=msgspec.UNSET if secret is None else secret,
        **present_members(endpoint.members),
    )


async def _answer(call: Call, endpoint: Endpoint, secret: str | None = None) -> EndpointAnswer:
    return await answer_endpoint(call.node, endpoint, call.now_ms, secret)


def parts_of(node: Node) -> Parts:
    """What changes of endpoints stand on."""
    return Parts(node.store, node.sealer, node.outbound, node.webhook_keys)


OPERATIONS = (
    create_webhook_endpoint,
    list_webhook_endpoints,
    read_webhook_endpoint,
    change_webhook_endpoint,
    delete_webhook_endpoint,
    enable_webhook_endpoint,
    disable_webhook_endpoint,
    rotate_webhook_secret,
)
