"""Retries: the four strategies, what they take over, and of two at once one (protocol-flow.md sections 6 and 9, scenario 6)."""

import pytest

from accredit.errors import AccreditError, ConflictError, NotFoundError
from accredit.server.gate.flow import User
from accredit.server.sessions.flow.ending import review_flow
from accredit.server.sessions.flow.record import FlowSession, load_person
from accredit.server.sessions.flow.redacting import redact_flow
from accredit.server.sessions.flow.stepping import arrive

SCREENED = [
    {"step": "accept_tos"},
    {"step": "verify_email"},
    {"step": "kyc_check", "fields": ["name"], "on_failure": "fallback:documentary_verification"},
    {"step": "screening"},
    {"step": "documentary_verification", "run": "fallback"},
]
LESLIE = {"name.first": "Leslie", "name.last": "Knope"}
CUSTOM = {"verify_sms": False, "kyc_check": True, "documentary_verification": False, "selfie_check": False}


def steps_of(flow, session):
    return {name: word for name, word in flow.object(session)["steps"].items() if word != "not_applicable"}


@pytest.fixture
def screened(make_flow):
    """A template whose kyc_check has a fallback."""
    return make_flow("sandbox", steps=SCREENED)


def test_an_open_session_is_cancelled_first_and_the_user_goes_on_with_the_new_one(flow):
    """Scenario 6."""
    flow.listen()
    old = flow.open().session
    new = flow.retry("reset")
    assert (flow.now(old).status, flow.now(old).reason, new.previous_session_id) == ("cancelled", "retried", old.session_id)
    assert [(kind, session) for kind, session, _ in flow.events()][-3:] == [
        ("session.cancelled", old.session_id),
        ("session.retried", new.session_id),
        ("session.step_updated", new.session_id),
    ]
    resumed = flow.open()
    assert (resumed.resumed, resumed.session.session_id) == (True, new.session_id)
    assert flow.object(new)["admitted_by"] == "retry"


def test_reset_asks_everything_again_but_what_the_backend_said(flow):
    session = flow.create("user-1", user={"email": "leslie@example.org"}).session
    flow.pass_all(session)
    new = flow.retry("reset", user={"phone": "+4712345678"})
    told = flow.object(new)
    assert steps_of(flow, new) == {"accept_tos": "active", "kyc_check": "waiting_for_prerequisite"}
    assert (told["user"]["email"], told["user"]["phone"], told["user"]["name"]) == ("leslie@example.org", "+4712345678", None)
    assert told["unverified"] == []


def test_incomplete_repeats_what_did_not_pass_and_asks_for_it_again(make_flow):
    flow = make_flow("sandbox", steps=[{**step, "on_failure": "fail"} for step in SCREENED])
    old = flow.walk(
        flow.open("user-1", None, "page@example.org").session,
        accept_tos={"accept": "1"},
        verify_email={"code": "123456"},
        kyc_check={**LESLIE, "name.last": "Gergich"},
    )
    assert old.status == "failed"
    new = flow.retry("incomplete")
    assert steps_of(flow, new) == {
        "accept_tos": "skipped",
        "verify_email": "skipped",
        "kyc_check": "active",
        "screening": "waiting_for_prerequisite",
        "documentary_verification": "waiting_for_prerequisite",
    }
    told = flow.object(new)
    assert (told["user"]["email"], told["user"]["name"], told["unverified"]) == ("page@example.org", None, [])
    assert new.steps["kyc_check"].attempt == 2
    assert flow.walk(new, kyc_check=LESLIE).status == "success"


def test_incomplete_is_refused_after_failed_screening(screened):
    """Scenario 6."""
    flow = screened
    session = flow.create("user-1", consent=True, simulate={"steps": {"screening": "failed"}, "run": True}).session
    assert flow.walk(session).status == "failed"
    with pytest.raises(ConflictError, match="retry_strategy_not_applicable"):
        flow.retry("incomplete")
    assert steps_of(flow, flow.retry("infer"))["accept_tos"] == "active"


def test_custom_runs_what_is_chosen(screened):
    flow = screened
    session = flow.walk(flow.open("user-1", None, "a@example.org").session, accept_tos={"accept": "1"})
    new = flow.retry("custom", steps={**CUSTOM, "kyc_check": False, "documentary_verification": True})
    assert steps_of(flow, new) == {
        "accept_tos": "skipped",
        "verify_email": "skipped",
        "kyc_check": "skipped",
        "screening": "skipped",
        "documentary_verification": "active",
    }
    assert flow.now(session).status == "cancelled"
    assert flow.walk(new).status == "success"


def test_custom_never_passes_by_a_fallback_that_was_left_out(screened):
    flow = screened
    flow.create("user-1", consent=True)
    new = flow.retry("custom", steps=CUSTOM)
    assert flow.walk(new, kyc_check={**LESLIE, "name.last": "Gergich"}).status == "failed"


@pytest.mark.parametrize(
    ("strategy", "members", "code"),
    [
        ("incomplete", {}, "retry_strategy_not_applicable"),
        ("infer", {}, "retry_strategy_not_applicable"),
        ("custom", {}, "steps_required"),
        ("custom", {"steps": {**CUSTOM, "risk_check": True}}, "validation_failed"),
        ("reset", {"steps": CUSTOM}, "steps_not_allowed"),
    ],
)
def test_a_refused_retry_changes_nothing(flow, strategy, members, code):
    session = flow.open().session
    with pytest.raises(AccreditError, match=code):
        flow.retry(strategy, **members)
    assert flow.now(session) == session
    assert flow.count("sessions") == 1


def test_nobody_is_retried_that_was_never_there(flow):
    with pytest.raises(NotFoundError, match="session_not_found"):
        flow.retry()


def test_of_two_at_once_one_wins(flow):
    flow.open()
    made, lost = list[FlowSession](), list[str]()
    for _ in range(3):
        outcomes = flow.together(*(flow.retrying(node=node) for node in (flow.node, flow.second) * 2))
        made += [each for each in outcomes if isinstance(each, FlowSession)]
        lost += [each.code for each in outcomes if isinstance(each, AccreditError)]
    # Who looks when another has won already retries what that one made; but no session has two in its place.
    assert len({each.previous_session_id for each in made}) == len(made) == 12 - len(lost)
    assert set(lost) == {"session_changed"}
    rows = flow.rows(
        "SELECT s.status, f.superseded FROM sessions s JOIN flow_sessions f ON f.session_id = s.id WHERE s.account_id = ?"
        " ORDER BY s.id",
        flow.scope.account_id,
    )
    assert [tuple(row) for row in rows] == [("cancelled", 1)] * len(made) + [("created", 0)]


def test_a_person_that_goes_on_meanwhile_is_no_reason_to_refuse(flow):
    opened = flow.open().session
    outcomes = flow.together(
        flow.retrying(), *(flow.opening(node=node) for node in (flow.second, flow.node)), flow.retrying(reference="user-1")
    )
    assert not any(isinstance(each, AccreditError) and each.code != "session_changed" for each in outcomes)
    assert flow.now(opened).status == "cancelled"


def test_takes_over_signature_link_tags_and_key(flow):
    flow.create("user-1", shareable=True, tags=["beta"], locale="de")
    flow.open("user-1", True)
    new = flow.retry("reset")
    told = flow.object(new)
    assert (new.signed, told["tags"], new.locale) == (1, ["beta"], "de")
    assert told["shareable_url"] not in (None, flow.object(flow.now(new))["previous_session_id"])
    assert flow.object(flow.retry("reset", shareable=False))["shareable_url"] is None


def test_a_review_may_be_followed_by_a_retry(flow):
    session = flow.create("user-1", consent=True, simulate={"steps": {"kyc_check": "pending_review"}, "run": True}).session
    assert flow.walk(session).status == "pending_review"
    flow.retry("reset")
    assert flow.now(session).status == "cancelled"
    assert flow.object(session)["steps"]["kyc_check"] == "canceled"
    with pytest.raises(ConflictError, match="session_not_in_review"):
        flow.run(review_flow(flow.node, flow.now(session), "approve", flow.cause()))


def test_a_redacted_customer_starts_without_what_was_known(flow):
    session = flow.pass_all(flow.open("user-1", None, "page@example.org").session)
    flow.run(redact_flow(flow.node, session, flow.cause()))
    new = flow.retry("reset")
    assert flow.object(new)["user"]["email"] is None
    assert load_person(flow.node.sealer, new).user == User()


def test_the_new_session_has_the_newest_policy_and_the_old_one_its_own(flow):
    old = flow.open().session
    flow.publish(steps=[{"step": "accept_tos"}], session_ttl_s=600)
    assert set(steps_of(flow, old)) == {"accept_tos", "kyc_check"}
    new = flow.retry("reset")
    assert (new.integration_version, set(steps_of(flow, new))) == (2, {"accept_tos"})
    assert new.expires_ms - new.created_ms == 600_000


def test_many_at_once_on_two_nodes_lose_nothing(live_flow):
    """Pages, arrivals and retries of the same customers: each has one newest session, and its events are numbered without a gap."""
    flow, nodes = live_flow, (live_flow.node, live_flow.second)
    flow.publish(signature_policy="required")
    flow.listen()
    opened = flow.together(*(flow.opening(f"user-{n % 20}", True, node=nodes[n // 20]) for n in range(40)))
    sessions = {each.session.session_id: each.session for each in opened}
    assert len(sessions) == 20
    works = [arrive(node, session, "198.51.100.7", "en") for session in sessions.values() for node in nodes]
    works += [flow.retrying("reset", f"user-{n}", node=flow.second) for n in range(20)]
    works += [flow.opening(f"user-{n}", True) for n in range(20)]
    assert [each for each in flow.together(*works) if isinstance(each, Exception)] == []
    newest = flow.rows(
        "SELECT COUNT(*), COUNT(DISTINCT customer_hash) FROM flow_sessions WHERE superseded = 0 AND integration_id = ?",
        flow.template_id,
    )
    assert newest == [(20, 20)]
    numbers = flow.rows(
        "SELECT COUNT(*), COUNT(DISTINCT sequence), MAX(sequence) FROM events WHERE integration_id = ? AND session_id IS NOT NULL"
        " GROUP BY session_id",
        flow.template_id,
    )
    assert len(numbers) == 40
    assert all(count == distinct == last for count, distinct, last in numbers)
