"""Replays: what is sent again, to whom, under which id, and how fast."""

import json

import pytest

from accredit.errors import ConflictError, MalformedError, NotFoundError
from accredit.sealing import generate_encryption_key
from accredit.server.events import replaying
from accredit.server.events.replaying import EventRange, replay_event, replay_range, types_named

from .conftest import Hooks, Receiver

DAY_MS = 86_400_000


def replay(hooks: Hooks, endpoint, **wanted):
    given = {"from_ms": hooks.clock.now_ms - DAY_MS, "to_ms": hooks.clock.now_ms + 1, **wanted}
    return hooks.run(replay_range(hooks.node.store, EventRange(hooks.look(endpoint), **given), hooks.clock.now_ms))


def ids_of(requests) -> list[str]:
    return [each.headers["webhook-id"] for each in requests]


@pytest.fixture
def missed(any_hooks: Hooks, receiver: Receiver):
    """Two endpoints; one has missed two of three events for good, the other has them all."""
    hooks = any_hooks
    endpoint, _other = hooks.endpoint(receiver.url("/a")), hooks.endpoint(receiver.url("/b"))
    hooks.happen()
    hooks.deliver()
    receiver.answers["/a"] = 500
    hooks.clock.advance(1)
    hooks.happen()
    hooks.clock.advance(1)
    hooks.happen("session.failed")
    hooks.deliver()
    hooks.run(hooks.disable(endpoint))
    hooks.run(hooks.enable(endpoint))
    receiver.answers["/a"] = 200
    assert hooks.statuses(endpoint) == ["succeeded", "cancelled", "cancelled"]
    receiver.requests.clear()
    return endpoint


def test_a_range_sends_each_failed_event_once_with_its_own_id_to_this_endpoint(any_hooks, receiver, missed) -> None:
    hooks = any_hooks
    before = hooks.log(missed)
    begun = replay(hooks, missed)
    assert begun.count == 2
    hooks.clock.advance(1)
    hooks.deliver()
    assert sorted(ids_of(receiver.requests)) == sorted(each.delivery.event_id for each in before[1:])
    assert {each.path for each in receiver.requests} == {"/a"}
    again = hooks.log(missed)[3:]
    assert [each.delivery.replay_of for each in again] == [each.delivery.delivery_id for each in before[1:]]
    assert {each.delivery.replay_id for each in again} == {begun.replay_id}
    assert [each.delivery.status for each in again] == ["succeeded"] * 2
    # They are not failed any more.
    assert replay(hooks, missed).count == 0


def test_what_is_still_open_is_not_replayed_as_failed(any_hooks, receiver) -> None:
    hooks = any_hooks
    receiver.answers["/"] = 500
    endpoint = hooks.endpoint(receiver.url())
    hooks.happen()
    hooks.deliver()
    assert replay(hooks, endpoint).count == 0
    assert replay(hooks, endpoint, only="all").count == 1


def test_ten_a_second(any_hooks, receiver) -> None:
    hooks = any_hooks
    endpoint = hooks.endpoint(receiver.url(), concurrency=32)
    hooks.happen(times=12)
    hooks.deliver()
    receiver.requests.clear()
    begun_ms = hooks.clock.now_ms
    assert replay(hooks, endpoint, only="all").count == 12
    for number in range(12):
        hooks.deliver_at(begun_ms + number * 100)
        assert len(receiver.requests) == number + 1


def test_an_endpoint_that_came_later_hears_of_what_it_asks_for(any_hooks, receiver) -> None:
    hooks = any_hooks
    hooks.endpoint(receiver.url("/first"), event_types=["*"])
    hooks.happen("session.success")
    hooks.happen("session.failed")
    later = hooks.endpoint(receiver.url("/later"), event_types=["session.success"])
    assert replay(hooks, later).count == 0
    assert replay(hooks, later, only="all").count == 1
    hooks.deliver()
    (request,) = receiver.to("/later")
    assert json.loads(request.body)["type"] == "session.success"
    assert hooks.log(later)[0].delivery.replay_of is None


def test_types_and_times_narrow_a_range(any_hooks, receiver, missed) -> None:
    hooks = any_hooks
    assert replay(hooks, missed, types=types_named(["session.failed"])).count == 1
    hooks.deliver()
    assert replay(hooks, missed, to_ms=hooks.clock.now_ms - 1000).count == 0
    assert replay(hooks, missed, to_ms=hooks.clock.now_ms - 1000 + 1).count == 1


def test_one_event_is_sent_again_whatever_became_of_it(any_hooks, receiver, missed) -> None:
    hooks = any_hooks
    event_id = hooks.log(missed)[0].delivery.event_id
    begun = hooks.run(replay_event(hooks.node.store, missed, event_id, hooks.clock.now_ms))
    hooks.deliver()
    assert (begun.count, ids_of(receiver.requests)) == (1, [event_id])


@pytest.mark.parametrize("event_id", ["evt_1111111111111111111111", "evt_", "x", ""])
def test_an_event_that_is_not_there_is_not_found(hooks, receiver, event_id) -> None:
    endpoint = hooks.endpoint(receiver.url())
    with pytest.raises(NotFoundError, match="event_not_found"):
        hooks.run(replay_event(hooks.node.store, endpoint, event_id, hooks.clock.now_ms))


def test_kind_flow_is_sent_events_of_flow_sessions_only_by_their_other_name(hooks, receiver) -> None:
    endpoint, other = hooks.flow_endpoint(receiver.url("/flow")), hooks.endpoint(receiver.url("/other"))
    hooks.happen("session.success", door="flow")
    hooks.happen("session.success", door="rest")
    hooks.deliver()
    flow, rest = (each.delivery.event_id for each in hooks.log(other))
    tail = flow.removeprefix("evt_")
    hooks.run(replay_event(hooks.node.store, endpoint, f"whkevt_{tail}", hooks.clock.now_ms))
    hooks.deliver()
    assert ids_of(receiver.to("/flow")) == [f"whkevt_{tail}"] * 2
    with pytest.raises(NotFoundError):
        hooks.run(replay_event(hooks.node.store, endpoint, rest, hooks.clock.now_ms))


def test_a_disabled_endpoint_is_sent_nothing(any_hooks, receiver, missed) -> None:
    hooks = any_hooks
    hooks.run(hooks.disable(missed))
    with pytest.raises(ConflictError, match="endpoint_disabled"):
        replay(hooks, missed)


def test_a_sealed_body_is_sent_again_as_it_was(any_hooks, receiver) -> None:
    hooks = any_hooks
    key = dict(generate_encryption_key(alg="ECDH-ES", crv="P-256").public_jwk)
    endpoint = hooks.endpoint(receiver.url(), encryption_public_key=key, payload="full")
    hooks.happen()
    hooks.deliver()
    replay(hooks, endpoint, only="all")
    hooks.deliver()
    first, second = receiver.requests
    assert first.headers["content-type"] == "application/jose"
    assert first.body == second.body


def test_what_is_older_than_30_days_is_not_replayed_nor_kept_in_full(any_hooks, receiver) -> None:
    hooks = any_hooks
    key = dict(generate_encryption_key(alg="ECDH-ES", crv="P-256").public_jwk)
    endpoint = hooks.endpoint(receiver.url(), encryption_public_key=key, payload="full")
    hooks.happen()
    hooks.deliver()
    hooks.clock.advance(29 * 86_400)
    (old,) = ids_of(receiver.requests)
    hooks.run(replay_event(hooks.node.store, endpoint, old, hooks.clock.now_ms))
    hooks.deliver()
    hooks.sweep()
    kept = "SELECT body IS NOT NULL FROM deliveries WHERE event_id = ? ORDER BY id"
    assert [bool(each) for (each,) in hooks.rows(kept, old)] == [True, True]
    hooks.clock.advance(86_400.001)
    hooks.sweep()
    # The replay is in the log for its own 30 days; what it sent is not.
    assert [bool(each) for (each,) in hooks.rows(kept, old)] == [False]
    assert replay(hooks, endpoint, only="all", from_ms=0).count == 0
    with pytest.raises(NotFoundError, match="event_not_found"):
        hooks.run(replay_event(hooks.node.store, endpoint, old, hooks.clock.now_ms))


def test_a_range_that_is_too_large_is_refused_and_nothing_of_it_sent(hooks, receiver, monkeypatch) -> None:
    monkeypatch.setattr(replaying, "MAX_REPLAYED", 3)
    endpoint = hooks.endpoint(receiver.url())
    hooks.happen(times=4)
    hooks.deliver()
    with pytest.raises(MalformedError, match="replay_range_too_large"):
        replay(hooks, endpoint, only="all")
    assert len(hooks.log(endpoint)) == 4


def test_names_stand_for_types_of_either_kind() -> None:
    assert types_named([]) == frozenset()
    assert types_named(["session.success", "key.leaked"]) == {"session.success", "key.leaked"}
    assert "session.created" in types_named(["session.*"])
    assert types_named(["flow_session.retried"]) == {"session.retried"}
    with pytest.raises(MalformedError, match="event_type_unknown: event_types"):
        types_named(["session.success", "session.lost"])
