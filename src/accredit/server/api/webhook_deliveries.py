"""What webhook endpoints were sent, and sending on purpose: tests, probes, replays (protocol-webhooks.md sections 6, 9 and 10)."""

from datetime import datetime
from typing import Annotated, TypeVar

import msgspec

from accredit.errors import MalformedError
from accredit.server.api.bodies import DEFAULT_LIMIT, Cursor, Limit
from accredit.server.api.cursors import ListBinding, cut_page, read_cursor
from accredit.server.api.operations import Call, found, operation
from accredit.server.api.replies import Reply, json_reply
from accredit.server.api.webhook_endpoints import SentMembers
from accredit.server.events import probing, replaying
from accredit.server.events.delivery_log import NEWEST, DeliverySearch, LoggedDelivery, find_deliveries, find_delivery
from accredit.server.events.endpoints import find_or_refuse
from accredit.server.events.probing import Probe
from accredit.server.events.records import Attempt, Delivery, DeliveryStatus, Endpoint
from accredit.server.events.replaying import EventRange, Only, types_named
from accredit.server.integrations.parsing import member_at_fault
from accredit.server.times import epoch_ms, wire_time

_ADDRESS = "/v1/webhook_endpoints/{endpoint_id}"
_Type = Annotated[str, msgspec.Meta(pattern=r"^[a-z_.]{1,64}\Z")]
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]
_EventId = Annotated[str, msgspec.Meta(pattern=r"^(evt|whkevt)_[1-9A-HJ-NP-Za-km-z]{22}\Z")]


Wanted = TypeVar("Wanted")


class SampleWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """type: of the sample, in the words of the endpoint's kind; by default `test.ping` or `flow_session.status.updated`."""

    type: _Type | None = None


class TestAnswer(msgspec.Struct, frozen=True):
    """outcome: `succeeded`, or what an attempt that failed is logged as. status: of the answer, null without one."""

    outcome: str
    status: int | None
    duration_ms: int
    response_excerpt: str | None


class Replay(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """event_id: one event; or from and to: those that happened from then until before then.

    event_types: types, `session.*` or `*`, or the names of kind `flow`; all by default. only: `failed` are those that were sent, and
    that the endpoint has not accepted; `all` also what it was never sent.
    """

    event_id: _EventId | None = None
    from_: _Moment | None = None
    to: _Moment | None = None
    event_types: Annotated[list[str], msgspec.Meta(min_length=1, max_length=50)] | None = None
    only: Only = "failed"


class ReplayAnswer(msgspec.Struct, frozen=True):
    """count: of deliveries, which begin now, ten a second."""

    replay_id: str
    count: int


class DeliveryQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """Which deliveries, and which page. type: of the event. from, to: when they were written."""

    status: DeliveryStatus | None = None
    type: _Type | None = None
    from_: _Moment | None = None
    to: _Moment | None = None
    cursor: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT


class DeliveryItem(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery. attempts: how many were made. next_attempt_at: null when there is none, or it is under way.

    replay_of, replay_id: of one that a replay made.
    """

    id: str
    endpoint_id: str
    event_id: str
    type: str
    status: DeliveryStatus
    attempts: int
    created_at: str
    next_attempt_at: str | None
    ended_at: str | None
    replay_of: str | None
    replay_id: str | None


class DeliveryPage(msgspec.Struct, frozen=True):
    """Newest first. next_cursor: null on the last page."""

    deliveries: list[DeliveryItem]
    next_cursor: str | None


class AttemptAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt. status: of the answer. error: null for a success. address: who answered. key_ids: of the keys that signed."""

    number: int
    at: str
    duration_ms: int
    status: int | None
    error: str | None
    address: str | None
    key_ids: list[str]
    response_excerpt: str | None


class DeliveryAnswer(msgspec.Struct, frozen=True):
    """A delivery with its attempts, oldest first."""

    delivery: DeliveryItem
    attempts: list[AttemptAnswer]


@operation(
    "POST",
    f"{_ADDRESS}/test",
    answer=TestAnswer,
    codes=("endpoint_not_found", "endpoint_disabled", "event_type_unknown", "key_not_live", "validation_failed"),
    reads=(SampleWanted,),
)
async def test_webhook_endpoint(call: Call, body: SentMembers) -> Reply:
    """Send a sample now, once, and answer what came of it."""
    sent = await probing.send_sample(call.node, await _find(call), _read(call, SampleWanted).type)
    return json_reply(call.request_id, TestAnswer(sent.outcome, sent.status, sent.duration_ms, sent.response_excerpt))


@operation("POST", f"{_ADDRESS}/probe", answer=Probe, codes=("endpoint_not_found", "key_not_live"))
async def probe_webhook_endpoint(call: Call) -> Reply:
    """Send a genuine sample and four forged ones, one after another: an endpoint must accept the first and refuse the others."""
    return json_reply(call.request_id, await probing.probe_endpoint(call.node, await _find(call)))


@operation(
    "POST",
    f"{_ADDRESS}/replay",
    answer=ReplayAnswer,
    status=202,
    codes=(
        *("endpoint_not_found", "endpoint_disabled", "event_not_found"),
        *("event_type_unknown", "replay_range_too_large", "validation_failed"),
    ),
    reads=(Replay,),
)
async def replay_webhook_events(call: Call, body: SentMembers) -> Reply:
    """Send an event, or the events of a range, to an endpoint again, under their old ids."""
    endpoint, store, wanted = await _find(call), call.node.store, _read(call, Replay)
    if wanted.event_id is None:
        begun = await replaying.replay_range(store, _range_of(endpoint, wanted), call.now_ms)
    elif call.members.keys() != {"event_id"}:
        raise MalformedError("validation_failed", "event_id")
    else:
        begun = await replaying.replay_event(store, endpoint, wanted.event_id, call.now_ms)
    return json_reply(call.request_id, ReplayAnswer(begun.replay_id, begun.count), 202)


@operation("GET", f"{_ADDRESS}/deliveries", answer=DeliveryPage, codes=("endpoint_not_found", "cursor_invalid"))
async def list_webhook_deliveries(call: Call, query: DeliveryQuery) -> Reply:
    """List what an endpoint was sent within 30 days, newest first."""
    endpoint = await _find(call)
    from_ms, to_ms = _ms(query.from_), _ms(query.to)
    search = DeliverySearch(call.scope, endpoint.endpoint_id, query.status, query.type, from_ms, to_ms)
    filters = (endpoint.endpoint_id, query.status, query.type, _text(from_ms), _text(to_ms))
    binding = ListBinding("webhook_deliveries", call.scope, filters)
    before = read_cursor(call.node.sealer, binding, query.cursor, beginning=NEWEST)
    rows = await call.node.store.read(find_deliveries, (search, before, query.limit + 1))
    shown, following = cut_page(call.node.sealer, binding, rows, query.limit, lambda each: each.delivery_id)
    return json_reply(call.request_id, DeliveryPage([item_of(each) for each in shown], following))


@operation("GET", "/v1/deliveries/{delivery_id}", answer=DeliveryAnswer, codes=("delivery_not_found",))
async def read_webhook_delivery(call: Call) -> Reply:
    """Read a delivery with its attempts. What was sent is not kept, nor how it was signed."""
    logged = await call.node.store.read(find_delivery, (call.scope, call.part("delivery_id")))
    return json_reply(call.request_id, answer_delivery(found(logged, "delivery_not_found")))


def item_of(delivery: Delivery) -> DeliveryItem:
    """A delivery as it stands in lists."""
    return DeliveryItem(
        id=delivery.delivery_id,
        endpoint_id=delivery.endpoint_id,
        event_id=delivery.event_id,
        type=delivery.type,
        status=delivery.status,
        attempts=delivery.attempts,
        created_at=wire_time(delivery.created_ms),
        next_attempt_at=None if delivery.lease_until_ms is not None else _wire(delivery.due_ms),
        ended_at=_wire(delivery.ended_ms),
        replay_of=delivery.replay_of,
        replay_id=delivery.replay_id,
    )


def answer_delivery(logged: LoggedDelivery) -> DeliveryAnswer:
    """A delivery with its attempts."""
    return DeliveryAnswer(item_of(logged.delivery), [_attempt(each) for each in logged.attempts])


def _attempt(attempt: Attempt) -> AttemptAnswer:
    return AttemptAnswer(
        number=attempt.number,
        at=wire_time(attempt.at_ms),
        duration_ms=attempt.duration_ms,
        status=attempt.status,
        error=attempt.error,
        address=attempt.address,
        key_ids=list(attempt.key_ids),
        response_excerpt=attempt.excerpt,
    )


def _range_of(endpoint: Endpoint, wanted: Replay) -> EventRange:
    from_ms, to_ms = _ms(wanted.from_), _ms(wanted.to)
    if from_ms is None:
        raise MalformedError("validation_failed", "from")
    if to_ms is None or to_ms < from_ms:
        raise MalformedError("validation_failed", "to")
    return EventRange(endpoint, from_ms, to_ms, types_named(wanted.event_types or ()), wanted.only)


def _read(call: Call, wanted: type[Wanted]) -> Wanted:
    try:
        return msgspec.convert(call.members, wanted)
    except msgspec.ValidationError as error:
        raise MalformedError("validation_failed", member_at_fault(error)) from error


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else epoch_ms(moment)


def _wire(ms: int | None) -> str | None:
    return None if ms is None else wire_time(ms)


def _text(ms: int | None) -> str | None:
    return None if ms is None else str(ms)


async def _find(call: Call) -> Endpoint:
    return await find_or_refuse(call.node.store, call.scope, call.part("endpoint_id"))


OPERATIONS = (
    test_webhook_endpoint,
    probe_webhook_endpoint,
    replay_webhook_events,
    list_webhook_deliveries,
    read_webhook_delivery,
)
