"""Leases: who may attempt a delivery, for how long, and what becomes of it when a node dies."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from accredit.errors import FailureError
from accredit.server.events.claiming import Claim, claim_deliveries, find_waiting, release_all
from accredit.server.events.dispatcher import Dispatcher
from accredit.server.events.records import Endpoint
from accredit.server.events.signing import Signer, Signers

from ...doors.conftest import Clock
from .conftest import Hooks, Receiver, hooks_of, opened

LEASE_S = 15 + 30


def claim(hooks: Hooks, endpoint, count: int = 1):
    return hooks.run(hooks.node.store.write(claim_deliveries, Claim({endpoint.endpoint_id: count}, hooks.clock.now_ms)))


def test_what_a_dead_node_had_claimed_is_attempted_when_its_lease_ends(any_hooks: Hooks, receiver: Receiver) -> None:
    hooks = any_hooks
    endpoint = hooks.endpoint(receiver.url())
    hooks.happen(times=2)
    (lost,) = claim(hooks, endpoint)
    hooks.deliver()
    assert len(receiver.requests) == 1
    hooks.clock.advance(LEASE_S - 0.001)
    hooks.deliver()
    assert len(receiver.requests) == 1
    hooks.clock.advance(0.001)
    hooks.deliver()
    assert hooks.statuses(endpoint) == ["succeeded"] * 2
    # The attempt that nobody knows anything of is no attempt.
    assert [each.delivery.attempts for each in hooks.log(endpoint)] == [1, 1]
    assert lost.number == 1


def test_a_node_whose_lease_ran_out_writes_nothing(any_hooks: Hooks, receiver: Receiver) -> None:
    hooks = any_hooks
    receiver.hanging.add("/")
    endpoint = hooks.endpoint(receiver.url())
    hooks.happen()
    late = Dispatcher(hooks.node)

    async def scene() -> None:
        slow = asyncio.create_task(late.deliver_due())
        await receiver.until(1)
        hooks.clock.advance(LEASE_S)
        receiver.hanging.clear()
        await hooks.dispatcher.deliver_due()
        receiver.let_go()
        await slow

    hooks.run(scene())
    (logged,) = hooks.log(endpoint)
    assert (len(receiver.requests), logged.delivery.status, len(logged.attempts)) == (2, "succeeded", 1)
    assert logged.delivery.attempts == 1
    assert len({each.headers["webhook-id"] for each in receiver.requests}) == 1


def test_no_two_claims_hold_one_delivery_nor_more_than_an_endpoint_has_slots_for(any_hooks: Hooks, receiver: Receiver) -> None:
    hooks = any_hooks
    endpoint = hooks.endpoint(receiver.url(), concurrency=3)
    hooks.happen(times=5)
    claimed = [each.delivery.delivery_id for _ in range(3) for each in claim(hooks, endpoint, 2)]
    assert len(claimed) == len(set(claimed)) == 3
    (waiting,) = hooks.run(hooks.node.store.read(find_waiting, hooks.clock.now_ms))
    assert (waiting.slots, waiting.in_flight, waiting.due) == (3, 3, 2)


@pytest.mark.parametrize("state", ["enabled = 0", "paused_until_ms = 9000000000000", "listening_until_ms = 0"])
def test_what_is_not_to_be_sent_to_is_not_claimed(hooks: Hooks, receiver: Receiver, state: str) -> None:
    endpoint = hooks.endpoint(receiver.url())
    hooks.happen()
    hooks.change(f"UPDATE webhook_endpoints SET {state} WHERE id = ?", endpoint.endpoint_id)
    assert claim(hooks, endpoint) == []
    hooks.deliver()
    assert receiver.requests == []


def test_the_oldest_goes_first(hooks: Hooks, receiver: Receiver) -> None:
    endpoint = hooks.endpoint(receiver.url(), concurrency=1)
    for _ in range(4):
        hooks.clock.advance(1)
        hooks.happen()
    hooks.deliver()
    ids = [each.delivery.event_id for each in hooks.log(endpoint)]
    assert [each.headers["webhook-id"] for each in receiver.requests] == sorted(ids)


def test_only_where_there_is_one_process_a_start_frees_what_was_claimed(any_hooks: Hooks, receiver: Receiver) -> None:
    hooks = any_hooks
    endpoint = hooks.endpoint(receiver.url())
    hooks.happen()
    claim(hooks, endpoint)
    hooks.run(hooks.node.store.write(release_all, None))
    hooks.deliver()
    assert len(receiver.requests) == (1 if "sqlite" in hooks.node.settings.database_url else 0)


def test_a_server_that_stops_gives_back_what_it_has_not_finished(any_hooks: Hooks, receiver: Receiver, monkeypatch) -> None:
    hooks = any_hooks
    monkeypatch.setattr("accredit.server.events.dispatcher._END_WITHIN_S", 0.05)
    receiver.hanging.add("/")
    endpoint = hooks.endpoint(receiver.url())
    hooks.happen()

    async def scene() -> None:
        running = asyncio.create_task(hooks.dispatcher.run())
        await receiver.until(1)
        running.cancel()
        await hooks.dispatcher.close()

    hooks.run(scene())
    receiver.hanging.clear()
    hooks.run(Dispatcher(hooks.node).deliver_due())
    assert hooks.statuses(endpoint) == ["succeeded"]


def test_an_attempt_under_way_is_let_end_when_its_endpoint_is_disabled(any_hooks: Hooks, receiver: Receiver) -> None:
    hooks = any_hooks
    receiver.hanging.add("/")
    endpoint = hooks.endpoint(receiver.url(), concurrency=1)
    hooks.happen(times=2)

    async def scene() -> None:
        slow = asyncio.create_task(hooks.dispatcher.deliver_due())
        await receiver.until(1)
        await hooks.disable(endpoint)
        receiver.let_go()
        await slow

    hooks.run(scene())
    # The receiver has the first; the second was never sent.
    assert hooks.statuses(endpoint) == ["succeeded", "cancelled"]
    assert len(receiver.requests) == 1


def test_what_was_claimed_before_its_endpoint_was_deleted_is_not_sent(any_hooks: Hooks, receiver: Receiver) -> None:
    hooks = any_hooks
    endpoint = hooks.endpoint(receiver.url())
    hooks.happen()
    meanwhile = Meanwhile(hooks.node.signers, lambda: hooks.delete(endpoint))
    hooks.run(Dispatcher(replace(hooks.node, signers=meanwhile)).deliver_due())
    assert (hooks.statuses(endpoint), receiver.requests) == (["cancelled"], [])
    # Nor is a new secret made for what is gone.
    revoked = hooks.rows("SELECT revoked_ms IS NOT NULL FROM keys WHERE endpoint_id = ?", endpoint.endpoint_id)
    assert [bool(each) for (each,) in revoked] == [True]


class Meanwhile:
    """What signs, while something happens just before."""

    def __init__(self, signers: Signers, happens: Callable[[], Awaitable[None]]) -> None:
        self._signers, self._happens = signers, happens

    async def find(self, endpoint: Endpoint, now_ms: int) -> Signer:
        await self._happens()
        return await self._signers.find(endpoint, now_ms)


def test_what_the_database_kept_from_being_sent_is_sent_soon(hooks: Hooks, receiver: Receiver) -> None:
    endpoint = hooks.endpoint(receiver.url())
    hooks.happen()
    away = Away(hooks.node.signers)
    hooks.run(Dispatcher(replace(hooks.node, signers=away)).deliver_due())
    assert (away.asked, hooks.statuses(endpoint), len(receiver.requests)) == (2, ["succeeded"], 1)


class Away:
    """What signs, while the database does not answer the first time that it is asked."""

    def __init__(self, signers: Signers) -> None:
        self.asked, self._signers = 0, signers

    async def find(self, endpoint: Endpoint, now_ms: int) -> Signer:
        self.asked += 1
        if self.asked == 1:
            raise FailureError("service_unavailable")
        return await self._signers.find(endpoint, now_ms)


def test_a_claim_takes_no_more_than_it_asks_for_however_postgresql_plans_it(
    run: Any, clock: Clock, postgresql_url: str
) -> None:
    # Left to nested loops, PostgreSQL runs a subquery that locks once for each row beside it.
    switches = ["hashjoin", "hashagg", "mergejoin", "sort", "material"]
    options = quote(" ".join(f"-c enable_{name}=off" for name in switches))
    with ExitStack() as ending:
        hooks = hooks_of(run, opened(ending, run, f"{postgresql_url}&options={options}", clock), clock)
        endpoint = hooks.endpoint("http://127.0.0.1:9/")
        hooks.happen(times=6)
        assert [len(claim(hooks, endpoint, 2)) for _ in range(3)] == [2, 2, 0], "four slots"
