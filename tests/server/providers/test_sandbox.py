"""The sandbox: every person and outcome of the vectors, every parameter, in each flow."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from accredit.server.providers.mapping import map_claims
from accredit.server.providers.provider import Ended, Finished, Show, Verified, Waiting
from accredit.server.providers.registry import ParameterFault, check_parameters, forced_status
from accredit.server.providers.sandbox.persons import OUTCOMES, PERSONS
from accredit.server.providers.sandbox.provider import SandboxProvider, attribute_prefix

from .conftest import ask, finished, sandbox_record

VECTORS: Any = json.loads((Path(__file__).parents[2] / "vectors" / "rest.json").read_text(encoding="utf-8"))
SANDBOX = SandboxProvider()
# The words of the API for how it ends inside.
WORDS = {"SUCCESS": "success", "ABORT": "aborted", "ERROR": "error", "INVALID": "failed", "EXPIRED": "expired"}


def start(run, record=None, **members):
    return run(SANDBOX.start(ask(record or sandbox_record(), **members)))


def auto(run, provider_id="nbid", requested=(), **parameters):
    given = {"sandbox_auto": "true", **parameters}
    return finished(start(run, sandbox_record(provider_id), parameters=given, requested_attributes=tuple(requested)))


def test_the_persons_are_those_of_the_vectors():
    assert {person: {"person": person, **members} for person, members in PERSONS.items()} == {
        row["person"]: row for row in VECTORS["sandbox_persons"]
    }


@pytest.mark.parametrize("row", VECTORS["sandbox_persons"], ids=lambda row: row["person"])
def test_a_person_is_answered_with_all_that_is_known(run, row):
    known = {name: value for name, value in row.items() if name not in ("person", "idpId")}
    outcome = auto(run, requested=known, sandbox_person=row["person"])
    assert outcome.idp_id == row["idpId"]
    assert map_claims(sandbox_record(), outcome.claims, list(known)).subject == known


def test_the_outcomes_are_those_of_the_vectors():
    assert list(OUTCOMES) == [row["outcome"] for row in VECTORS["sandbox_outcomes"]]


@pytest.mark.parametrize("flow", ["redirect", "embedded", "headless"])
@pytest.mark.parametrize("row", VECTORS["sandbox_outcomes"], ids=lambda row: row["outcome"])
def test_every_outcome_in_each_flow(run, row, flow):
    asked = ask(sandbox_record(), flow=flow, parameters={"sandbox_outcome": row["outcome"], "sandbox_after": "0"})
    step = run(SANDBOX.start(asked))
    if flow == "headless":
        assert isinstance(step, Waiting)
        step = run(SANDBOX.poll(asked, step.state))
    else:
        assert isinstance(step, Show)
        assert [each["value"] for each in step.values["outcomes"]] == [row["outcome"]]
        step = run(SANDBOX.submit(asked, step.state, {"person": "se-1", "outcome": "success"}))
    if row["outcome"] == "hang":
        assert isinstance(step, Waiting if flow == "headless" else Show)
        return
    outcome = finished(step)
    if row["status"] == "SUCCESS":
        assert isinstance(outcome, Verified)
        assert (outcome.claims == {}) == (row["outcome"] == "sparse")
    else:
        assert outcome == Ended(WORDS[row["status"]], row.get("statusDetail"), row.get("audit"))


@pytest.mark.parametrize(
    ("provider_id", "person"),
    [
        *(("nbid", "no-1"), ("nbid-mobile", "no-1"), ("sbid", "se-1"), ("sbid-idcard", "se-1"), ("mitid", "dk-1")),
        *(("ftn", "fi-1"), ("ftn-bank", "fi-1"), ("idin", "eu-1"), ("otp-email", "eu-1"), ("x", "eu-1")),
    ],
)
def test_each_provider_has_its_person(run, provider_id, person):
    assert auto(run, provider_id).idp_id == f"sandbox-{person}"


@pytest.mark.parametrize(
    ("provider_id", "attribute", "expected"),
    [
        ("nbid", "nbidSid", "sandbox:nbidSid"),
        ("sbid-idcard", "sbidIdcardCardNumber", "sandbox:sbidIdcardCardNumber"),
        ("otp-email", "otpEmailX", "sandbox:otpEmailX"),
        ("ftn", "ftnHetu", "070770-9019"),
        ("ftn", "ftnIdp", "sandbox:ftnIdp"),
        ("sbid", "nbidSid", None),
        ("nbid", "nbid", None),
    ],
)
def test_a_provider_answers_its_own_attributes(run, provider_id, attribute, expected):
    outcome = auto(run, provider_id, requested=[attribute])
    subject = map_claims(sandbox_record(provider_id), outcome.claims, [attribute]).subject
    assert subject == ({} if expected is None else {attribute: expected})


def test_a_person_without_a_number_has_no_hetu(run):
    outcome = auto(run, "ftn", requested=["ftnHetu"], sandbox_person="eu-1")
    assert map_claims(sandbox_record("ftn"), outcome.claims, ["ftnHetu"]).subject == {}


@pytest.mark.parametrize(
    ("provider_id", "prefix"), [("sbid-idcard", "sbidIdcard"), ("a--b-c", "aBC"), ("nbid", "nbid"), ("-a-", "a")]
)
def test_the_prefix_of_an_id(provider_id, prefix):
    assert attribute_prefix(provider_id) == prefix


def test_the_level_is_the_record_s_unless_a_parameter_says_otherwise(run):
    assert auto(run).loa == "high"
    assert auto(run, sandbox_loa="low").loa == "low"
    step = start(run, sandbox_record(loa="substantial"), parameters={"sandbox_auto": "true"})
    assert finished(step).loa == "substantial"


@pytest.mark.parametrize(
    ("prefilled", "person", "outcome"),
    [
        ({"nin": "198001019804"}, "se-1", "success"),
        ({"email": "odd-1@sandbox.test"}, "odd-1", "success"),
        ({"email": "user_aborted@sandbox.test"}, "no-1", "user_aborted"),
        ({"email": "STALE+anything+more@Sandbox.Test"}, "no-1", "stale"),
        ({"email": "user_aborted@shop.example"}, "no-1", "success"),
        ({"nin": "070770-9019", "email": "se-1@sandbox.test"}, "fi-1", "success"),
    ],
)
def test_prefilled_input_chooses(run, prefilled, person, outcome):
    step = start(run, prefilled=prefilled)
    chosen = {kind: [each["value"] for each in step.values[kind] if each["chosen"]] for kind in ("persons", "outcomes")}
    assert chosen == {"persons": [person], "outcomes": [outcome]}


def test_parameters_are_stronger_than_prefilled_input_and_that_than_the_page(run):
    asked = ask(
        sandbox_record(),
        parameters={"sandbox_person": "dk-1"},
        prefilled={"nin": "198001019804", "email": "sparse@sandbox.test"},
    )
    step = run(SANDBOX.start(asked))
    assert [each["value"] for each in step.values["persons"]] == ["dk-1"]
    outcome = finished(run(SANDBOX.submit(asked, step.state, {"person": "no-1", "outcome": "stale"})))
    assert (outcome.idp_id, outcome.claims) == ("sandbox-dk-1", {})


def test_the_page_chooses_what_was_left_open(run):
    asked = ask(sandbox_record())
    step = run(SANDBOX.start(asked))
    assert [each["value"] for each in step.values["persons"]] == list(PERSONS)
    assert [each["value"] for each in step.values["outcomes"]] == list(OUTCOMES)
    outcome = finished(run(SANDBOX.submit(asked, step.state, {"person": "odd-1", "outcome": "success"})))
    assert outcome.claims["firstName"] == 'Zoë "Zed" 🦊'
    assert finished(run(SANDBOX.submit(asked, step.state, {}))).idp_id == "sandbox-no-1"


@pytest.mark.parametrize("form", [{"person": "xx-1"}, {"outcome": "joy"}, {"person": "no-1", "outcome": "<script>"}])
def test_a_form_with_what_the_page_does_not_offer_is_shown_again(run, form):
    step = run(SANDBOX.submit(ask(sandbox_record()), {}, form))
    assert isinstance(step, Show)
    assert (step.screen, step.values["fault"]) == ("person", "unknown")


def test_headless_waits_and_draws_anew(run):
    asked = ask(sandbox_record("sbid"), flow="headless")
    first = run(SANDBOX.start(asked))
    assert isinstance(first, Waiting)
    assert first.idp_data.keys() == {"autoStartToken", "qrData", "sbidStatus"}
    assert first.ask_again_ms == asked.now_ms + 1000
    later = ask(sandbox_record("sbid"), flow="headless", attempt_id=asked.attempt_id, now_ms=asked.now_ms + 1500)
    second = run(SANDBOX.poll(later, first.state))
    assert isinstance(second, Waiting)
    assert second.idp_data["autoStartToken"] == first.idp_data["autoStartToken"]
    assert second.idp_data["qrData"] != first.idp_data["qrData"]
    assert second.ask_again_ms == asked.now_ms + 2000
    due = ask(sandbox_record("sbid"), flow="headless", now_ms=asked.now_ms + 2000)
    assert isinstance(run(SANDBOX.poll(due, second.state)), Finished)


@pytest.mark.parametrize(("after", "seconds"), [("0", 0), ("30", 30), ("3600", 3600)])
def test_headless_waits_as_long_as_it_is_told(run, after, seconds):
    parameters = {"sandbox_after": after}
    asked = ask(sandbox_record(), flow="headless", parameters=parameters)
    step = run(SANDBOX.start(asked))
    if seconds:
        early = ask(sandbox_record(), flow="headless", parameters=parameters, now_ms=asked.now_ms + 1000 * seconds - 1)
        assert isinstance(run(SANDBOX.poll(early, step.state)), Waiting)
    due = ask(sandbox_record(), flow="headless", parameters=parameters, now_ms=asked.now_ms + 1000 * seconds)
    assert isinstance(run(SANDBOX.poll(due, step.state)), Finished)


@pytest.mark.parametrize(
    ("parameters", "prefilled", "names"),
    [
        ({}, {}, []),
        ({"sandbox_person": "no-1", "sandbox_outcome": "hang", "sandbox_loa": "low", "sandbox_auto": "true"}, {}, []),
        ({"sandbox_after": "3600", "sandbox_http": "503", "other": "x"}, {}, []),
        ({"sandbox_person": "no-9"}, {}, ["additionalParameters.sandbox_person"]),
        ({"sandbox_outcome": "SUCCESS"}, {}, ["additionalParameters.sandbox_outcome"]),
        ({"sandbox_loa": "medium"}, {}, ["additionalParameters.sandbox_loa"]),
        ({"sandbox_auto": "yes"}, {}, ["additionalParameters.sandbox_auto"]),
        ({"sandbox_after": "3601"}, {}, ["additionalParameters.sandbox_after"]),
        ({"sandbox_after": "-1"}, {}, ["additionalParameters.sandbox_after"]),
        ({"sandbox_after": "²"}, {}, ["additionalParameters.sandbox_after"]),
        ({"sandbox_http": "200"}, {}, ["additionalParameters.sandbox_http"]),
        ({}, {"nin": "198001019804", "email": "success+x@sandbox.test"}, []),
        ({}, {"nin": "1", "email": "person@shop.example"}, ["prefilledInput.nin"]),
        ({}, {"email": "joy@sandbox.test"}, ["prefilledInput.email"]),
    ],
)
def test_what_the_sandbox_does_not_know_is_a_fault_of_the_request(parameters, prefilled, names):
    faults = check_parameters([sandbox_record()], parameters, prefilled)
    assert [fault.name for fault in faults] == names
    assert all(isinstance(fault, ParameterFault) and fault.reason for fault in faults)


def test_others_ignore_what_is_the_sandbox_s():
    parameters = {"sandbox_person": "no-9", "sandbox_http": "503"}
    assert check_parameters([], parameters, {"nin": "1"}) == ()
    assert forced_status([], parameters) is None
    mixed = [sandbox_record(), msgspec.structs.replace(sandbox_record(), kind="callout")]
    assert [fault.name for fault in check_parameters(mixed, parameters, {"nin": "1"})] == [
        "additionalParameters.sandbox_person"
    ]
    assert forced_status([sandbox_record()], parameters) == 503
    assert forced_status([sandbox_record()], {}) is None
