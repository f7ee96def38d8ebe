"""Listeners, which `accredit webhooks listen` works by: sandbox events are fetched, not sent (protocol-webhooks.md section 10)."""

from typing import Annotated, Literal

import msgspec

from accredit.encoding import b64_encode
from accredit.server.api.operations import Call, operation
from accredit.server.api.replies import Reply, empty_reply, json_reply
from accredit.server.events import listening
from accredit.server.events.excerpts import MAX_EXCERPT_BYTES
from accredit.server.events.listening import Answered, Fetched, ListenerMembers
from accredit.server.events.members import EventTypes, Url
from accredit.server.events.records import DeliveryStatus, EndpointKind

_ALL, _ADDRESS = "/v1/webhook_listeners", "/v1/webhook_listeners/{listener_id}"
_Header = Annotated[str, msgspec.Meta(max_length=256)]


class NewListener(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """forward_to: where the caller forwards to; never called by the server. kind, event_types: as of endpoints."""

    forward_to: Url
    kind: EndpointKind = "accredit"
    event_types: EventTypes | None = None


class ListenerAnswer(msgspec.Struct, frozen=True):
    """secret: signs what is fetched, for as long as the listener lives; shown this once."""

    id: str
    kind: EndpointKind
    event_types: tuple[str, ...]
    secret: str


class FetchQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """wait_s: how long to wait for the first."""

    wait_s: Annotated[int, msgspec.Meta(ge=0, le=int(listening.WAIT_S))] = int(listening.WAIT_S)


class FetchedRequest(msgspec.Struct, frozen=True):
    """One request, to be posted as it is. lease: comes back with the answer. body: base64."""

    delivery_id: str
    lease: int
    headers: dict[str, str]
    body: str


class FetchedRequests(msgspec.Struct, frozen=True):
    """What is to be forwarded now."""

    requests: list[FetchedRequest]


class ForwardedAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the address answered: a status, or an error where nothing came. body: the beginning of its text."""

    delivery_id: Annotated[str, msgspec.Meta(max_length=64)]
    lease: Annotated[int, msgspec.Meta(ge=0, le=2**62)]
    status: Annotated[int, msgspec.Meta(ge=200, le=599)] | None = None
    error: Literal["connect_failed", "response_timeout", "response_malformed"] | None = None
    duration_ms: Annotated[int, msgspec.Meta(ge=0, le=600_000)]
    retry_after: _Header | None = None
    content_type: _Header | None = None
    body: Annotated[str, msgspec.Meta(max_length=MAX_EXCERPT_BYTES)] = ""


class ForwardedStatus(msgspec.Struct, frozen=True):
    """What the delivery is now."""

    status: DeliveryStatus


@operation(
    "POST",
    _ALL,
    answer=ListenerAnswer,
    status=201,
    codes=("sandbox_only", "endpoint_url_invalid", "event_type_unknown", "validation_failed", "endpoint_limit_reached"),
)
async def open_webhook_listener(call: Call, body: NewListener) -> Reply:
    """Listen to sandbox events. A listener that fetches nothing for a minute is closed."""
    wanted = ListenerMembers(body.forward_to, body.kind, body.event_types)
    made = await listening.open_listener(call.node, call.scope, wanted, call.cause)
    endpoint = made.endpoint
    answer = ListenerAnswer(endpoint.endpoint_id, endpoint.kind, endpoint.members.event_types, made.secret)
    return json_reply(call.request_id, answer, 201)


@operation("GET", f"{_ADDRESS}/requests", answer=FetchedRequests, codes=("endpoint_not_found",))
async def fetch_webhook_requests(call: Call, query: FetchQuery) -> Reply:
    """Fetch what is to be forwarded, and wait for it a while."""
    found = await listening.fetch_requests(call.node, call.scope, call.part("listener_id"), wait_s=query.wait_s)
    return json_reply(call.request_id, FetchedRequests([_answer(each) for each in found]))


@operation("POST", f"{_ADDRESS}/answers", answer=ForwardedStatus, codes=("endpoint_not_found", "delivery_not_found"))
async def note_webhook_answer(call: Call, body: ForwardedAnswer) -> Reply:
    """Say what came of forwarding a request. What failed is fetched again when its next attempt is due."""
    answered = Answered(
        delivery_id=body.delivery_id,
        lease=body.lease,
        status=body.status,
        error=body.error,
        duration_ms=body.duration_ms,
        retry_after=body.retry_after,
        content_type=body.content_type,
        body=body.body.encode(),
    )
    status = await listening.note_answer(call.node, call.scope, call.part("listener_id"), answered)
    return json_reply(call.request_id, ForwardedStatus(status))


@operation("DELETE", _ADDRESS, status=204, codes=("endpoint_not_found",))
async def close_webhook_listener(call: Call) -> Reply:
    """Listen no more; its secret ends."""
    await listening.close_listener(call.node, call.scope, call.part("listener_id"), call.cause)
    return empty_reply(call.request_id)


def _answer(fetched: Fetched) -> FetchedRequest:
    return FetchedRequest(fetched.delivery_id, fetched.lease, fetched.headers, b64_encode(fetched.body))


OPERATIONS = (open_webhook_listener, fetch_webhook_requests, note_webhook_answer, close_webhook_listener)
