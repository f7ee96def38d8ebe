"""Sessions that pages open: one for each customer, in all tabs and on all nodes (protocol-flow.md sections 5 and 6)."""

import pytest

from accredit.errors import AccreditError, Refused
from accredit.server.events.records import EVENT_COLUMNS
from accredit.server.limits import TooManyRequests
from accredit.server.sessions.flow.ending import cancel_flow
from accredit.server.sessions.flow.opening import OpenedFlow
from accredit.server.sessions.flow.quota import find_count
from accredit.server.sessions.flow.redacting import redact_flow
from accredit.server.sessions.flow.tokens import find_token, issue_token
from accredit.server.store import one_by_one


@one_by_one
def set_count(tx, item):
    tx.execute("INSERT INTO counters (integration_id, period, n) VALUES (?, 'live', ?)", item)


def count_of(flow):
    return flow.run(flow.node.store.read(find_count, flow.template_id))


def codes(outcomes):
    return sorted("opened" if isinstance(each, OpenedFlow) else each.code for each in outcomes)


def test_a_customer_has_one_session_in_all_tabs_and_on_all_nodes(flow):
    """Scenario 4."""
    tabs = flow.together(*(flow.opening(node=node) for node in (flow.node, flow.second) * 3))
    assert len({tab.session.session_id for tab in tabs}) == 1
    assert sorted(tab.resumed for tab in tabs) == [False] + [True] * 5
    assert len({tab.token for tab in tabs}) == 6
    assert flow.count("sessions") == 1
    assert not flow.open("User-1").resumed, "references count byte for byte"


def test_a_finished_customer_sees_the_end_even_after_redaction(flow):
    """Scenario 4."""
    session = flow.pass_all(flow.open().session)
    assert session.status == "success"
    again = flow.open()
    assert (again.resumed, again.session.session_id, again.session.status) == (True, session.session_id, "success")
    flow.run(redact_flow(flow.node, session, flow.cause()))
    assert flow.open().session.session_id == session.session_id
    flow.publish(session_ttl_s=600)
    assert flow.open().session.session_id == session.session_id, "a new version is no new chance"
    assert flow.count("sessions") == 1


def test_two_templates_have_their_own_sessions_of_a_customer(flow):
    first = flow.open()
    flow.run(flow.node.store.write(copy_template, flow.template_id))
    flow.template_id += "b"
    assert flow.open().session.session_id != first.session.session_id


@one_by_one
def copy_template(tx, template_id):
    columns = "account_id, environment, door, deployer_id, name, version, policy, created_ms, updated_ms"
    tx.execute(
        f"INSERT INTO integrations (id, {columns}) SELECT ?, {columns} FROM integrations WHERE id = ?",
        (f"{template_id}b", template_id),
    )


@pytest.mark.parametrize("policy", ["optional", "required"])
def test_the_hundredth_works_and_the_next_does_not_until_signing_is_required(live_flow, policy):
    """Scenarios 2 and 3: two nodes, the 100th and the 101st at once."""
    flow = live_flow
    first = flow.open("user-0", True)
    flow.publish(signature_policy=policy)
    flow.run(flow.node.store.write(set_to, (flow.template_id, 99)))
    outcomes = flow.together(*(flow.opening(f"user-{n}", True, node=node) for n, node in ((1, flow.node), (2, flow.second))))
    if policy == "optional":
        assert codes(outcomes) == ["opened", "unsigned_session_limit_reached"]
        assert count_of(flow) == 100
        with pytest.raises(Refused, match="unsigned_session_limit_reached"):
            flow.open("user-9")
        flow.publish(require_signed_requests=True)
        assert not flow.open("user-3", True).resumed
        flow.publish(require_signed_requests=False)
        with pytest.raises(Refused, match="unsigned_session_limit_reached"):
            flow.open("user-4", True)
    else:
        assert codes(outcomes) == ["opened", "opened"]
    assert count_of(flow) == 101
    assert flow.open("user-0", True).session.session_id == first.session.session_id


@one_by_one
def set_to(tx, item):
    template_id, n = item
    tx.execute("UPDATE counters SET n = ? WHERE integration_id = ? AND period = 'live'", (n, template_id))


def test_twenty_at_ninety_five_make_five(live_flow):
    """Scenario 3."""
    flow = live_flow
    flow.run(flow.node.store.write(set_count, (flow.template_id, 95)))
    nodes = (flow.node, flow.second)
    outcomes = flow.together(*(flow.opening(f"user-{n}", True, node=nodes[n % 2]) for n in range(20)))
    assert codes(outcomes) == ["opened"] * 5 + ["unsigned_session_limit_reached"] * 15
    assert flow.count("sessions") == 5
    assert flow.count("flow_tokens") == 5


def test_tells_of_the_limit_as_it_comes_near(live_flow):
    flow = live_flow
    flow.run(flow.node.store.write(set_count, (flow.template_id, 48)))
    for n in range(52):
        flow.open(f"user-{n}", True)
    of_template = f"SELECT {EVENT_COLUMNS} FROM events WHERE type LIKE 'integration.limit%' AND integration_id = ? ORDER BY id"
    rows = flow.rows(of_template, flow.template_id)
    told = [(row[3], row[-1]) for row in rows]
    assert [kind for kind, _ in told] == ["integration.limit_approaching"] * 3 + ["integration.limit_reached"]
    for (_, data), count in zip(told, (50, 80, 95, 100), strict=True):
        assert f'"count":{count},"limit":100' in data


def test_the_sandbox_has_no_limit_and_no_count(flow):
    for n in range(32):
        flow.open(f"user-{n}")
    assert count_of(flow) == 0
    assert flow.count("flow_creations") == 0


def test_one_client_creates_thirty_an_hour_without_a_signature(live_flow):
    flow = live_flow
    for n in range(30):
        flow.open(f"user-{n}", address=f"2001:db8::{n}")
    with pytest.raises(TooManyRequests) as refused:
        flow.open("user-30", address="2001:db8::ffff")
    assert refused.value.retry_after_s == 3601
    assert count_of(flow) == 30
    assert flow.open("user-3", address="2001:db8::1").resumed, "resumes are free"
    assert not flow.open("user-31", address="2001:db8:0:1::1").resumed
    assert not flow.open("user-32", True, address="2001:db8::1").resumed
    flow.clock.advance(3600)
    assert not flow.open("user-33", address="2001:db8::1").resumed


def test_what_was_admitted_with_a_signature_takes_one_again(flow):
    flow.open("user-1", True)
    with pytest.raises(Refused, match="signature_required"):
        flow.open("user-1")
    assert flow.open("user-1", flow.token()).resumed


def test_a_session_that_is_resumed_with_a_signature_takes_one_from_then_on(flow):
    opened = flow.open("user-1")
    assert flow.open("user-1", True).resumed
    with pytest.raises(Refused, match="signature_required"):
        flow.open("user-1")
    assert flow.object(opened.session)["admitted_by"] == "unsigned"


def test_who_opened_a_session_unsigned_is_out_once_somebody_signs(flow):
    opened = flow.open("user-1")
    assert flow.run(find_token(flow.node, opened.token)) is not None
    linked = flow.run(issue_token(flow.node, opened.session, origin=None, language=None, resumed=False))
    signed = flow.open("user-1", True)
    assert flow.run(find_token(flow.second, opened.token)) is None
    flow.open("user-1", True)
    assert None not in [flow.run(find_token(flow.node, token)) for token in (signed.token, linked)]


def test_a_token_opens_one_session_only(flow):
    token = flow.token()
    first = flow.open("user-1", token)
    assert flow.open("user-1", token).session.session_id == first.session.session_id
    flow.run(cancel_flow(flow.node, first.session, flow.cause()))
    second = flow.retry()
    with pytest.raises(Refused, match="token_replayed"):
        flow.open("user-1", token)
    assert flow.open("user-1", flow.token()).session.session_id == second.session_id


def test_a_token_that_names_a_session_opens_no_other(flow):
    with pytest.raises(Refused, match="token_session_mismatch"):
        flow.open("user-1", flow.token(session_id="flwses_1"))
    opened = flow.open("user-1", flow.token())
    with pytest.raises(Refused, match="token_session_mismatch"):
        flow.open("user-1", flow.token(session_id="flwses_1"))
    assert flow.open("user-1", flow.token(session_id=opened.session.session_id)).resumed


def test_two_customers_never_share_a_token_s_id(flow):
    jti = "j" * 22
    openings = [
        flow.opening(reference, flow.token(reference, jti=jti), node=node)
        for reference, node in (("user-1", flow.node), ("user-2", flow.second))
    ]
    assert codes(flow.together(*openings)) == ["opened", "token_replayed"]
    assert flow.count("flow_sessions") == 1


def test_prefill_is_signed_by_a_token_and_unverified_from_a_page(flow):
    signed = flow.object(flow.open("user-1", flow.token(user={"phone": "+4712345678"}), "page@example.org").session)
    assert (signed["user"]["phone"], signed["user"]["email"]) == ("+4712345678", "page@example.org")
    assert (signed["unverified"], signed["admitted_by"]) == (["email"], "v2")


def test_a_refusal_leaves_nothing_behind(live_flow):
    flow = live_flow
    flow.run(flow.node.store.write(set_count, (flow.template_id, 100)))
    with pytest.raises(AccreditError):
        flow.open("user-1")
    for table in ("sessions", "flow_sessions", "flow_tokens", "flow_creations"):
        assert flow.count(table) == 0
