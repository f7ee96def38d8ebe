"""Simulators: every step of a sandbox offline, by the names, codes and addresses of protocol-flow.md section 7."""

import pytest

from accredit.server.gate.flow.user import Name, User
from accredit.server.integrations.flow import STANDARD_STEPS, StepRule
from accredit.server.steps.callouts.step import CalloutStep
from accredit.server.steps.simulated import SLOW_MS
from accredit.server.steps.step import Ask, Wait
from accredit.server.steps.terms import AcceptTerms
from accredit.server.steps.verifying import CodeStep

from .conftest import LIVE, SANDBOX, Visit

CALLED = tuple(step for step in STANDARD_STEPS if step not in ("accept_tos", "verify_email", "verify_sms"))


@pytest.fixture
def database_url(sqlite_url):
    """What is decided here asks no database, or asks it as the steps that are real do."""
    return sqlite_url


def named(last):
    return User(name=Name(first="Leslie", last=last))


def simulate(desk, step, last="Knope", **members):
    return Visit(desk, StepRule(step=step), SANDBOX, **{"user": named(last), **members})


@pytest.mark.parametrize("step", [*CALLED, "own_check"])
def test_everybody_else_succeeds(desk, step):
    assert simulate(desk, step).outcome == ("success", "simulated")


@pytest.mark.parametrize(
    ("last", "step", "status"),
    [
        ("Gergich", "kyc_check", "failed"),
        ("Gergich", "screening", "success"),
        ("Review", "screening", "pending_review"),
        ("Review", "kyc_check", "success"),
        ("Fail-selfie_check", "selfie_check", "failed"),
        ("Fail-selfie_check", "kyc_check", "success"),
        ("Error-kyc_check", "kyc_check", "error"),
        ("Fail-own_check", "own_check", "failed"),
        ("Fail-verify_email", "verify_email", "failed"),
        ("Error-verify_sms", "verify_sms", "error"),
        ("Fail-accept_tos", "accept_tos", "failed"),
        ("knope", "kyc_check", "success"),
    ],
)
def test_family_names_decide(desk, last, step, status):
    assert simulate(desk, step, last).outcome == (status, "simulated")


def test_what_is_compared_matches_or_has_no_data(desk):
    for last, summary in (("Knope", "match"), ("Gergich", "no_data")):
        detail = simulate(desk, "kyc_check", last).said.outcome.detail
        assert detail["name"] == {"summary": summary}
        assert detail["phone"] == {"summary": "no_input"}


def test_a_step_that_takes_its_time(desk):
    for step in ("kyc_check", "accept_tos"):
        visit = simulate(desk, step, f"Slow-{step}")
        ready_ms = desk.now_ms + SLOW_MS
        assert (SLOW_MS, visit.said.ask_again_ms) == (5_000, ready_ms)
        desk.now_ms = ready_ms - 1
        assert isinstance(visit.look(), Wait)
        assert isinstance(visit.send(accept="1"), Wait)
        desk.now_ms = ready_ms
        visit.look()
        if step == "accept_tos":
            visit.send(accept="1")
        assert visit.said.outcome.status == "success"


@pytest.mark.parametrize(
    ("step", "bad", "good"),
    [
        ("verify_email", {"email": "leslie+bounce@pawnee.example"}, {"email": "leslie@pawnee.example"}),
        ("verify_sms", {"phone": "+4712340000"}, {"phone": "+4712345678"}),
    ],
)
def test_codes_are_always_the_same_and_some_addresses_take_none(desk, step, bad, good):
    visit = simulate(desk, step)
    visit.send(**bad)
    assert visit.said.values["fault"] == "refused"
    visit.send(**good)
    visit.send(code="654321")
    assert visit.said.values["fault"] == "wrong"
    visit.send(code="123456")
    assert visit.outcome == ("success", None)


def test_terms_are_accepted_or_stay(desk):
    visit = simulate(desk, "accept_tos", language="fr")
    for form in ({}, {"decline": "1"}, {"accept": "0"}):
        assert visit.send(**form) == Ask("accept_tos", {"version": 3, "url": None})
    visit.send(accept="1")
    assert visit.said.outcome.detail == {"version": 3, "language": "fr", "accepted_at": "2027-01-15T08:00:00.000Z"}


@pytest.mark.parametrize("step", ["accept_tos", "verify_email", "kyc_check"])
@pytest.mark.parametrize("forced", ["success", "failed", "pending_review", "error"])
def test_the_api_says_how_a_step_ends(desk, step, forced):
    assert simulate(desk, step, f"Fail-{step}", forced=forced).said.outcome.status == forced


@pytest.mark.parametrize("step", STANDARD_STEPS)
def test_without_a_person_nothing_is_asked(desk, step):
    visit = Visit(desk, StepRule(step=step, fields=("name", "phone")), SANDBOX, headless=True)
    assert visit.said.outcome.status == "success"
    assert visit.said.outcome.checked == {"verify_email": ("email",), "verify_sms": ("phone",)}.get(step, ())


def test_fields_are_asked_for_as_a_service_would(desk):
    visit = Visit(desk, StepRule(step="kyc_check", fields=("name",)), SANDBOX)
    assert visit.said.values["fields"] == ["name.first", "name.last"]
    visit.send(**{"name.first": "Jerry", "name.last": "Gergich"})
    assert visit.outcome == ("failed", "simulated")
    assert (visit.user, visit.said.outcome.checked) == (User(name=Name(first="Jerry", last="Gergich")), ())


def test_nothing_is_simulated_in_live_or_where_the_template_says_so(desk):
    kinds = {"accept_tos": AcceptTerms, "verify_email": CodeStep, "verify_sms": CodeStep, "kyc_check": CalloutStep}
    for step, kind in kinds.items():
        assert type(desk.find(StepRule(step=step), LIVE)) is kind
        assert type(desk.find(StepRule(step=step, simulate=False), SANDBOX)) is kind
        assert type(desk.find(StepRule(step=step), SANDBOX)) is not kind
