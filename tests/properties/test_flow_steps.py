"""Whatever a template says and however its steps end, a session comes to one end, and one step at a time is due."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from accredit.server.integrations.flow import StepRule
from accredit.server.integrations.parsing import parse_policy
from accredit.server.sessions.flow.record import StepState
from accredit.server.sessions.flow.retry_plans import plan_retry
from accredit.server.sessions.flow.running import Course, begin, close_steps, end_step

NOW_MS = 1_800_000_000_000
ENDINGS = st.sampled_from(["success", "failed", "pending_review", "error"])


@st.composite
def templates(draw: st.DrawFn) -> tuple[StepRule, ...]:
    """The steps of a template that may be published."""
    count = draw(st.integers(1, 6))
    fallbacks = [False, *(draw(st.booleans()) for _ in range(count - 1))]
    steps: list[dict[str, Any]] = []
    for index in range(count):
        later = [f"fallback:step_{other}" for other in range(index + 1, count) if fallbacks[other]]
        steps.append(
            {
                "step": f"step_{index}",
                "run": "fallback" if fallbacks[index] else "always",
                "on_failure": draw(st.sampled_from(["fail", "continue", *later])),
                "on_error": draw(st.sampled_from(["pending_review", "fail"])),
            }
        )
    policy: Any = parse_policy("flow", {"steps": steps}, now_ms=NOW_MS, environment="sandbox")
    rules: tuple[StepRule, ...] = policy.steps
    return rules


def active(course: Course) -> list[str]:
    return [step for step, state in course.steps.items() if state.status == "active"]


def run(rules: tuple[StepRule, ...], data: st.DataObject, **begun: Any) -> Course:
    """A session from its beginning to its end."""
    course, ended = begin(rules, NOW_MS, **begun), 0
    while course.status is None:
        (step,) = active(course)
        course = end_step(rules, course.steps, step, data.draw(ENDINGS), NOW_MS)
        ended += 1
        assert ended <= len(rules), "no step runs twice"
    assert active(course) == []
    return course


@given(templates(), st.data())
def test_every_session_comes_to_an_end(rules: tuple[StepRule, ...], data: st.DataObject) -> None:
    course = run(rules, data)
    states = {rule.step: course.steps[rule.step] for rule in rules}
    if course.status != "failed":
        assert all(states[rule.step].status != "waiting_for_prerequisite" for rule in rules if rule.run == "always")
        assert (course.status == "pending_review") == any(state.status == "pending_review" for state in states.values())
    assert all(
        state.status == "waiting_for_prerequisite" or state.called for step, state in states.items() if step in fallbacks(rules)
    )


def fallbacks(rules: tuple[StepRule, ...]) -> set[str]:
    return {rule.step for rule in rules if rule.run == "fallback"}


@given(templates(), st.data())
def test_success_means_that_no_failure_was_left_standing(rules: tuple[StepRule, ...], data: st.DataObject) -> None:
    left_out = {step: data.draw(st.booleans()) for step in sorted(fallbacks(rules)) if data.draw(st.booleans())}
    course = run(rules, data, skipped=left_out)
    for rule in rules:
        if course.steps[rule.step].status == "failed" and rule.on_failure != "continue" and course.status == "success":
            assert rule.fallback is not None
            stood_in = course.steps[rule.fallback]
            passed_over = next(each for each in rules if each.step == rule.fallback).on_failure != "fail"
            assert (
                stood_in.status == "success"
                or (stood_in.status == "failed" and passed_over)
                or (stood_in.status == "skipped" and stood_in.passed)
            )


@given(templates(), st.data(), st.integers(0, 5), st.sampled_from(["expired", "canceled"]))
def test_closing_leaves_nothing_active(rules: tuple[StepRule, ...], data: st.DataObject, after: int, word: Any) -> None:
    course = begin(rules, NOW_MS)
    for _ in range(after):
        if course.status is None:
            course = end_step(rules, course.steps, active(course)[0], data.draw(ENDINGS), NOW_MS)
    closed = close_steps(rules, course.steps, word, NOW_MS)
    assert not {state.status for state in closed.values()} & {"active", "pending_review"}
    assert closed.keys() == course.steps.keys()


@given(templates(), st.data())
def test_an_incomplete_retry_repeats_exactly_what_had_not_passed(rules: tuple[StepRule, ...], data: st.DataObject) -> None:
    first = run(rules, data)
    plan = plan_retry("failed", "incomplete", first.steps, None)
    assert set(plan.skipped) == {step for step, state in first.steps.items() if state.status == "success"}
    second = run(rules, data, skipped=plan.skipped)
    assert all(isinstance(state, StepState) for state in second.steps.values())
    assert {step for step, state in second.steps.items() if state.status == "skipped"} == set(plan.skipped)
