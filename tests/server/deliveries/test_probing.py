"""Test requests, and probes: they pass who verifies, and find who does not."""

import json

import pytest
from aiohttp import web

import accredit
from accredit.errors import AccreditError, ConflictError, MalformedError
from accredit.server.events.event_types import ALL_FLOW_NAMES, EVENT_TYPES
from accredit.server.events.probing import probe_endpoint, read_probe, send_sample

from .conftest import Hooks, Receiver

ONES = "1" * 22
KINDS = ["accredit", "flow"]


def make(hooks: Hooks, receiver: Receiver, kind: str):
    return hooks.flow_endpoint(receiver.url()) if kind == "flow" else hooks.endpoint(receiver.url())


def sample(hooks: Hooks, endpoint, name=None):
    return hooks.run(send_sample(hooks.node, endpoint, name))


@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_is_signed_like_the_rest_and_of_nobody(hooks: Hooks, receiver: Receiver, kind) -> None:
    endpoint = make(hooks, receiver, kind)
    receiver.answers["/"] = web.Response(status=202, text="thanks")
    tested = sample(hooks, endpoint)
    assert (tested.outcome, tested.status, tested.response_excerpt) == ("succeeded", 202, "thanks")
    (request,) = receiver.requests
    event = accredit.verify_webhook(
        request.body, request.headers, secrets=[hooks.secrets[endpoint.endpoint_id]], now=hooks.clock.now
    )
    if kind == "flow":
        assert event.payload["event"] == "flow_session.status.updated"
        assert event.payload["data"]["id"] == f"flwses_{ONES}"
        assert event.payload["data"]["customer_reference"] == "accredit-test"
    else:
        assert (event.payload["type"], event.payload["data"]["test"]) == ("test.ping", True)
    assert event.id.endswith(ONES)
    assert (hooks.log(endpoint), hooks.look(endpoint).failing_since_ms) == ([], None)


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_there_is_a_sample_of_every_type(hooks: Hooks, receiver: Receiver, name) -> None:
    assert sample(hooks, hooks.endpoint(receiver.url()), name).outcome == "succeeded"
    body = json.loads(receiver.requests[0].body)
    assert (body["type"], body["data"]["object"]) == (name, name.partition(".")[0])


@pytest.mark.parametrize("name", ALL_FLOW_NAMES)
def test_there_is_a_sample_of_every_event_of_kind_flow(hooks: Hooks, receiver: Receiver, name) -> None:
    assert sample(hooks, hooks.flow_endpoint(receiver.url()), name).outcome == "succeeded"
    assert json.loads(receiver.requests[0].body)["event"] == name


def test_a_failed_sample_says_why_and_counts_for_nothing(hooks: Hooks, receiver: Receiver) -> None:
    endpoint = hooks.endpoint(receiver.url())
    receiver.answers["/"] = web.Response(status=401, text="whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= is wrong")
    tested = sample(hooks, endpoint)
    assert (tested.outcome, tested.status, tested.response_excerpt) == ("status_401", 401, "*** is wrong")
    hooks.clock.advance(30 * 86_400)
    hooks.deliver()
    assert (len(receiver.requests), hooks.look(endpoint).failing_since_ms) == (1, None)


def test_what_is_no_type_of_the_kind_is_refused(hooks: Hooks, receiver: Receiver) -> None:
    for endpoint, name in (
        (hooks.endpoint(receiver.url()), "flow_session.retried"),
        (hooks.flow_endpoint(receiver.url()), "test.ping"),
    ):
        with pytest.raises(MalformedError, match="event_type_unknown: type"):
            sample(hooks, endpoint, name)
    assert receiver.requests == []


def test_a_disabled_endpoint_gets_no_sample(hooks: Hooks, receiver: Receiver) -> None:
    endpoint = hooks.endpoint(receiver.url())
    hooks.run(hooks.disable(endpoint))
    with pytest.raises(ConflictError, match="endpoint_disabled"):
        sample(hooks, hooks.look(endpoint))


def verifies(hooks: Hooks, endpoint, received, *, blind_to: str | None = None, refusal: int = 401) -> int:
    """What a receiver answers that verifies every request, or all but one kind of fault."""
    if blind_to == "unsigned" and "webhook-signature" not in received.headers:
        return 200
    if blind_to == "body_swapped" and b"07:00:00" in received.body and str(hooks.clock.now) in received.headers.values():
        return 200
    tolerance_s = 10**9 if blind_to == "stale" else 300
    secret, now = hooks.secrets[endpoint.endpoint_id], hooks.clock.now
    try:
        if endpoint.kind == "flow":
            keys = {endpoint.endpoint_id: [secret]}
            accredit.verify_flow_webhook(
                received.body, received.headers, target="/", keys=keys, now=now, tolerance_s=tolerance_s
            )
        else:
            accredit.verify_webhook(received.body, received.headers, secrets=[secret], now=now, tolerance_s=tolerance_s)
    except AccreditError:
        return refusal
    return 200


@pytest.mark.parametrize("kind", KINDS)
def test_a_probe_passes_a_receiver_that_verifies(any_hooks: Hooks, receiver: Receiver, kind) -> None:
    hooks = any_hooks
    endpoint = make(hooks, receiver, kind)
    receiver.judge = lambda received: verifies(hooks, endpoint, received)
    probe = hooks.run(probe_endpoint(hooks.node, endpoint))
    assert [(each.probe, each.outcome, each.status) for each in probe.results] == [
        ("genuine", "passed", 200), ("unsigned", "passed", 401), ("wrong_key", "passed", 401), ("body_swapped", "passed", 401),
        ("stale", "passed", 401),
    ]  # fmt: skip
    assert probe.passed
    assert read_probe(hooks.look(endpoint), hooks.clock.now_ms) == probe
    assert len(receiver.requests) == 5
    assert hooks.look(endpoint).failing_since_ms is None


@pytest.mark.parametrize("fault", ["unsigned", "body_swapped", "stale"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_probe_fails_a_receiver_that_leaves_out_a_check(hooks: Hooks, receiver: Receiver, kind, fault) -> None:
    endpoint = make(hooks, receiver, kind)
    receiver.judge = lambda received: verifies(hooks, endpoint, received, blind_to=fault)
    probe = hooks.run(probe_endpoint(hooks.node, endpoint))
    assert not probe.passed
    assert [each.probe for each in probe.results if each.outcome == "failed"] == [fault]


def test_a_probe_fails_who_accepts_everything_and_who_accepts_nothing(hooks: Hooks, receiver: Receiver) -> None:
    endpoint = hooks.endpoint(receiver.url())
    probe = hooks.run(probe_endpoint(hooks.node, endpoint))
    assert [each.outcome for each in probe.results] == ["passed", "failed", "failed", "failed", "failed"]
    receiver.answers["/"] = 403
    probe = hooks.run(probe_endpoint(hooks.node, endpoint))
    assert [each.outcome for each in probe.results] == ["failed", "passed", "passed", "passed", "passed"]


@pytest.mark.parametrize("status", [500, 503, 302])
def test_what_fails_for_other_reasons_is_unknown(hooks: Hooks, receiver: Receiver, status) -> None:
    endpoint = hooks.endpoint(receiver.url())
    receiver.answers["/"] = status
    probe = hooks.run(probe_endpoint(hooks.node, endpoint))
    assert ({each.outcome for each in probe.results}, probe.passed) == ({"unknown"}, False)


def test_a_probe_is_kept_for_30_days(any_hooks: Hooks, receiver: Receiver) -> None:
    hooks = any_hooks
    endpoint = hooks.endpoint(receiver.url())
    hooks.run(probe_endpoint(hooks.node, endpoint))
    hooks.clock.advance(30 * 86_400 - 1)
    hooks.sweep()
    assert read_probe(hooks.look(endpoint), hooks.clock.now_ms) is not None
    hooks.clock.advance(1)
    assert read_probe(hooks.look(endpoint), hooks.clock.now_ms) is None
    hooks.sweep()
    assert hooks.look(endpoint).probe is None
