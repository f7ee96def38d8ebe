"""What the end of a step does to a session: the pure part of the steps' states (protocol-flow.md sections 6 and 7).

The steps of a template run in their order; a fallback runs at its own place in it, once a failed step has named it. At most one step
is `active`. Steps that nobody named stay `waiting_for_prerequisite`, whatever the end.

    course = end_step(rules, steps, "kyc_check", "failed", now_ms)
    course.steps["documentary_verification"].status              # "active"
    course.status                                                # None: it goes on
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from accredit.server.integrations.flow import StepRule
from accredit.server.sessions.flow.record import StepState
from accredit.server.sessions.flow.statuses import PASSED, TOLD, StepStatus

Steps = dict[str, StepState]
Ending = Literal["success", "failed", "pending_review", "error"]


@dataclass(frozen=True, slots=True)
class Course:
    """Where steps stand, and what comes of the session: None where it goes on."""

    steps: Steps
    status: Literal["success", "failed", "pending_review"] | None = None


def begin(
    rules: Sequence[StepRule],
    now_ms: int,
    *,
    skipped: Mapping[str, bool] | None = None,
    called: Collection[str] = (),
    attempts: Mapping[str, int] | None = None,
) -> Course:
    """The steps of a new session, with the first one due.

    skipped: those that do not run, and whether each had passed before. called: fallbacks that run though no step has failed.
    attempts: how many each step has behind it.
    """
    skipped, attempts = skipped or {}, attempts or {}
    steps = {
        rule.step: StepState(
            status="skipped" if rule.step in skipped else "waiting_for_prerequisite",
            attempt=attempts.get(rule.step, 0) + 1,
            at_ms=now_ms,
            called=rule.step in called,
            passed=skipped.get(rule.step, False),
        )
        for rule in rules
    }
    return go_on(rules, steps, now_ms)


def end_step(rules: Sequence[StepRule], steps: Mapping[str, StepState], step: str, ending: Ending, now_ms: int) -> Course:
    """End the active step, and begin the next one that is due or come to the session's end.

    `error` counts as the rule's `on_error` says: a review, or a failure like any other.
    """
    rule = next(each for each in rules if each.step == step)
    ended: Literal["success", "failed", "pending_review"] = (
        ("pending_review" if rule.on_error == "pending_review" else "failed") if ending == "error" else ending
    )
    moved = {**steps, step: msgspec.structs.replace(steps[step], status=ended, at_ms=now_ms)}
    if ended != "failed" or rule.on_failure == "continue":
        return go_on(rules, moved, now_ms)
    fallback = None if rule.fallback is None else moved[rule.fallback]
    if rule.fallback is None or fallback is None or not _stands_in(fallback):
        return Course(moved, "failed")
    moved[rule.fallback] = msgspec.structs.replace(fallback, called=True)
    return go_on(rules, moved, now_ms)


def _stands_in(fallback: StepState) -> bool:
    """Whether a fallback can take a failed step's place: it may still run, or has passed before this session."""
    return fallback.status == "waiting_for_prerequisite" or (fallback.status == "skipped" and fallback.passed)


def go_on(rules: Sequence[StepRule], steps: Steps, now_ms: int) -> Course:
    """Begin the first step that is due; where none is, the session has come to its end."""
    for rule in rules:
        state = steps[rule.step]
        if state.status == "waiting_for_prerequisite" and (rule.run == "always" or state.called):
            active = msgspec.structs.replace(state, status="active", at_ms=now_ms)
            return Course({**steps, rule.step: active})
    reviewed = any(state.status == "pending_review" for state in steps.values())
    return Course(steps, "pending_review" if reviewed else "success")


def close_steps(
    rules: Sequence[StepRule], steps: Mapping[str, StepState], status: Literal["expired", "canceled"], now_ms: int
) -> Steps:
    """Close the steps that expiry or cancelling leaves unfinished."""
    unfinished = {
        rule.step
        for rule in rules
        if steps[rule.step].status in ("active", "pending_review")
        or (steps[rule.step].status == "waiting_for_prerequisite" and (rule.run == "always" or steps[rule.step].called))
    }
    return _all(steps, unfinished, status, now_ms)


def review_steps(steps: Mapping[str, StepState], *, approved: bool, now_ms: int) -> Steps:
    """Give the steps that wait for a reviewer what the reviewer decided."""
    waiting = {name for name, state in steps.items() if state.status == "pending_review"}
    return _all(steps, waiting, "manually_approved" if approved else "manually_rejected", now_ms)


def told_of(before: Mapping[str, StepState], after: Mapping[str, StepState]) -> list[tuple[str, StepStatus]]:
    """The changes that events tell of: the name of each step and its new status, in the order of the template."""
    return [
        (name, state.status)
        for name, state in after.items()
        if state.status in TOLD and (name not in before or before[name].status != state.status)
    ]


def has_passed(state: StepState | None) -> bool:
    """Whether a step counts as passed for a later session: `skipped` only where it had passed before."""
    return state is not None and state.status in PASSED and (state.status != "skipped" or state.passed)


def _all(steps: Mapping[str, StepState], names: set[str], status: StepStatus, now_ms: int) -> Steps:
    return {
        name: msgspec.structs.replace(state, status=status, at_ms=now_ms) if name in names else state
        for name, state in steps.items()
    }
