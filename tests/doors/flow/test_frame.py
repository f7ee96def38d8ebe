"""What a frame asks while its person goes through the steps: protocol-flow.md sections 5, 7 and 14."""

import pytest

from accredit.server.hosted.wording import languages

from ..conftest import ORIGIN
from .page import FlowPage

ALL_STEPS = [
    {"step": "accept_tos"},
    {"step": "verify_email"},
    {"step": "verify_sms"},
    {"step": "kyc_check", "fields": ["name", "date_of_birth", "address", "id_number"]},
    {"step": "screening"},
]
PERSON = {
    "date_of_birth": "1975-01-18",
    "address__street": "1 Ramsett Park",
    "address__city": "Pawnee",
    "address__country_code": "us",
    "id_number__type": "us_ssn",
    "id_number__value": "123-45-6788",
}


@pytest.fixture
def page(shared_server, backend):
    """A page of a listed origin, in the sandbox."""
    change(backend, allowed_origins=[ORIGIN])
    return FlowPage(backend)


def change(backend, **policy):
    backend.owner.call("PATCH", f"/v1/integrations/{backend.template_id}", 200, policy)


def through_all(page, family_name):
    """All standard steps of a person."""
    shown = page.open()
    assert shown.heading == "Before we begin"
    assert shown.submit(accept="1").heading == "What is your e-mail address?"
    assert shown.submit(email="leslie@parks.example").heading == "Enter the code"
    assert shown.submit(code="123456").heading == "What is your phone number?"
    assert shown.submit(phone="+1 650 555 0111").heading == "Enter the code"
    assert shown.submit(code="123456").heading == "Your details"
    return shown.submit(name__first="Leslie", name__last=family_name, **PERSON)


@pytest.mark.parametrize(
    ("family_name", "status", "heading"),
    [
        ("Knope", "success", "You are verified"),
        ("Gergich", "failed", "We could not verify you"),
        ("Review", "pending_review", "Your details are being looked at"),
    ],
)
def test_a_person_goes_through_all_steps(make_backend, family_name, status, heading):
    page = FlowPage(make_backend(allowed_origins=[ORIGIN], steps=ALL_STEPS))
    shown = through_all(page, family_name)
    assert (shown.status, shown.heading) == (status, heading)
    assert (shown.told["step"], shown.told["left_ms"], shown.told["again_ms"]) == (None, None, None)
    made = page.backend.get(shown.session_id)
    assert (made["status"], made["user"]["email"], made["user"]["phone"]) == (status, "leslie@parks.example", "+16505550111")


def test_each_screen_says_which_step_it_is_of(page):
    change(page.backend, steps=ALL_STEPS)
    shown = page.open()
    assert "Step 1 of 5" in shown.page
    assert "Step 2 of 5" in shown.submit(accept="1").html


def test_what_was_wrong_is_told_and_the_step_stays(page):
    change(page.backend, steps=[{"step": "verify_email"}, {"step": "verify_sms"}, {"step": "kyc_check", "fields": ["name"]}])
    shown = page.open()
    assert "This is not an e-mail address" in shown.submit(email="nobody").html
    shown.submit(email="leslie@parks.example")
    assert "The code has 6 digits" in shown.submit(code="12").html
    wrong = shown.submit(code="000000")
    assert "This is not the code that we sent" in wrong.html
    assert "Attempts left: 2" in wrong.html
    assert "Wait a little" in shown.submit(again="1").html
    assert shown.submit(change="1").heading == "What is your e-mail address?"
    shown.submit(email="leslie@pawnee.example")
    shown.submit(code="123456")
    assert "This is not a phone number" in shown.submit(phone="12").html
    shown.submit(phone="+4721000001")
    shown.submit(code="123456")
    faulty = shown.submit(name__first="Leslie").html
    assert "This is missing" in faulty
    assert 'value="Leslie"' in faulty


def test_a_service_that_is_slow_is_waited_for(page, shared_server):
    change(page.backend, steps=[{"step": "kyc_check", "fields": ["name"]}])
    shown = page.open().submit(name__first="Leslie", name__last="Slow-kyc_check")
    assert shown.heading == "One moment, please"
    assert 1000 <= shown.told["again_ms"] <= 5000
    shared_server.clock.advance(6)
    assert shown.look().status == "success"


@pytest.mark.parametrize("code", languages())
def test_every_screen_is_there_in_every_language(page, code):
    change(page.backend, steps=ALL_STEPS)
    shown = page.open(locale=code)
    headings = [shown.heading]
    forms = [{"accept": "1"}, {"email": "a@b.example"}, {"code": "1"}, {"code": "123456"}, {"phone": "+4721000001"}]
    for form in [*forms, {"code": "123456"}, {"name__first": ""}, {"name__first": "Leslie", "name__last": "Knope", **PERSON}]:
        headings.append(shown.submit(**form).heading)
        assert shown.told["language"] == code
    assert shown.status == "success"
    english = {"Before we begin", "Your details", "You are verified", "Enter the code"}
    assert (set(headings) & english == english) == (code == "en")


def test_a_person_may_choose_another_language(page):
    shown = page.open()
    shown.language = "sv"
    assert shown.look().heading == "Innan vi börjar"
    shown.language = "tlh"
    assert shown.look().heading == "Before we begin"


def test_only_the_step_that_is_due_takes_a_form(page):
    change(page.backend, steps=[{"step": "accept_tos"}, {"step": "verify_email"}])
    shown = page.open()
    early = shown.post("/flow/frame/submit", {"step": "verify_email", "attempt": 1, "form": {"email": "a@b.example"}})
    another = shown.post("/flow/frame/submit", {"step": "accept_tos", "attempt": 2, "form": {"accept": "1"}})
    nothing = shown.post("/flow/frame/submit", {})
    for answer in (early, another, nothing):
        assert (answer.status_code, answer.json()["code"]) == (409, "step_not_active")
    assert shown.look().told["step"] == "accept_tos"


def test_after_a_retry_an_open_frame_is_told_that_it_was_canceled(make_backend):
    """Scenario 6: the user resumes the new session."""
    page = FlowPage(make_backend(allowed_origins=[ORIGIN]))
    shown = page.open()
    retried = page.backend.retry()
    assert shown.submit(accept="1").status == "canceled"
    assert shown.heading == "This was called off"
    assert page.open().session_id == retried["id"]


def test_after_its_time_an_open_frame_takes_nothing(page, shared_server):
    change(page.backend, session_ttl_s=300)
    shown = page.open()
    shared_server.clock.advance(300)
    answer = shown.submit(409, accept="1").answer.json()
    assert answer["code"] == "step_not_active"
    assert (shown.look().status, shown.heading) == ("expired", "Your time is up")
    assert page.open().status == "expired"


def test_what_the_owner_switches_off_stops_an_open_frame(make_backend):
    page = FlowPage(make_backend(allowed_origins=[ORIGIN]))
    shown = page.open()
    change(page.backend, allowed_origins=["https://www.shop.example"])
    assert shown.look(403).answer.json()["code"] == "origin_not_allowed"
    change(page.backend, allowed_origins=[ORIGIN], enabled=False)
    assert shown.submit(403, accept="1").answer.json()["code"] == "integration_disabled"
    change(page.backend, enabled=True)
    assert shown.submit(accept="1").status == "success"


def test_requiring_signatures_lets_open_frames_go_on(page):
    shown = page.open()
    change(page.backend, require_signed_requests=True)
    assert shown.submit(accept="1").status == "success"


@pytest.mark.parametrize("shown", ["", "Bearer", "Bearer x", "Bearer " + "A" * 43, "Basic QTpC", "bearer é"])
def test_without_its_token_nobody_asks_anything(shared_server, shown):
    for path in ("/flow/frame/state", "/flow/frame/submit"):
        answer = shared_server.http.post(path, json={}, headers={"Authorization": shown.encode()})
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


@pytest.mark.parametrize("path", ["/flow/frame/submit", "/verify/flwses_1/exchange"])
def test_a_secret_in_a_body_from_a_page_is_revoked(backend, path):
    answer = backend.server.http.post(path, json={"form": {"note": f"key: {backend.secret}"}}, headers={"Origin": ORIGIN})
    assert (answer.status_code, answer.json()["code"]) == (403, "secret_exposed")
    assert backend.send("GET").status_code == 401


def test_after_redaction_the_token_is_nobodys(make_backend):
    page = FlowPage(make_backend(allowed_origins=[ORIGIN]))
    shown = page.open().submit(accept="1")
    page.backend.call("POST", f"/{shown.session_id}/redact")
    assert shown.look(401).answer.json()["code"] == "invalid_token"


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (b"{", "application/json", 400, "request_malformed"),
        (b'{"a":1,"a":1}', "application/json", 400, "request_malformed"),
        (b"[]", "application/json", 400, "field_invalid"),
        (b'{"form":{"a":1}}', "application/json", 400, "field_invalid"),
        (b'{"language":7}', "application/json", 400, "field_invalid"),
        (b'{"form":{"a":"' + b"x" * 16384 + b'"}}', "application/json", 413, "body_too_large"),
        (b"a=1", "application/x-www-form-urlencoded", 415, "media_type_unsupported"),
    ],
)
def test_bodies_of_no_form_are_told(page, content, media_type, status, code):
    shown = page.open()
    answer = page.backend.server.http.post(
        "/flow/frame/submit", content=content, headers={"Authorization": f"Bearer {shown.token}", "Content-Type": media_type}
    )
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_calls_are_posts_that_nobody_keeps(page):
    answer = page.backend.server.http.get("/flow/frame/state")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    shown = page.open().look()
    assert shown.answer.headers["cache-control"] == "no-store"
    assert not {"set-cookie", "access-control-allow-origin"} & set(shown.answer.headers)


def test_what_a_person_types_is_no_markup(page):
    change(page.backend, steps=[{"step": "kyc_check", "fields": ["name"]}])
    shown = page.open().submit(name__first='"><script>alert(1)</script>')
    assert "<script" not in shown.html
    assert "&lt;script&gt;alert(1)" in shown.html
