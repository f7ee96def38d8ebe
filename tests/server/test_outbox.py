"""The outbox keeps what somebody will hear of, with a delivery for each who does, in the transaction of what it tells of."""

import asyncio
import json
import re

import pytest

from accredit.server.events.event_types import EVENT_TYPES
from accredit.server.events.outbox import Event, append
from accredit.server.events.records import DELIVERY_COLUMNS, ENDPOINT_COLUMNS, EndpointMembers, read_delivery, write_members
from accredit.server.keyring.scope import Scope
from accredit.server.store import one_by_one

LIVE, SANDBOX, OTHER = Scope("acc_1", "live"), Scope("acc_1", "sandbox"), Scope("acc_2", "live")
ALWAYS = sorted(each for each in EVENT_TYPES if each.startswith(("key.", "integration.", "endpoint.")))


@one_by_one
def append_events(tx, events):
    """Change: events alone."""
    append(tx, events)


def append_group(tx, events):
    """Change: one event of each caller, as the doors write those of their sessions."""
    append(tx, events)
    return [None] * len(events)


@one_by_one
def fail_after(tx, events):
    """Change: events of something that then does not happen."""
    append(tx, events)
    raise LookupError


@one_by_one
def insert_endpoint(tx, item):
    """Change: an endpoint as it is, without a secret."""
    endpoint_id, scope, kind, enabled, members = item
    members = write_members(EndpointMembers(**{"url": "https://shop.example/", "event_types": ("session.*",)} | members))
    marks = ", ".join("?" * (ENDPOINT_COLUMNS.count(",") + 1))
    tx.execute(
        f"INSERT INTO webhook_endpoints ({ENDPOINT_COLUMNS}) VALUES ({marks})",
        (
            endpoint_id,
            scope.account_id,
            scope.environment,
            kind,
            members,
            enabled,
            None,
            1,
            1,
            *(None, 0, None, 0, None, None, None),
        ),
    )


def find_events(tx, _):
    """Query: all events in the order of their ids."""
    columns = "id, account_id, environment, type, created_ms, session_id, integration_id, sequence, data"
    return tx.rows(f"SELECT {columns} FROM events ORDER BY id")


@pytest.fixture
def endpoint(run, store):
    """Adds an endpoint: endpoint("whksub_1", tags=("beta",))."""

    def add(endpoint_id, *, scope=LIVE, kind="accredit", enabled=1, **members):
        run(store.write(insert_endpoint, (endpoint_id, scope, kind, enabled, members)))

    return add


@pytest.fixture
def told(run, store):
    """What was delivered to whom: pairs of endpoint and type, in order."""

    def find():
        rows = run(store.read(lambda tx, _: tx.rows("SELECT endpoint_id, type FROM deliveries ORDER BY id"), None))
        return [tuple(row) for row in rows]

    return find


def success(scope=LIVE, **data):
    return Event(
        "session.success", scope, 1_000, "s1", "int_1", 7, {"door": "embed", "status": "success", "reason": None} | data
    )


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
    assert kept == ALWAYS


def test_knows_the_types_of_the_protocol():
    assert {"session.pending_review", "session.redacted", "key.leaked", "endpoint.disabled", "test.ping"} < EVENT_TYPES
    assert len(EVENT_TYPES) == 12 + 3 + 5 + 2 + 1


def test_many_events_keep_their_order(run, store, now_ms):
    run(store.write(append_events, [Event("key.created", LIVE, now_ms + n) for n in range(300)]))
    assert [row[4] for row in run(store.read(find_events, None))] == [now_ms + n for n in range(300)]


def test_nothing_is_written_when_the_change_fails(run, store, now_ms, endpoint, told):
    endpoint("whksub_1", event_types=("*",))
    with pytest.raises(LookupError):
        run(store.write(fail_after, [Event("key.created", LIVE, now_ms)]))
    assert (run(store.read(find_events, None)), told()) == ([], [])


def test_refuses_a_type_that_the_protocol_does_not_know(run, store, now_ms):
    with pytest.raises(ValueError, match=r"key\.made"):
        run(store.write(append_events, [Event("key.made", LIVE, now_ms)]))


def test_no_events_cost_no_statement():
    append(None, [])


class Counting:
    """A transaction that finds nothing, and counts what it is asked."""

    def __init__(self):
        self.asked = 0

    def rows(self, _sql, _values):
        self.asked += 1
        return []

    def announce(self, topic):
        """Asks nothing."""

    def after_commit(self, call):
        """Asks nothing."""


def test_a_group_that_nobody_hears_of_costs_one_statement():
    counting = Counting()
    append(counting, [success(Scope(f"acc_{n}", "live")) for n in range(64)])
    assert counting.asked == 1


def test_each_endpoint_that_hears_of_an_event_gets_a_delivery_of_its_own(run, store, endpoint):
    endpoint("whksub_1")
    endpoint("whksub_2", event_types=("*",))
    run(store.write(append_events, [success()]))
    rows = run(store.read(lambda tx, _: tx.rows(f"SELECT {DELIVERY_COLUMNS} FROM deliveries ORDER BY id"), None))
    first, second = map(read_delivery, rows)
    assert (first.endpoint_id, second.endpoint_id, first.event_id) == ("whksub_1", "whksub_2", second.event_id)
    assert (first.status, first.due_ms, first.attempts, first.body, first.scope) == ("pending", 1_000, 0, None, LIVE)


def test_one_group_tells_everybody_of_what_is_theirs(run, store, endpoint, told):
    for n in range(1, 6):
        endpoint(f"whksub_{n}", scope=Scope(f"acc_{n}", "live"))
    run(store.write(append_events, [success(Scope(f"acc_{n}", "live")) for n in (5, 3, 9, 1)]))
    assert told() == [("whksub_5", "session.success"), ("whksub_3", "session.success"), ("whksub_1", "session.success")]


def test_nothing_crosses_an_environment_or_an_account(run, store, endpoint, told):
    endpoint("whksub_1", scope=SANDBOX)
    endpoint("whksub_2", scope=OTHER)
    run(store.write(append_events, [success()]))
    assert (told(), run(store.read(find_events, None))) == ([], [])


def test_a_disabled_endpoint_has_events_kept_for_it_and_no_deliveries(run, store, endpoint, told):
    endpoint("whksub_1", enabled=0)
    run(store.write(append_events, [success()]))
    assert told() == []
    assert len(run(store.read(find_events, None))) == 1


def test_an_endpoint_counts_from_the_transaction_that_made_it(run, store, second_store, endpoint, told):
    """Also for another node, which has heard of nothing yet."""
    endpoint("whksub_1")
    run(second_store.write(append_events, [success()]))
    assert told() == [("whksub_1", "session.success")]


@pytest.mark.parametrize(
    ("event_types", "heard"),
    [
        (("*",), {"session.success", "key.created"}),
        (("session.*",), {"session.success"}),
        (("session.success", "session.failed"), {"session.success"}),
        (("session.failed",), set()),
        (("key.created",), {"key.created"}),
    ],
)
def test_hears_the_types_that_it_asks_for(run, store, endpoint, told, event_types, heard):
    endpoint("whksub_1", event_types=event_types)
    run(store.write(append_events, [success(), Event("key.created", LIVE, 1_000, data={"key_id": "key_1"})]))
    assert {event_type for _, event_type in told()} == heard


@pytest.mark.parametrize(
    ("filters", "hears"),
    [
        ({"doors": ("rest", "embed")}, True),
        ({"doors": ("rest",)}, False),
        ({"integrations": ("int_0", "int_1")}, True),
        ({"integrations": ("int_2",)}, False),
        ({"tags": ("beta", "gold")}, True),
        ({"tags": ("beta",)}, False),
        ({"doors": ("embed",), "integrations": ("int_1",), "tags": ("gold",)}, True),
        ({"doors": ("embed",), "integrations": ("int_2",), "tags": ("gold",)}, False),
    ],
)
def test_an_event_must_match_each_list_that_is_not_empty(run, store, endpoint, told, filters, hears):
    endpoint("whksub_1", **filters)
    run(store.write(append_events, [success(tags=["gold", "silver"])]))
    assert bool(told()) == hears


def test_what_is_of_no_door_matches_no_list_of_doors(run, store, endpoint, told):
    endpoint("whksub_1", event_types=("*",), doors=("embed", "boot", "rest", "flow"))
    run(store.write(append_events, [Event("key.created", LIVE, 1_000, data={"key_id": "key_1"})]))
    assert told() == []


def test_kind_flow_hears_of_flow_sessions_and_of_what_the_original_tells(run, store, endpoint, told):
    endpoint("whksub_1", kind="flow", event_types=("flow_session.status.updated", "flow_session.retried"))
    types = sorted(each for each in EVENT_TYPES if each.startswith("session."))
    run(store.write(append_events, [Event(each, LIVE, 1_000, "s1", data={"door": "flow"}) for each in types]))
    run(store.write(append_events, [Event(each, LIVE, 1_000, "s2", data={"door": "rest"}) for each in types]))
    statuses = ("cancelled", "expired", "failed", "pending_review", "retried", "success")
    assert told() == [("whksub_1", f"session.{status}") for status in statuses]


def test_an_endpoint_does_not_hear_of_itself(run, store, endpoint, told):
    for n in (1, 2):
        endpoint(f"whksub_{n}", event_types=("endpoint.disabled",))
    run(store.write(append_events, [Event("endpoint.disabled", LIVE, 1_000, data={"endpoint_id": "whksub_1"})]))
    assert told() == [("whksub_2", "endpoint.disabled")]


def test_events_of_one_commit_group_are_told_together(run, store, endpoint, told):
    endpoint("whksub_1")

    async def tell_many():
        await asyncio.gather(*(store.write(append_group, success()) for _ in range(20)))

    run(tell_many())
    assert told() == [("whksub_1", "session.success")] * 20
