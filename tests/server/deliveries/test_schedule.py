"""When attempts are made: the two schedules, to the letter, and what `Retry-After` moves."""

import json
from pathlib import Path
from typing import Any

import pytest

import accredit
from accredit.server.events.schedule import attempts_of, next_attempt_ms, parse_retry_after, wait_ms

CASES = json.loads((Path(__file__).parents[2] / "vectors" / "webhooks.json").read_text(encoding="utf-8"))["cases"]
MINUTE_MS = 60_000
# The table of protocol-webhooks.md section 9: minutes since the first attempt, without jitter.
SINCE_THE_FIRST = {
    "accredit": [0, 1 / 12, 61 / 12, 421 / 12, 1861 / 12, 5461 / 12, 12661 / 12, 22741 / 12, 37141 / 12, 54421 / 12],
    "flow": [0, 1, 5, 21, 85, 341, 1365, 5461],
}


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES if case["kind"] == "schedule"])
def test_schedule(case: Any) -> None:
    inputs = case["inputs"]
    of = inputs["kind"], inputs["delivery_id"], inputs["coming_attempt"]
    retry_after_ms = inputs["retry_after_s"] * 1000 if "retry_after_s" in inputs else None
    next_ms = next_attempt_ms(*of, inputs["failed_at_ms"], retry_after_ms)
    if case["expect"] == "valid":
        assert {"wait_ms": wait_ms(*of), "next_at_ms": next_ms} == case["result"]
    else:
        assert (case["expect"], next_ms) == ("exhausted", None)


@pytest.mark.parametrize("kind", ["accredit", "flow"])
def test_an_endpoint_that_never_answers_well_gets_its_attempts_at_their_times_and_none_after(
    any_hooks, receiver, clock, kind
) -> None:
    hooks = any_hooks
    receiver.answers["/"] = 500
    endpoint = hooks.flow_endpoint(receiver.url()) if kind == "flow" else hooks.endpoint(receiver.url())
    hooks.happen(door="flow")
    first_ms = clock.now_ms
    hooks.deliver()
    at_ms = [clock.now_ms]
    while (due_ms := hooks.log(endpoint)[0].delivery.due_ms) is not None:
        hooks.deliver_at(due_ms - 1)
        hooks.deliver_at(due_ms)
        at_ms.append(due_ms)
    clock.advance(30 * 86_400)
    hooks.deliver()

    assert len(receiver.requests) == len(at_ms) == attempts_of(kind) == len(SINCE_THE_FIRST[kind])
    for planned, real_ms in zip(SINCE_THE_FIRST[kind], at_ms, strict=True):
        assert 0.9 * planned <= (real_ms - first_ms) / MINUTE_MS <= 1.1 * planned
    (logged,) = hooks.log(endpoint)
    assert (logged.delivery.status, logged.delivery.attempts) == ("exhausted", len(at_ms))
    assert [(each.number, each.at_ms, each.error) for each in logged.attempts] == [
        (number, real_ms, "status_500") for number, real_ms in enumerate(at_ms, 1)
    ]
    # Each is signed anew, and says the same under the same id.
    assert len({each.headers["webhook-id"] for each in receiver.requests}) == 1
    assert len({each.body for each in receiver.requests}) == 1
    for real_ms, request in zip(at_ms, receiver.requests, strict=True):
        now = real_ms // 1000
        event = accredit.verify_webhook(
            request.body, request.headers, secrets=[hooks.secrets[endpoint.endpoint_id]], now=now, tolerance_s=0
        )
        assert event.id == request.headers["webhook-id"]
        if kind == "flow":
            secret = hooks.secrets[endpoint.endpoint_id]
            accredit.verify_flow_webhook(
                request.body, request.headers, target="/", keys={endpoint.endpoint_id: [secret]}, now=now, tolerance_s=1
            )
    assert [each.headers["accredit-attempt"] for each in receiver.requests][-1] == f"{len(at_ms)}/{len(at_ms)}"


def test_a_success_at_the_third_attempt_is_the_last(hooks, receiver, clock) -> None:
    receiver.answers["/"] = 503
    endpoint = hooks.endpoint(receiver.url())
    hooks.happen()
    hooks.deliver()
    hooks.deliver_at(hooks.log(endpoint)[0].delivery.due_ms)
    receiver.answers["/"] = 204
    hooks.deliver_at(hooks.log(endpoint)[0].delivery.due_ms)
    clock.advance(30 * 86_400)
    hooks.deliver()
    assert len(receiver.requests) == 3
    (logged,) = hooks.log(endpoint)
    assert (logged.delivery.status, logged.delivery.due_ms) == ("succeeded", None)
    assert [each.status for each in logged.attempts] == [503, 503, 204]


@pytest.mark.parametrize(
    ("value", "wanted_ms"),
    [
        ("120", 120_000), (" 7 ", 7000), ("0", 0), ("999999999999", 86_400_000), ("Fri, 15 Jan 2027 08:02:00 GMT", 120_000),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0), ("Fri, 15 Jan 2038 08:00:00 GMT", 86_400_000), (None, None), ("", None), ("soon", None),
        ("-1", None), ("1.5", None), ("1e3", None), ("\u0661", None), ("1" * 13, None), ("Thu, 15 Jan 2027 08:02:00 GMT", None),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date_of_up_to_a_day(value: str | None, wanted_ms: int | None) -> None:
    assert parse_retry_after(value, 1_800_000_000_000) == wanted_ms
