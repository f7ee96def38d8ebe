"""The outbox keeps what somebody will hear of, in the transaction of what it tells of."""

import json
import re

import pytest

from accredit.server.events.outbox import EVENT_TYPES, Event, append
from accredit.server.keyring.scope import Scope
from accredit.server.store import one_by_one

LIVE = Scope("acc_1", "live")


@one_by_one
def append_events(tx, events):
    """Change: events alone."""
    append(tx, events)


@one_by_one
def fail_after(tx, events):
    """Change: events of something that then does not happen."""
    append(tx, events)
    raise LookupError


def find_events(tx, _):
    """Query: all events in the order of their ids."""
    columns = "id, account_id, environment, type, created_ms, session_id, integration_id, sequence, data"
    return tx.rows(f"SELECT {columns} FROM events ORDER BY id")


def test_keeps_all_members_of_an_event(run, store, now_ms):
    data = {"version": 2, "changed": ["enabled", "größe"]}
    run(store.write(append_events, [Event("integration.policy_changed", LIVE, now_ms, "s1", "int_1", 7, data)]))
    [(event_id, *rest, text)] = run(store.read(find_events, None))
    assert re.fullmatch(r"evt_[1-9A-HJ-NP-Za-km-z]{22}", event_id)
    assert rest == ["acc_1", "live", "integration.policy_changed", now_ms, "s1", "int_1", 7]
    assert text == json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def test_keeps_only_what_is_kept_while_nobody_asks(run, store, now_ms):
    run(store.write(append_events, [Event(event_type, LIVE, now_ms) for event_type in sorted(EVENT_TYPES)]))
    kept = [row[3] for row in run(store.read(find_events, None))]
    assert kept == sorted(kept)
    assert {event_type.partition(".")[0] for event_type in kept} == {"endpoint", "integration", "key"}
    assert len(kept) == sum(event_type.startswith(("key.", "integration.", "endpoint.")) for event_type in EVENT_TYPES)


def test_knows_the_types_of_the_protocol():
    assert {"session.pending_review", "session.redacted", "key.leaked", "endpoint.disabled", "test.ping"} < EVENT_TYPES
    assert len(EVENT_TYPES) == 12 + 3 + 5 + 2 + 1


def test_many_events_keep_their_order(run, store, now_ms):
    run(store.write(append_events, [Event("key.created", LIVE, now_ms + n) for n in range(300)]))
    assert [row[4] for row in run(store.read(find_events, None))] == [now_ms + n for n in range(300)]


def test_nothing_is_written_when_the_change_fails(run, store, now_ms):
    with pytest.raises(LookupError):
        run(store.write(fail_after, [Event("key.created", LIVE, now_ms)]))
    assert run(store.read(find_events, None)) == []


def test_refuses_a_type_that_the_protocol_does_not_know(run, store, now_ms):
    with pytest.raises(ValueError, match=r"key\.made"):
        run(store.write(append_events, [Event("key.made", LIVE, now_ms)]))


def test_no_events_cost_no_statement():
    append(None, [])
    append(None, [Event("session.success", LIVE, 0)])
