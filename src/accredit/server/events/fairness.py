"""Who may send next: how many attempts each endpoint begins now, so that no endpoint waits for the slowness of another.

Pure (protocol-webhooks.md section 9, Fairness). An endpoint has at most its own concurrency in flight, on all nodes together; a node
has 512, and the last 128 of them are for endpoints that have none in flight. What is free goes round the endpoints with due work, one
slot each, beginning behind the one that was served last.

    share_slots([Waiting("whksub_1", slots=4, in_flight=0, due=9)], in_flight=0, served_last="")     # {"whksub_1": 4}
"""

from collections.abc import Sequence
from dataclasses import dataclass

NODE_SLOTS = 512
RESERVED_SLOTS = 128
# After so many timeouts in a row an endpoint has one slot until it answers.
TIMEOUTS_TO_ONE_SLOT = 10


@dataclass(frozen=True, slots=True)
class Waiting:
    """An endpoint with due work. slots: its concurrency, or one. in_flight: its attempts on all nodes. due: how many could begin."""

    endpoint_id: str
    slots: int
    in_flight: int
    due: int


def slots_of(concurrency: int, timeouts: int) -> int:
    """How many attempts an endpoint may have in flight. timeouts: in a row, since it last answered."""
    return 1 if timeouts >= TIMEOUTS_TO_ONE_SLOT else concurrency


def share_slots(waiting: Sequence[Waiting], *, in_flight: int, served_last: str) -> dict[str, int]:
    """How many attempts each endpoint may begin; those that may begin none are left out.

    in_flight: attempts of this node. served_last: the endpoint behind which to begin, in the order of their ids.
    """
    ordered = sorted(waiting, key=lambda each: (each.endpoint_id <= served_last, each.endpoint_id))
    shared: dict[str, int] = {}
    turn = [each for each in ordered if _may_begin(each, 0)]
    while turn and in_flight < NODE_SLOTS:
        for each in turn:
            begun = shared.get(each.endpoint_id, 0)
            reserved = in_flight >= NODE_SLOTS - RESERVED_SLOTS
            if in_flight < NODE_SLOTS and not (reserved and each.in_flight + begun):
                shared[each.endpoint_id] = begun + 1
                in_flight += 1
        # Who got none in this turn gets none in the next: what is left is reserved, and does not become more.
        turn = [each for each in turn if shared.get(each.endpoint_id) and _may_begin(each, shared[each.endpoint_id])]
        if in_flight >= NODE_SLOTS - RESERVED_SLOTS:
            break
    return shared


def _may_begin(each: Waiting, begun: int) -> bool:
    return begun < each.due and each.in_flight + begun < each.slots
