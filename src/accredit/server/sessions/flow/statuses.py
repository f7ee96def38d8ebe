"""What the statuses of sessions and steps are called at the flow door (protocol-flow.md section 6)."""

from typing import Literal, get_args

from accredit.server.sessions.record import Status

FlowWord = Literal["active", "pending_review", "success", "failed", "expired", "canceled"]
StepStatus = Literal[
    "active",
    "success",
    "failed",
    "waiting_for_prerequisite",
    "not_applicable",
    "skipped",
    "expired",
    "canceled",
    "pending_review",
    "manually_approved",
    "manually_rejected",
]

_WORDS: dict[Status, FlowWord] = {
    "created": "active",
    "waiting": "active",
    "pending_review": "pending_review",
    "success": "success",
    "failed": "failed",
    "expired": "expired",
    "cancelled": "canceled",
}
# What a session leaves by: nothing leaves the others.
UNFINISHED: tuple[Status, ...] = ("created", "waiting")
PASSED: frozenset[StepStatus] = frozenset({"success", "skipped", "manually_approved"})
REFUSED: frozenset[StepStatus] = frozenset({"failed", "manually_rejected"})
# Those of which an event tells (protocol-webhooks.md section 2).
TOLD: frozenset[StepStatus] = frozenset(
    {"active", "success", "failed", "skipped", "pending_review", "manually_approved", "manually_rejected"}
)


def flow_word(status: Status) -> FlowWord:
    """The word of the door. `aborted` and `error` do not occur here."""
    return _WORDS[status]


def read_flow_word(text: str) -> tuple[Status, ...]:
    """The statuses that one word of the door stands for; none for a word that it does not have."""
    return tuple(status for status, word in _WORDS.items() if word == text)


FLOW_WORDS: tuple[FlowWord, ...] = get_args(FlowWord)
