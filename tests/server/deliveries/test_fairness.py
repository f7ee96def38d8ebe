"""Slots: how they are shared, and that who hangs keeps nobody else waiting."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.server.events.fairness import NODE_SLOTS, RESERVED_SLOTS, Waiting, share_slots, slots_of

from .conftest import Hooks, Receiver, hooks_of

_OPEN = NODE_SLOTS - RESERVED_SLOTS


def waiting(count: int, *, slots: int = 4, in_flight: int = 0, due: int = 32) -> list[Waiting]:
    return [Waiting(f"whksub_{number:03}", slots, in_flight, due) for number in range(count)]


def test_an_endpoint_has_at_most_its_own_concurrency() -> None:
    assert share_slots(waiting(1), in_flight=0, served_last="") == {"whksub_000": 4}
    assert share_slots(waiting(1, in_flight=3), in_flight=3, served_last="") == {"whksub_000": 1}
    assert share_slots(waiting(1, in_flight=4), in_flight=4, served_last="") == {}
    assert share_slots(waiting(1, due=2), in_flight=0, served_last="") == {"whksub_000": 2}


@pytest.mark.parametrize(("timeouts", "slots"), [(0, 8), (9, 8), (10, 1), (500, 1)])
def test_after_ten_timeouts_there_is_one_slot(timeouts: int, slots: int) -> None:
    assert slots_of(8, timeouts) == slots


def test_slots_go_round_beginning_behind_who_was_served_last() -> None:
    shared = share_slots(waiting(6, slots=32), in_flight=_OPEN - 4, served_last="whksub_003")
    assert list(shared) == ["whksub_004", "whksub_005", "whksub_000", "whksub_001", "whksub_002", "whksub_003"]
    # The first four of the round take what is open; who has none in flight has a slot of the reserved ones all the same.
    assert set(shared.values()) == {1}


def test_the_last_slots_are_for_who_has_none_in_flight() -> None:
    busy, fresh = waiting(3, in_flight=1), Waiting("whksub_900", 4, 0, 32)
    assert share_slots([*busy, fresh], in_flight=_OPEN, served_last="") == {"whksub_900": 1}
    assert share_slots([*busy, fresh], in_flight=NODE_SLOTS, served_last="") == {}


@given(
    st.lists(st.tuples(st.integers(1, 32), st.integers(0, 40), st.integers(1, 32)), max_size=200),
    st.integers(0, NODE_SLOTS),
    st.integers(0, 200),
)
def test_no_limit_is_ever_passed_and_nothing_is_left_lying(
    several: list[tuple[int, int, int]], in_flight: int, served: int
) -> None:
    asked = [Waiting(f"whksub_{number:03}", *each) for number, each in enumerate(several)]
    shared = share_slots(asked, in_flight=in_flight, served_last=f"whksub_{served:03}")
    assert in_flight + sum(shared.values()) <= max(NODE_SLOTS, in_flight)
    left = NODE_SLOTS - in_flight - sum(shared.values())
    for each in asked:
        begun = shared.get(each.endpoint_id, 0)
        assert begun <= each.due
        assert begun == 0 or each.in_flight + begun <= each.slots
        more = begun < each.due and each.in_flight + begun < each.slots
        # Whoever could have had more found nothing free, or nothing that is not kept for others.
        assert not more or left == 0 or (left <= RESERVED_SLOTS and each.in_flight + begun > 0)


def test_a_healthy_endpoint_hears_within_a_second_though_a_hundred_hang(run, hooks: Hooks, receiver: Receiver) -> None:
    several = [hooks_of(run, hooks.node, hooks.clock) for _ in range(5)]
    for number, owner in enumerate(several):
        for path in (f"/hanging/{number}/{each}" for each in range(20)):
            receiver.hanging.add(path)
            owner.endpoint(receiver.url(path), timeout_s=30)
        owner.happen(times=4)
    hooks.endpoint(receiver.url("/healthy"))

    async def scene() -> float:
        loop = asyncio.get_running_loop()
        running = loop.create_task(hooks.dispatcher.run())
        await receiver.until(_OPEN)
        begun = loop.time()
        await hooks.happen_now()
        await receiver.until(1, "/healthy")
        took = loop.time() - begun
        running.cancel()
        receiver.let_go()
        await hooks.dispatcher.close()
        return took

    assert run(scene()) < 1
    assert max(Counter(each.path for each in receiver.requests).values()) <= 4
