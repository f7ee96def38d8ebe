"""Listeners: a developer's machine hears of sandbox events over a connection that it makes itself (protocol-webhooks.md section 10).

A listener is an endpoint that nobody calls: it fetches what is to be sent to it, signed like the rest, forwards it to an address of
its own network, and says what came of that. It lives as long as it fetches, and a minute more.

    made = await open_listener(node, scope, wanted, cause)      # made.secret is shown this once
    requests = await fetch_requests(node, scope, listener_id)   # waits up to 20 s for the first
    await note_answer(node, scope, listener_id, answered)
"""

import asyncio
from dataclasses import dataclass, field

from accredit.encoding import Json
from accredit.errors import ConflictError, MalformedError, NotFoundError
from accredit.server.events.attempting import Prepared, Sent, outcome_of, prepare_delivery
from accredit.server.events.claiming import Claim, Claimed, cancel_open, claim_deliveries, find_claimed
from accredit.server.events.counting import count_outcome
from accredit.server.events.endpoint_actions import MadeEndpoint, record_change
from accredit.server.events.excerpts import response_excerpt
from accredit.server.events.members import parse_members, stored_members
from accredit.server.events.recording import record_outcomes
from accredit.server.events.records import (
    ENDPOINT_COLUMNS,
    DeliveryStatus,
    Endpoint,
    EndpointKind,
    read_endpoint,
    write_members,
)
from accredit.server.events.verdicts import judge_answer, judge_failure
from accredit.server.ids import new_id
from accredit.server.keyring.changes import Cause, Revocation, add_key, revoke
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.webhook_keys import MadeSecret, find_endpoint_secrets, make_endpoint_secret
from accredit.server.node import Node
from accredit.server.outbound.addresses import request_target
from accredit.server.store import Transaction, bump_config, one_by_one

MAX_LISTENERS = 5
LIFE_MS = 60_000
WAIT_S, _LOOK_EVERY_S = 20.0, 0.25
_AT_ONCE = 4
_ACTOR = "delivery"


@dataclass(frozen=True, slots=True)
class ListenerMembers:
    """What a listener asks for. forward_to: where it forwards to; kind `flow` signs its path. event_types: None for the default."""

    forward_to: str
    kind: EndpointKind = "accredit"
    event_types: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """One request to forward. lease: names the claim; the answer names it too."""

    delivery_id: str
    lease: int
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answered:
    """What the address said. status: None where nothing came, and then `error` says why. body: its first octets."""

    delivery_id: str
    lease: int
    status: int | None
    error: str | None
    duration_ms: int
    retry_after: str | None = None
    content_type: str | None = None
    body: bytes = b""


async def open_listener(node: Node, scope: Scope, wanted: ListenerMembers, cause: Cause) -> MadeEndpoint:
    """Begin to listen. Raises MalformedError `sandbox_only`, `endpoint_url_invalid`, `event_type_unknown`, `validation_failed`;
    ConflictError `endpoint_limit_reached` beyond five."""
    if scope.environment != "sandbox":
        raise MalformedError("sandbox_only")
    await node.sealer.ready(scope)
    endpoint = _parse(scope, wanted, cause.at_ms)
    secret = make_endpoint_secret(node.sealer, scope, endpoint.endpoint_id, cause.at_ms)
    await node.store.write(_open, (endpoint, secret, cause))
    return MadeEndpoint(endpoint, secret.text)


def _parse(scope: Scope, wanted: ListenerMembers, at_ms: int) -> Endpoint:
    try:
        request_target(wanted.forward_to)
    except ValueError as error:
        raise MalformedError("endpoint_url_invalid", "forward_to") from error
    members: dict[str, Json] = {"url": wanted.forward_to}
    if wanted.kind == "flow":
        members["signing"] = "endpoint"
    if wanted.event_types is not None:
        members["event_types"] = list(wanted.event_types)
    return Endpoint(
        endpoint_id=new_id("whksub_"),
        scope=scope,
        kind=wanted.kind,
        members=stored_members(parse_members(wanted.kind, members)),
        enabled=True,
        disabled_reason=None,
        created_ms=at_ms,
        updated_ms=at_ms,
    )


async def fetch_requests(node: Node, scope: Scope, listener_id: str, *, wait_s: float = WAIT_S) -> list[Fetched]:
    """What is to be forwarded now; waits for the first, and answers none if there is none in that time.

    Raises NotFoundError `endpoint_not_found`, also for a listener that has not fetched for a minute.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + wait_s
    while True:
        endpoint = await node.store.write(_go_on, (scope, listener_id, node.clock()))
        claimed = await _claim(node, endpoint)
        if claimed or loop.time() >= until:
            return [await _prepare(node, each) for each in claimed]
        await _wait_for_due(node, listener_id, until)


async def _wait_for_due(node: Node, listener_id: str, until: float) -> None:
    while asyncio.get_running_loop().time() < until:
        if await node.store.read(_has_due, (listener_id, node.clock())):
            return
        await asyncio.sleep(_LOOK_EVERY_S)


async def _claim(node: Node, endpoint: Endpoint) -> list[Claimed]:
    return await node.store.write(claim_deliveries, Claim({endpoint.endpoint_id: _AT_ONCE}, node.clock(), listening=True))


async def _prepare(node: Node, claimed: Claimed) -> Fetched:
    prepared = await _prepared(node, claimed)
    return Fetched(claimed.delivery.delivery_id, claimed.delivery.lease_until_ms or 0, prepared.headers, prepared.body)


async def _prepared(node: Node, claimed: Claimed) -> Prepared:
    now_ms = node.clock()
    return await prepare_delivery(node, claimed, await node.signers.find(claimed.endpoint, now_ms), now_ms)


async def note_answer(node: Node, scope: Scope, listener_id: str, answered: Answered) -> DeliveryStatus:
    """Write down what came of forwarding: what failed is fetched again when its next attempt is due.

    Raises NotFoundError `endpoint_not_found`; `delivery_not_found` where its lease has run out.
    """
    endpoint = await node.store.write(_go_on, (scope, listener_id, node.clock()))
    claimed = await node.store.read(find_claimed, (endpoint, answered.delivery_id, answered.lease))
    if claimed is None:
        raise NotFoundError("delivery_not_found")
    ended_ms = node.clock()
    at_ms = ended_ms - answered.duration_ms
    if answered.status is None:
        verdict = judge_failure(answered.error or "response_malformed")
    else:
        verdict = judge_answer(answered.status, answered.retry_after, ended_ms)
    excerpt = response_excerpt(answered.content_type, answered.body)
    sent = Sent(verdict, ended_ms, answered.duration_ms, None, excerpt)
    outcome = outcome_of(claimed, await _prepared(node, claimed), sent, at_ms)
    recorded = await node.store.write(record_outcomes, outcome)
    count_outcome(outcome, recorded)
    return recorded.status or claimed.delivery.status


async def close_listener(node: Node, scope: Scope, listener_id: str, cause: Cause) -> None:
    """Listen no more. Raises NotFoundError `endpoint_not_found`."""
    if not await node.store.write(_close, (scope, listener_id, cause)):
        raise NotFoundError("endpoint_not_found")


async def close_silent(node: Node) -> None:
    """Close the listeners that have not fetched for a minute."""
    now_ms = node.clock()
    for scope, listener_id in await node.store.read(_find_silent, now_ms):
        await node.store.write(_close, (scope, listener_id, Cause(now_ms, actor=_ACTOR)))


@one_by_one
def _open(tx: Transaction, item: tuple[Endpoint, MadeSecret, Cause]) -> None:
    endpoint, secret, cause = item
    # Its lock makes two that are opened at once wait for each other, so that the limit holds.
    bump_config(tx)
    scope = endpoint.scope
    found = tx.rows(
        "SELECT id FROM webhook_endpoints WHERE account_id = ? AND environment = ? AND listening_until_ms > ?",
        (scope.account_id, scope.environment, cause.at_ms),
    )
    if len(found) >= MAX_LISTENERS:
        raise ConflictError("endpoint_limit_reached")
    tx.execute(
        "INSERT INTO webhook_endpoints (id, account_id, environment, kind, members, enabled, created_ms, updated_ms,"
        " listening_until_ms) VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?)",
        (
            *(endpoint.endpoint_id, scope.account_id, scope.environment, endpoint.kind, write_members(endpoint.members)),
            *(cause.at_ms, cause.at_ms, cause.at_ms + LIFE_MS),
        ),
    )
    record_change(tx, "listener.opened", endpoint, cause)
    add_key(tx, secret.record, cause)


@one_by_one
def _go_on(tx: Transaction, item: tuple[Scope, str, int]) -> Endpoint:
    scope, listener_id, now_ms = item
    row = tx.row(
        "UPDATE webhook_endpoints SET listening_until_ms = ? WHERE id = ? AND account_id = ? AND environment = ?"
        f" AND listening_until_ms > ? RETURNING {ENDPOINT_COLUMNS}",
        (now_ms + LIFE_MS, listener_id, scope.account_id, scope.environment, now_ms),
    )
    if row is None:
        raise NotFoundError("endpoint_not_found")
    return read_endpoint(row)


@one_by_one
def _close(tx: Transaction, item: tuple[Scope, str, Cause]) -> bool:
    scope, listener_id, cause = item
    bump_config(tx)
    row = tx.row(
        "DELETE FROM webhook_endpoints WHERE id = ? AND account_id = ? AND environment = ? AND listening_until_ms IS NOT NULL"
        f" RETURNING {ENDPOINT_COLUMNS}",
        (listener_id, scope.account_id, scope.environment),
    )
    if row is None:
        return False
    cancel_open(tx, listener_id, cause.at_ms)
    record_change(tx, "listener.closed", read_endpoint(row), cause)
    for record in find_endpoint_secrets(tx, listener_id):
        revoke(tx, Revocation(scope, record.key_id, cause, reason="endpoint_deleted"))
    return True


def _find_silent(tx: Transaction, now_ms: int) -> list[tuple[Scope, str]]:
    rows = tx.rows(
        "SELECT account_id, environment, id FROM webhook_endpoints WHERE listening_until_ms <= ? ORDER BY id", (now_ms,)
    )
    return [(Scope(account_id, environment), listener_id) for account_id, environment, listener_id in rows]


def _has_due(tx: Transaction, item: tuple[str, int]) -> bool:
    listener_id, now_ms = item
    return (
        tx.row(
            "SELECT 1 FROM deliveries WHERE endpoint_id = ? AND status = 'pending' AND due_ms <= ?"
            " AND (lease_until_ms IS NULL OR lease_until_ms <= ?)",
            (listener_id, now_ms, now_ms),
        )
        is not None
    )
