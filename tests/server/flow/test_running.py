"""What the end of a step does to a session (protocol-flow.md sections 6 and 7)."""

from typing import Any

import pytest

from accredit.server.integrations.flow import StepRule
from accredit.server.sessions.flow.record import StepState
from accredit.server.sessions.flow.running import Course, begin, close_steps, end_step, has_passed, review_steps, told_of

NOW_MS = 1_800_000_000_000
PLAIN = ("accept_tos", "kyc_check", "screening")
WITH_FALLBACK = (
    StepRule(step="kyc_check", on_failure="fallback:documentary_verification"),
    StepRule(step="screening"),
    StepRule(step="documentary_verification", run="fallback"),
)


def rules_of(*steps: str, **members: Any) -> tuple[StepRule, ...]:
    return tuple(StepRule(step=step, **members) for step in steps)


def walk(rules: tuple[StepRule, ...], *endings: Any, **begun: Any) -> Course:
    """A course in which each step that becomes active ends in turn."""
    course = begin(rules, NOW_MS, **begun)
    for ending in endings:
        (active,) = [step for step, state in course.steps.items() if state.status == "active"]
        course = end_step(rules, course.steps, active, ending, NOW_MS + 1)
    return course


def words(course: Course) -> dict[str, str]:
    return {step: state.status for step, state in course.steps.items()}


def test_one_step_is_active_and_the_next_one_waits() -> None:
    assert words(begin(rules_of(*PLAIN), NOW_MS)) == {
        "accept_tos": "active",
        "kyc_check": "waiting_for_prerequisite",
        "screening": "waiting_for_prerequisite",
    }
    assert words(walk(rules_of(*PLAIN), "success"))["kyc_check"] == "active"


def test_the_session_succeeds_after_the_last_step() -> None:
    assert walk(rules_of(*PLAIN), "success", "success").status is None
    assert walk(rules_of(*PLAIN), "success", "success", "success").status == "success"


def test_a_failure_fails_the_session_and_leaves_the_rest_waiting() -> None:
    course = walk(rules_of(*PLAIN), "success", "failed")
    assert course.status == "failed"
    assert words(course) == {"accept_tos": "success", "kyc_check": "failed", "screening": "waiting_for_prerequisite"}


def test_a_failure_may_be_passed_over() -> None:
    course = walk(rules_of(*PLAIN, on_failure="continue"), "success", "failed", "failed")
    assert (course.status, words(course)["screening"]) == ("success", "failed")


def test_a_fallback_runs_at_its_place_once_it_is_named() -> None:
    course = walk(WITH_FALLBACK, "failed")
    assert words(course) == {
        "kyc_check": "failed",
        "screening": "active",
        "documentary_verification": "waiting_for_prerequisite",
    }
    course = walk(WITH_FALLBACK, "failed", "success")
    assert words(course)["documentary_verification"] == "active"
    assert walk(WITH_FALLBACK, "failed", "success", "success").status == "success"
    assert walk(WITH_FALLBACK, "failed", "success", "failed").status == "failed"


def test_a_fallback_that_nobody_names_never_runs() -> None:
    course = walk(WITH_FALLBACK, "success", "success")
    assert (course.status, words(course)["documentary_verification"]) == ("success", "waiting_for_prerequisite")


def test_a_fallback_that_was_left_out_stands_in_for_nothing_unless_it_had_passed() -> None:
    left_out = walk(WITH_FALLBACK, "failed", skipped={"documentary_verification": False})
    assert left_out.status == "failed"
    passed = walk(WITH_FALLBACK, "failed", "success", skipped={"documentary_verification": True})
    assert passed.status == "success"


def test_two_steps_may_name_one_fallback_and_it_runs_once() -> None:
    rules = (
        StepRule(step="kyc_check", on_failure="fallback:documentary_verification"),
        StepRule(step="selfie_check", on_failure="fallback:documentary_verification"),
        StepRule(step="documentary_verification", run="fallback"),
    )
    assert walk(rules, "failed", "failed", "success").status == "success"


def test_a_review_lets_the_others_run_and_comes_last() -> None:
    course = walk(rules_of(*PLAIN), "success", "pending_review")
    assert (course.status, words(course)["screening"]) == (None, "active")
    assert walk(rules_of(*PLAIN), "success", "pending_review", "success").status == "pending_review"
    assert walk(rules_of(*PLAIN), "success", "pending_review", "failed").status == "failed"


def test_an_error_is_a_review_or_a_failure_as_the_rule_says() -> None:
    assert words(walk(rules_of(*PLAIN), "success", "error"))["kyc_check"] == "pending_review"
    failing = rules_of(*PLAIN, on_error="fail")
    assert walk(failing, "success", "error").status == "failed"
    assert words(walk(failing, "success", "error"))["kyc_check"] == "failed"


def test_skipped_steps_do_not_run() -> None:
    course = begin(rules_of(*PLAIN), NOW_MS, skipped={"accept_tos": True, "screening": False})
    assert words(course) == {"accept_tos": "skipped", "kyc_check": "active", "screening": "skipped"}
    assert begin(rules_of(*PLAIN), NOW_MS, skipped=dict.fromkeys(PLAIN, True)).status == "success"


def test_a_fallback_may_be_asked_for() -> None:
    course = begin(WITH_FALLBACK, NOW_MS, skipped={"kyc_check": False, "screening": False}, called={"documentary_verification"})
    assert words(course)["documentary_verification"] == "active"


def test_attempts_go_on() -> None:
    course = begin(rules_of(*PLAIN), NOW_MS, attempts={"kyc_check": 2})
    assert [state.attempt for state in course.steps.values()] == [1, 3, 1]


@pytest.mark.parametrize("word", ["expired", "canceled"])
def test_closing_leaves_what_ended_and_what_nobody_named(word: Any) -> None:
    course = walk(WITH_FALLBACK, "success")
    closed = close_steps(WITH_FALLBACK, course.steps, word, NOW_MS + 2)
    assert {step: state.status for step, state in closed.items()} == {
        "kyc_check": "success",
        "screening": word,
        "documentary_verification": "waiting_for_prerequisite",
    }
    named = close_steps(WITH_FALLBACK, walk(WITH_FALLBACK, "failed").steps, word, NOW_MS + 2)
    assert named["documentary_verification"].status == word


@pytest.mark.parametrize(("approved", "word"), [(True, "manually_approved"), (False, "manually_rejected")])
def test_a_reviewer_decides_all_that_waits(approved: bool, word: str) -> None:
    course = walk(rules_of(*PLAIN), "pending_review", "success", "pending_review")
    reviewed = review_steps(course.steps, approved=approved, now_ms=NOW_MS + 3)
    assert [state.status for state in reviewed.values()] == [word, "success", word]


def test_tells_of_changes_in_the_order_of_the_template() -> None:
    rules = rules_of(*PLAIN)
    first = begin(rules, NOW_MS, skipped={"screening": True})
    assert told_of({}, first.steps) == [("accept_tos", "active"), ("screening", "skipped")]
    second = end_step(rules, first.steps, "accept_tos", "success", NOW_MS)
    assert told_of(first.steps, second.steps) == [("accept_tos", "success"), ("kyc_check", "active")]
    closed = close_steps(rules, second.steps, "expired", NOW_MS)
    assert told_of(second.steps, closed) == []


def test_skipped_counts_as_passed_only_where_it_had_passed() -> None:
    states = [StepState(status="success"), StepState(status="manually_approved"), StepState(status="skipped", passed=True)]
    assert all(has_passed(state) for state in states)
    assert not any(has_passed(state) for state in (None, StepState(status="skipped"), StepState(status="failed")))
