"""What is forgotten after 30 days, and what may not be; counters, and two clocks."""

import logging

import pytest
from prometheus_client import generate_latest

from accredit.server import telemetry
from accredit.server.clock_comparison import compare_clocks

from .conftest import Hooks, Receiver

DAY_S = 86_400


def count(hooks: Hooks, table: str) -> int:
    return hooks.rows(f"SELECT COUNT(*) FROM {table}")[0][0]


def test_events_deliveries_and_attempts_are_kept_for_30_days(any_hooks: Hooks, receiver: Receiver) -> None:
    hooks = any_hooks
    hooks.endpoint(receiver.url())
    hooks.happen(times=3)
    hooks.deliver()
    events = count(hooks, "events")
    hooks.clock.advance(30 * DAY_S)
    hooks.sweep()
    assert (count(hooks, "events"), count(hooks, "deliveries"), count(hooks, "attempts")) == (events, 3, 3)
    hooks.clock.advance(0.001)
    hooks.sweep()
    assert (count(hooks, "events"), count(hooks, "deliveries"), count(hooks, "attempts")) == (0, 0, 0)


def test_an_event_stays_as_long_as_it_is_still_to_be_sent(any_hooks: Hooks, receiver: Receiver) -> None:
    hooks = any_hooks
    endpoint = hooks.endpoint(receiver.url())
    hooks.happen()
    hooks.clock.advance(31 * DAY_S)
    hooks.sweep()
    hooks.deliver()
    assert hooks.statuses(endpoint) == ["succeeded"]
    hooks.sweep()
    assert count(hooks, "deliveries") == 0


@pytest.mark.parametrize(
    "ending", ["UPDATE webhook_endpoints SET enabled = 0 WHERE id = ?", "DELETE FROM webhook_endpoints WHERE id = ?"]
)
def test_what_was_written_while_an_endpoint_went_is_cancelled(any_hooks: Hooks, receiver: Receiver, ending: str) -> None:
    hooks = any_hooks
    endpoint = hooks.endpoint(receiver.url())
    hooks.happen()
    hooks.change(ending, endpoint.endpoint_id)
    hooks.deliver()
    hooks.sweep()
    assert (hooks.statuses(endpoint), receiver.requests) == (["cancelled"], [])


def sample(name: str) -> float:
    """A value as /metrics tells it."""
    lines = generate_latest(telemetry.REGISTRY).decode().splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), 0.0)


def test_attempts_outcomes_and_ages_are_counted(hooks: Hooks, receiver: Receiver) -> None:
    names = [
        'accredit_delivery_attempts_total{kind="accredit",outcome="succeeded"}',
        'accredit_delivery_attempts_total{kind="accredit",outcome="status_5xx"}',
        'accredit_deliveries_total{kind="accredit",status="succeeded"}',
        "accredit_delivery_age_seconds_sum",
    ]
    before = [sample(name) for name in names]
    receiver.answers["/"] = 503
    endpoint = hooks.endpoint(receiver.url())
    hooks.happen()
    hooks.deliver()
    hooks.clock.advance(7)
    hooks.sweep()
    assert sample("accredit_deliveries_due") == 1
    due_s = 7 - (hooks.log(endpoint)[0].delivery.due_ms - hooks.clock.now_ms + 7000) / 1000
    assert sample("accredit_delivery_oldest_due_seconds") == pytest.approx(due_s)
    receiver.answers["/"] = 200
    hooks.deliver()
    assert [after - first for after, first in zip([sample(name) for name in names], before, strict=True)] == [1, 1, 1, 7]


def test_a_clock_that_differs_from_the_database_s_is_warned_of(any_hooks: Hooks, caplog) -> None:
    hooks = any_hooks
    # The database has the machine's time, and the test's clock has stood still for years.
    with caplog.at_level(logging.WARNING, "accredit"):
        ahead_ms = hooks.run(compare_clocks(hooks.node))
    told = [record for record in caplog.records if record.message == "clock_differs"]
    if "sqlite" in hooks.node.settings.database_url:
        assert (ahead_ms, told) == (0, [])
        return
    assert [record.fields for record in told] == [{"ahead_ms": ahead_ms}]
    hooks.clock.now_ms -= ahead_ms
    caplog.clear()
    assert abs(hooks.run(compare_clocks(hooks.node))) < 2000
    assert caplog.records == []
