"""Endpoints that fail for days: told of at 72 hours, disabled at 96, and forgiven by one success."""

import json

import pytest

from .conftest import Hooks, Receiver

HOUR_S = 3600


@pytest.fixture
def failing(any_hooks: Hooks, receiver: Receiver):
    """An endpoint that has begun to fail, and another that is told of it."""
    hooks = any_hooks
    receiver.answers["/failing"] = 500
    endpoint = hooks.endpoint(receiver.url("/failing"))
    hooks.endpoint(receiver.url("/other"), event_types=["endpoint.failing", "endpoint.disabled"])
    hooks.happen()
    hooks.deliver()
    return endpoint


def fail(hooks: Hooks, times: int) -> None:
    hooks.happen(times=times)
    hooks.deliver()


def told(receiver: Receiver) -> list[str]:
    return [json.loads(each.body)["type"] for each in receiver.to("/other")]


def test_three_days_of_failure_are_told_once_and_four_disable(any_hooks: Hooks, receiver: Receiver, failing, post) -> None:
    hooks = any_hooks
    hooks.clock.advance(72 * HOUR_S - 1)
    fail(hooks, 4)
    hooks.sweep()
    assert hooks.events("endpoint.failing") == []
    hooks.clock.advance(1)
    for _ in range(3):
        hooks.sweep()
    hooks.deliver()
    assert told(receiver) == ["endpoint.failing"]
    hooks.clock.advance(24 * HOUR_S - 1)
    hooks.sweep()
    assert hooks.look(failing).enabled
    hooks.clock.advance(1)
    for _ in range(2):
        hooks.sweep()
    hooks.deliver()
    assert told(receiver) == ["endpoint.failing", "endpoint.disabled"]
    body = json.loads(receiver.to("/other")[1].body)["data"]
    assert (body["endpoint_id"], body["reason"], body["since"]) == (failing.endpoint_id, "failing", "2027-01-15T08:00:00.000Z")
    stored = hooks.look(failing)
    assert (stored.enabled, stored.disabled_reason) == (False, "failing")
    assert set(hooks.statuses(failing)) == {"cancelled"}
    assert hooks.subjects(post) == [
        "A webhook endpoint has been failing for three days",
        "A webhook endpoint was disabled",
    ]
    for to, message, _ in post.letters:
        assert to == ["owner@shop.example"]
        assert failing.endpoint_id in message.get_content()
        assert "/failing" not in message.get_content()
    kinds = [row[0] for row in hooks.rows("SELECT kind FROM audit WHERE kind LIKE 'endpoint.%' ORDER BY seq")]
    assert kinds[-2:] == ["endpoint.failing", "endpoint.disabled"]


def test_one_success_at_95_hours_begins_anew(any_hooks: Hooks, receiver: Receiver, failing) -> None:
    hooks = any_hooks
    fail(hooks, 5)
    hooks.clock.advance(73 * HOUR_S)
    hooks.sweep()
    hooks.clock.advance(22 * HOUR_S)
    receiver.answers["/failing"] = 200
    fail(hooks, 1)
    stored = hooks.look(failing)
    assert (stored.failing_since_ms, stored.failures, stored.told_failing_ms) == (None, 0, None)
    receiver.answers["/failing"] = 500
    fail(hooks, 1)
    again_ms = hooks.clock.now_ms
    hooks.clock.advance(71 * HOUR_S)
    hooks.sweep()
    assert (hooks.look(failing).enabled, hooks.look(failing).failing_since_ms) == (True, again_ms)
    assert len(hooks.events("endpoint.failing")) == 1
    hooks.clock.advance(1 * HOUR_S)
    hooks.sweep()
    assert len(hooks.events("endpoint.failing")) == 2


def test_silence_does_not_postpone_it_but_four_failures_are_too_few(any_hooks: Hooks, receiver: Receiver, failing) -> None:
    hooks = any_hooks
    fail(hooks, 3)
    hooks.clock.advance(200 * HOUR_S)
    hooks.sweep()
    hooks.sweep()
    assert (hooks.look(failing).enabled, len(hooks.events("endpoint.failing"))) == (True, 1)
    fail(hooks, 1)
    hooks.sweep()
    assert hooks.look(failing).disabled_reason == "failing"


def test_an_endpoint_does_not_hear_of_itself(hooks: Hooks, receiver: Receiver) -> None:
    receiver.answers["/"] = 500
    endpoint = hooks.endpoint(receiver.url(), event_types=["*"])
    fail(hooks, 5)
    before = len(hooks.log(endpoint))
    hooks.clock.advance(72 * HOUR_S)
    hooks.sweep()
    assert len(hooks.events("endpoint.failing")) == 1
    assert len(hooks.log(endpoint)) == before


def test_ten_timeouts_in_a_row_leave_one_slot_until_it_answers(hooks: Hooks, receiver: Receiver) -> None:
    endpoint = hooks.endpoint(receiver.url())
    hooks.change("UPDATE webhook_endpoints SET timeouts = 10 WHERE id = ?", endpoint.endpoint_id)
    receiver.answers["/"] = 500
    fail(hooks, 2)
    assert hooks.look(endpoint).timeouts == 0


def test_enabling_resends_nothing(any_hooks: Hooks, receiver: Receiver, failing) -> None:
    hooks = any_hooks
    hooks.run(hooks.disable(failing))
    receiver.answers["/failing"] = 200
    hooks.run(hooks.enable(failing))
    hooks.deliver()
    assert (hooks.statuses(failing), len(receiver.to("/failing"))) == (["cancelled"], 1)
