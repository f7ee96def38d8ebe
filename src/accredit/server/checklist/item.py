"""One item of the checklist, and how findings of several kinds become one state."""

from collections.abc import Sequence
from typing import Literal

import msgspec

State = Literal["pass", "fail", "warn", "unknown", "manual"]
# Of what was found the gravest is the item's.
_GRAVEST: tuple[State, ...] = ("fail", "unknown", "warn")


class Item(msgspec.Struct, frozen=True):
    """state: `manual` waits for somebody's word; `warn` and `unknown` do not keep a template from being ready.

    evidence: what was measured, without anything personal. fix: what to do, null where nothing is to be done.
    """

    id: str
    state: State
    evidence: str
    fix: str | None = None


class Fault(msgspec.Struct, frozen=True):
    """Something that an item is not as it should be for. evidence: in a few words. fix: a sentence."""

    state: State
    evidence: str
    fix: str


def item_of(item_id: str, faults: Sequence[Fault], good: str = "") -> Item:
    """The item of all that was found. good: a sentence that opens the evidence, with or without faults."""
    ordered = sorted(faults, key=lambda fault: _GRAVEST.index(fault.state))
    sentences = [good, *(f"{fault.evidence}." for fault in ordered)]
    evidence = " ".join(dict.fromkeys(sentence for sentence in sentences if sentence))
    if not ordered:
        return Item(item_id, "pass", evidence)
    state = ordered[0].state
    fixes = dict.fromkeys(fault.fix for fault in ordered if fault.state == state)
    return Item(item_id, state, evidence, " ".join(fixes))


def told(count: int, one: str, many: str) -> str:
    """A number with its noun: `1 session`, `1,204 sessions`."""
    return f"{count:,} {one if count == 1 else many}"
