"""The session object, member by member, and what is kept of a service's detail (protocol-flow.md section 9)."""

from typing import Any

import pytest

from accredit.server.gate.flow import User
from accredit.server.sessions.flow.details import CHECKS, check_objects, known_detail, own_details, screening_id, step_words
from accredit.server.sessions.flow.objects import personal_members
from accredit.server.sessions.flow.record import FlowPerson, StepState
from accredit.server.sessions.flow.stepping import answer_step
from accredit.server.steps.step import StepOutcome

MEMBERS = [
    *("id", "status", "customer_reference", "template", "created_at", "completed_at", "previous_session_id", "shareable_url"),
    *(
        "screening_id",
        "user",
        "steps",
        "redacted_at",
        "_meta",
        "kyc_check",
        "documentary_verification",
        "selfie_check",
        "screening",
    ),
    *("risk_check", "verify_sms", "environment", "expires_at", "admitted_by", "tags", "details", "unverified", "sealed"),
]
DOCUMENT = {
    "status": "success",
    "attempt": 2,
    "images": {"front": "https://files.example/1"},
    "extracted_data": {"category": "passport", "id_number": "X1", "issuing_country": "NO", "height": "180"},
    "analysis": {"authenticity": "match", "image_quality": "high", "extracted_data": {"name": "match"}},
}


def ended(*steps: str, status: Any = "success") -> dict[str, StepState]:
    return {step: StepState(status=status) for step in steps}


def test_has_these_members_in_this_order(flow):
    told = flow.object(
        flow.create("user-1", user={"address": {"street": "Storgata 1", "city": "Oslo", "country_code": "NO"}}).session
    )
    assert list(told) == MEMBERS
    assert told["template"] == {"id": flow.template_id, "version": 1}
    assert (told["_meta"], told["environment"]) == ("2020-08-14", "sandbox")
    assert list(told["user"]) == ["name", "phone", "email", "date_of_birth", "address", "id_number", "ip_address"]
    assert told["user"]["address"] == {
        "street": "Storgata 1",
        "street2": None,
        "city": "Oslo",
        "subdivision": None,
        "postal_code": None,
        "country_code": "NO",
    }
    assert [told[check] for check in CHECKS] == [None] * 6


def test_user_is_an_object_even_where_nothing_is_known(flow):
    assert set(flow.object(flow.create("user-1").session)["user"].values()) == {None}


def test_steps_are_the_standard_ones_and_the_template_s_own():
    words = step_words({**ended("kyc_check"), **ended("vessel_check", status="active")})
    assert words["kyc_check"] == "success"
    assert words["vessel_check"] == "active"
    assert sum(word == "not_applicable" for word in words.values()) == 8


@pytest.mark.parametrize(
    ("step", "detail", "kept"),
    [
        ("kyc_check", None, {}),
        ("kyc_check", {"name": {"summary": "match", "score": 3}, "shoe": 1}, {"name": {"summary": "match"}}),
        ("kyc_check", {"name": {"summary": "maybe"}, "phone": "match"}, {}),
        (
            "kyc_check",
            {"address": {"summary": "partial_match", "type": "residential", "po_box": "no", "lat": 59}},
            {"address": {"summary": "partial_match", "type": "residential", "po_box": "no"}},
        ),
        ("documentary_verification", {"documents": "none"}, {}),
        ("documentary_verification", {"documents": [1, {}]}, {"documents": [{"status": None, "attempt": 1}]}),
        ("screening", {"screening_id": "scr_1", "hits": 3}, {"screening_id": "scr_1"}),
        ("screening", {"screening_id": 1}, {}),
        ("selfie_check", {"image": "x"}, {}),
        ("vessel_check", {"imo": 9074729, "flags": ["NO"]}, {"imo": 9074729, "flags": ["NO"]}),
    ],
)
def test_keeps_what_the_protocol_knows(step, detail, kept):
    assert known_detail(step, detail) == kept


def test_a_document_is_shown_with_every_member_and_without_images():
    person = FlowPerson(
        details={"documentary_verification": known_detail("documentary_verification", {"documents": [DOCUMENT]})}
    )
    (shown,) = check_objects(person, ended("documentary_verification"))["documentary_verification"]["documents"]
    assert shown == {
        "status": "success",
        "attempt": 2,
        "images": None,
        "extracted_data": {"category": "passport", "id_number": "X1", "expiration_date": None, "issuing_country": "NO"},
        "analysis": {"authenticity": "match", "image_quality": "high", "extracted_data": None},
    }


def test_a_check_is_shown_once_its_step_has_ended():
    person = FlowPerson(details={"kyc_check": {"name": {"summary": "match"}}})
    for word in ("active", "waiting_for_prerequisite", "skipped", "expired", "canceled"):
        assert check_objects(person, ended("kyc_check", status=word))["kyc_check"] is None
    for word in ("success", "failed", "pending_review", "manually_approved", "manually_rejected"):
        assert check_objects(person, ended("kyc_check", status=word))["kyc_check"] == {
            "status": word,
            "name": {"summary": "match"},
            **dict.fromkeys(("phone", "date_of_birth", "id_number", "address")),
        }


def test_details_are_of_other_steps():
    person = FlowPerson(details={"screening": {"screening_id": "scr_1"}, "vessel_check": {"imo": 9074729}})
    assert (screening_id(person), own_details(person)) == ("scr_1", {"vessel_check": {"imo": 9074729}})


def test_unverified_is_what_nobody_signed_or_checked():
    user = User(email="a@example.org", phone="+4712345678", date_of_birth="1990-12-10")
    person = FlowPerson(user=user, signed=("email",), checked=("phone",), ip_address="198.51.100.7")
    assert personal_members(person, {})["unverified"] == ["date_of_birth"]


def test_what_a_service_says_is_told_with_the_session(flow):
    session = flow.walk(
        flow.open().session, accept_tos={"accept": "1"}, kyc_check={"name.first": "Leslie", "name.last": "Slow-kyc_check"}
    )
    detail = {"name": {"summary": "no_match"}, "date_of_birth": {"summary": "no_input"}}
    flow.run(answer_step(flow.node, session, "kyc_check", 1, StepOutcome("failed", detail)))
    told = flow.object(session)
    assert (told["status"], told["kyc_check"]["status"]) == ("failed", "failed")
    assert (told["kyc_check"]["name"], told["kyc_check"]["date_of_birth"]) == ({"summary": "no_match"}, {"summary": "no_input"})
    assert list(told["details"]) == ["accept_tos"]
