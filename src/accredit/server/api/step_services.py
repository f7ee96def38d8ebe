"""What steps of the flow door call: services of the owner's, and the gateway for text messages (protocol-webhooks.md section 8).

A PATCH replaces the members that it has. A secret is shown once: when a service is created, and when it is rotated.
"""

from typing import Annotated, Any

import msgspec

from accredit.server.api.bodies import DEFAULT_LIMIT, Cursor, Limit
from accredit.server.api.cursors import ListBinding, cut_page, read_cursor
from accredit.server.api.encryption_keys import JWK_CODES
from accredit.server.api.operations import Call, found, operation
from accredit.server.api.replies import Reply, empty_reply, json_reply
from accredit.server.api.webhook_endpoints import SecretRotation
from accredit.server.node import Node
from accredit.server.steps import service_changes
from accredit.server.steps.gateway_changes import GatewayChange, remove_gateway, set_gateway
from accredit.server.steps.gateways import SmsGateway
from accredit.server.steps.service_changes import Parts, Rotation
from accredit.server.steps.services import (
    DEFAULT_TIMEOUT_S,
    Description,
    ServiceMembers,
    StepService,
    TimeoutS,
    Url,
    find_service,
    page_of_services,
)
from accredit.server.times import wire_time

_ALL, _ADDRESS, _GATEWAY = "/v1/step_services", "/v1/step_services/{service_id}", "/v1/sms_gateway"
_CODES = ("endpoint_url_invalid", "endpoint_address_forbidden", *JWK_CODES)
# Whatever it is, it is judged as a key, with the codes of keys.
_PublicJwk = Annotated[Any, msgspec.Meta(extra_json_schema={"type": ["object", "null"]})]


class NewStepService(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """url: where steps are asked. timeout_s: for one answer. encryption_public_key: a JWK that requests are sealed to, or null."""

    url: Url
    description: Description = ""
    timeout_s: TimeoutS = DEFAULT_TIMEOUT_S
    encryption_public_key: _PublicJwk = None


class StepServiceChanges(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Members that are to be other than they are."""

    url: Url | msgspec.UnsetType = msgspec.UNSET
    description: Description | msgspec.UnsetType = msgspec.UNSET
    timeout_s: TimeoutS | msgspec.UnsetType = msgspec.UNSET
    encryption_public_key: _PublicJwk = msgspec.UNSET


def read_changes(body: StepServiceChanges) -> dict[str, Any]:
    """The members that a change has."""
    return {name: value for name, value in msgspec.structs.asdict(body).items() if value is not msgspec.UNSET}


class StepServiceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A service. public_keys: those of the account that sign `v1a`.

    secret: `whsec_` and base64, where it was made by this call; no other answer has it.
    """

    id: str
    url: str
    description: str
    timeout_s: int
    encryption_public_key: dict[str, Any] | None
    public_keys: list[str]
    created_at: str
    updated_at: str
    secret: str | msgspec.UnsetType = msgspec.UNSET


class StepServicePage(msgspec.Struct, frozen=True):
    """Oldest first. next_cursor: null on the last page."""

    step_services: list[StepServiceAnswer]
    next_cursor: str | None


class StepServiceQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which page."""

    cursor: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT


class SmsGatewayMembers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """url: what takes text messages by POST. body: JSON in whose texts `{to}`, `{text}` and `{id}` stand for what they name.

    headers: sent with each message, at most 20, and never shown again; left out, those that are there stay.
    """

    url: Url
    body: dict[str, Any]
    headers: dict[str, Annotated[str, msgspec.Meta(max_length=1024)]] | None = None


class SmsGatewayAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The gateway. header_names: of the headers, whose values are not shown."""

    url: str
    body: dict[str, Any]
    header_names: list[str]
    updated_at: str


@operation("POST", _ALL, answer=StepServiceAnswer, status=201, codes=(*_CODES, "step_service_limit_reached"))
async def create_step_service(call: Call, body: NewStepService) -> Reply:
    """Create a service that steps can be asked of; its secret is shown this once."""
    members = ServiceMembers(**msgspec.structs.asdict(body))
    issued = await service_changes.create_service(_parts(call), call.scope, members, call.cause)
    return json_reply(call.request_id, await answer_service(call.node, issued.service, call.now_ms, issued.secret), 201)


@operation("GET", _ALL, answer=StepServicePage, codes=("cursor_invalid",))
async def list_step_services(call: Call, query: StepServiceQuery) -> Reply:
    """List services, oldest first."""
    node, binding = call.node, ListBinding("step_services", call.scope)
    after = read_cursor(node.sealer, binding, query.cursor)
    rows = await node.store.read(page_of_services, (call.scope, after, query.limit + 1))
    shown, following = cut_page(node.sealer, binding, rows, query.limit, lambda each: each.service_id)
    return json_reply(
        call.request_id, StepServicePage([await answer_service(node, each, call.now_ms) for each in shown], following)
    )


@operation("GET", _ADDRESS, answer=StepServiceAnswer, codes=("step_service_not_found",))
async def read_step_service(call: Call) -> Reply:
    """Read a service, without its secret."""
    wanted = (call.scope, call.part("service_id"))
    service = found(await call.node.store.read(find_service, wanted), "step_service_not_found")
    return json_reply(call.request_id, await answer_service(call.node, service, call.now_ms))


@operation("PATCH", _ADDRESS, answer=StepServiceAnswer, codes=(*_CODES, "step_service_not_found"))
async def change_step_service(call: Call, body: StepServiceChanges) -> Reply:
    """Replace members of a service; what is tried from now on has them."""
    changes, service_id = read_changes(body), call.part("service_id")
    service = await service_changes.change_service(_parts(call), call.scope, service_id, changes, call.cause)
    return json_reply(call.request_id, await answer_service(call.node, service, call.now_ms))


@operation("DELETE", _ADDRESS, status=204, codes=("step_service_not_found",))
async def delete_step_service(call: Call) -> Reply:
    """Delete a service with its secrets; steps that wait for it end with their `on_error`, or with their sessions."""
    await service_changes.delete_service(_parts(call), call.scope, call.part("service_id"), call.cause)
    return empty_reply(call.request_id)


@operation(
    "POST",
    f"{_ADDRESS}/rotate_secret",
    answer=StepServiceAnswer,
    codes=("step_service_not_found", "rotation_under_way"),
)
async def rotate_step_service_secret(call: Call, body: SecretRotation) -> Reply:
    """Give a service another secret, shown this once; for a while the present one counts beside it, both ways."""
    rotation = Rotation(call.scope, call.part("service_id"), body.overlap_s, call.cause)
    issued = await service_changes.rotate_secret(_parts(call), rotation)
    return json_reply(call.request_id, await answer_service(call.node, issued.service, call.now_ms, issued.secret))


@operation("GET", _GATEWAY, answer=SmsGatewayAnswer, codes=("sms_gateway_not_found",))
async def read_sms_gateway(call: Call) -> Reply:
    """Read the gateway that takes text messages, without the values of its headers."""
    gateway = found(await call.node.steps.gateways.find(call.scope), "sms_gateway_not_found")
    return json_reply(call.request_id, _answer_gateway(gateway))


@operation("PUT", _GATEWAY, answer=SmsGatewayAnswer, codes=("endpoint_url_invalid", "endpoint_address_forbidden"))
async def set_sms_gateway(call: Call, body: SmsGatewayMembers) -> Reply:
    """Set the gateway that takes text messages, in place of the one that is there."""
    change = GatewayChange(call.scope, body.url, body.body, body.headers, call.cause)
    gateway = await set_gateway(call.node.store, call.node.sealer, call.node.outbound, change)
    return json_reply(call.request_id, _answer_gateway(gateway))


@operation("DELETE", _GATEWAY, status=204, codes=("sms_gateway_not_found",))
async def remove_sms_gateway(call: Call) -> Reply:
    """Remove the gateway; steps that need it end with their `on_error`."""
    await remove_gateway(call.node.store, call.scope, call.cause)
    return empty_reply(call.request_id)


def _parts(call: Call) -> Parts:
    return Parts(call.node.store, call.node.sealer, call.node.outbound)


async def answer_service(node: Node, service: StepService, now_ms: int, secret: str | None = None) -> StepServiceAnswer:
    """A service as it is shown. secret: where it was made just now."""
    ring = await node.webhook_keys.ring(service.scope, now_ms)
    return StepServiceAnswer(
        id=service.service_id,
        public_keys=[key.private.public_text for key in ring.published(now_ms)],
        created_at=wire_time(service.created_ms),
        updated_at=wire_time(service.updated_ms),
        secret=msgspec.UNSET if secret is None else secret,
        **msgspec.structs.asdict(service.members),
    )


def _answer_gateway(gateway: SmsGateway) -> SmsGatewayAnswer:
    return SmsGatewayAnswer(
        url=gateway.url,
        body=dict(gateway.body),
        header_names=sorted(gateway.headers),
        updated_at=wire_time(gateway.updated_ms),
    )


OPERATIONS = (
    create_step_service,
    list_step_services,
    read_step_service,
    change_step_service,
    delete_step_service,
    rotate_step_service_secret,
    read_sms_gateway,
    set_sms_gateway,
    remove_sms_gateway,
)
