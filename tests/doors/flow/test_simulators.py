"""A sandbox without any service: every step offline, by a person at the link and by the API alone (protocol-flow.md section 7)."""

import pytest

from .service import Person, eventually

STEPS = (
    *("accept_tos", "verify_email", "verify_sms", "kyc_check", "documentary_verification", "selfie_check", "screening"),
    *("risk_check", "kyc_screen", "own_check"),
)
EVERYTHING = [{"step": step} for step in STEPS]


@pytest.fixture
def backend(backend):
    """A backend whose template has every step."""
    backend.template_id = template(backend, EVERYTHING)
    return backend


def template(backend, steps):
    return backend.owner.call("POST", "/v1/integrations", 201, {"door": "flow", "steps": steps})["integration_id"]


def user(family):
    return {"user": {"name": {"first": "Leslie", "last": family}}}


def test_a_person_goes_through_all_steps_offline(backend):
    person = Person(backend, backend.create(shareable=True, **user("Knope")))
    for form in (
        {"accept": "1"},
        {"email": "leslie+bounce@pawnee.example"},
        {"email": "leslie@pawnee.example"},
        {"code": "654321"},
        {"code": "123456"},
        {"phone": "+47 12 34 00 00"},
        {"phone": "+47 12 34 56 78"},
        {"code": "123456"},
    ):
        assert backend.get(person.session_id)["status"] == "active"
        person.send(**form)
    found = backend.get(person.session_id)
    assert found["status"] == "success"
    assert {found["steps"][step] for step in STEPS} == {"success"}
    assert found["user"]["email"] == "leslie@pawnee.example"
    assert found["user"]["phone"] == "+4712345678"
    assert found["kyc_check"]["name"] == {"summary": "match"}
    assert found["details"]["accept_tos"]["language"] == "en"
    assert found["unverified"] == []
    assert backend.server.rows("SELECT id FROM callouts WHERE session_id = ?", person.session_id) == []


@pytest.mark.parametrize(
    ("family", "status", "step", "ended"),
    [
        ("Knope", "success", "kyc_check", "success"),
        ("Gergich", "failed", "kyc_check", "failed"),
        ("Review", "pending_review", "screening", "pending_review"),
        ("Error-kyc_check", "pending_review", "kyc_check", "pending_review"),
        ("Fail-own_check", "failed", "own_check", "failed"),
    ],
)
def test_the_api_needs_no_person(backend, family, status, step, ended):
    made = backend.create(simulate={"run": True}, **user(family))
    found = eventually(lambda: (got := backend.get(made["id"]))["status"] != "active" and got)
    assert (found["status"], found["steps"][step]) == (status, ended)


def test_the_api_says_how_steps_end(backend):
    backend.template_id = template(backend, [{"step": "kyc_check", "on_failure": "continue"}, {"step": "selfie_check"}])
    made = backend.create(simulate={"steps": {"kyc_check": "failed", "selfie_check": "pending_review"}, "run": True})
    found = eventually(lambda: (got := backend.get(made["id"]))["status"] != "active" and got)
    assert (found["status"], found["steps"]["kyc_check"]) == ("pending_review", "failed")


def test_a_step_that_takes_its_time_ends_by_itself(backend):
    backend.template_id = template(backend, [{"step": "kyc_check"}])
    made = backend.create(simulate={"run": True}, **user("Slow-kyc_check"))
    backend.server.clock.advance(4.9)
    assert backend.get(made["id"])["steps"]["kyc_check"] == "active"
    backend.server.clock.advance(0.1)
    eventually(lambda: backend.get(made["id"])["status"] == "success")


def test_nothing_is_simulated_in_live(live_backend):
    refused = live_backend.send("POST", "", live_backend.body(simulate={"run": True}))
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "sandbox_only")
