"""Sessions that the API creates (protocol-flow.md section 9)."""

import pytest

from accredit.errors import AccreditError, ConflictError
from accredit.server.sessions.flow.creating import CreatedFlow, create_by_api
from accredit.server.sessions.flow.ending import cancel_flow
from accredit.server.sessions.flow.quota import find_count
from accredit.server.sessions.flow.stepping import advance
from accredit.server.sessions.flow.sweeping import wake_flow

USER = {"name": {"first": "Leslie", "last": "Knope"}, "email": "leslie@example.org"}


def test_creates_what_the_body_says(flow):
    made = flow.create("user-1", user=USER, shareable=True, tags=["beta"], locale="fr", consent=True)
    told = flow.object(made.session)
    assert not made.existed
    assert (told["customer_reference"], told["tags"], told["admitted_by"]) == ("user-1", ["beta"], "api")
    assert told["user"]["name"] == USER["name"]
    assert (told["unverified"], told["steps"]["accept_tos"], told["steps"]["kyc_check"]) == ([], "skipped", "active")
    assert told["shareable_url"].startswith(f"https://id.example/verify/{told['id']}?key=")


def test_given_fields_skip_screens_and_no_checks(flow):
    session = flow.walk(flow.create("user-1", user=USER, consent=True).session)
    assert session.status == "success"
    assert flow.object(session)["kyc_check"]["name"] == {"summary": "match"}


def test_a_customer_that_has_a_session_gets_no_other(flow):
    first = flow.create("user-1", user=USER)
    with pytest.raises(ConflictError, match="session_already_exists"):
        flow.create("user-1")
    again = flow.create("user-1", idempotent=True, user={"email": "other@example.org"})
    assert (again.existed, again.session.session_id) == (True, first.session.session_id)
    assert flow.object(again.session)["user"]["email"] == "leslie@example.org"
    assert flow.object(again.session)["shareable_url"] is None
    shared = flow.create("user-1", idempotent=True, shareable=True)
    assert flow.object(shared.session)["shareable_url"] is not None
    assert flow.create("user-1", idempotent=True, shareable=True).session.link == 1


def test_of_two_creators_at_once_one_creates(flow):
    for idempotent in (False, True):
        reference = f"user-{idempotent}"
        nodes = (flow.node, flow.second)
        creation = flow.creation(reference, idempotent=idempotent)
        outcomes = flow.together(*(create_by_api(node, creation, None) for node in nodes), flow.opening(reference))
        made = [each for each in outcomes if not isinstance(each, AccreditError)]
        assert len({each.session.session_id for each in made}) == 1
        assert {each.code for each in outcomes if isinstance(each, AccreditError)} <= {"session_already_exists"}
        assert flow.count() == 1 + idempotent


def test_it_neither_counts_nor_stops_at_the_limit(live_flow):
    flow = live_flow
    assert isinstance(flow.create("user-1"), CreatedFlow)
    flow.retry("reset", "user-1")
    assert flow.run(flow.node.store.read(find_count, flow.template_id)) == 0


@pytest.mark.parametrize(
    ("members", "code", "member"),
    [
        ({"return_url": "https://other.example/done"}, "validation_failed", "return_url"),
        ({"return_url": "http://shop.example/done"}, "validation_failed", "return_url"),
        ({"return_url": "https://shop.example@other.example/"}, "validation_failed", "return_url"),
        ({"encryption_public_key": {"kty": "oct", "k": "AAAA"}}, "validation_failed", "encryption_public_key"),
        ({"simulate": {"steps": {"kyc_check": "failed"}}}, "sandbox_only", "simulate"),
    ],
)
def test_refuses_what_the_template_does_not_allow(live_flow, members, code, member):
    with pytest.raises(AccreditError) as refused:
        live_flow.create("user-1", **members)
    assert (refused.value.code, refused.value.member) == (code, member)
    assert live_flow.count("sessions") == 0


def test_a_return_url_of_an_allowed_page_is_kept(flow):
    assert flow.create("user-1", return_url="https://shop.example/done?x=1").session.status == "created"


def test_without_a_person_the_simulators_run_to_the_end(flow):
    session = flow.create("user-1", simulate={"steps": {"kyc_check": "pending_review"}, "run": True}).session
    session = flow.run(advance(flow.node, session))
    assert session.status == "pending_review"
    told = flow.object(session)
    assert (told["steps"]["accept_tos"], told["steps"]["kyc_check"], told["expires_at"]) == ("success", "pending_review", None)


def test_a_session_whose_creator_died_runs_by_itself(flow):
    session = flow.create("user-1", simulate={"run": True}).session
    flow.run(wake_flow(flow.second))
    assert flow.now(session).status == "success"
    assert flow.now(session).wake_ms is None


def test_a_template_of_nothing_but_consent_ends_when_that_is_given(make_flow):
    flow = make_flow("sandbox", steps=[{"step": "accept_tos"}])
    session = flow.create("user-1", consent=True).session
    flow.run(wake_flow(flow.node))
    assert flow.now(session).status == "success"


def test_the_newest_after_an_end_is_the_answer_too(flow):
    first = flow.create("user-1").session
    flow.run(cancel_flow(flow.node, first, flow.cause()))
    again = flow.create("user-1", idempotent=True)
    assert (again.existed, again.session.status) == (True, "cancelled")
