"""What a service says: every form that the protocol has, and nothing else ends a step."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accredit.errors import AccreditError
from accredit.server.outbound import Answer
from accredit.server.steps.callouts.answers import Pending, Unanswered, read_answer, read_posted
from accredit.server.steps.callouts.records import Callout
from accredit.server.steps.callouts.sending import next_try_ms
from accredit.server.steps.step import StepOutcome

from .conftest import SANDBOX

CHECKS = ("name",)


def answer(body, status=200, *, complete=True, plain=False):
    octets = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_answer(Answer(status, {}, octets, complete, "192.0.2.1"), CHECKS, plain=plain)


def test_an_end_with_what_was_found():
    detail = {"name": {"summary": "match"}}
    assert answer({"status": "success", "detail": detail}) == StepOutcome("success", detail, CHECKS)
    assert answer({"status": "failed", "detail": None}) == StepOutcome("failed")
    assert answer({"status": "pending_review", "more": 1}) == StepOutcome("pending_review")


@pytest.mark.parametrize("status", [200, 202])
def test_an_answer_later(status):
    assert answer({"status": "pending"}, status) == Pending(None)
    url = "https://kyc.example:8443/go?x=%20#y"
    assert answer({"status": "pending", "continue_url": url}, status) == Pending(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://kyc.example/",
        "javascript:alert(1)",
        "//kyc.example",
        "https://",
        "https://user@kyc.example/",
        "https://kyc.example/\u00e5",
        "https://kyc.example/a b",
        "https://kyc.example\\@evil.example/",
        "https://kyc.example:port/",
        "https://[kyc/",
        "https://kyc.example/" + "x" * 2048,
        "",
    ],
)
def test_nobody_is_sent_anywhere_else(url):
    assert answer({"status": "pending", "continue_url": url}) == Unanswered("answer_malformed", again=False)


def test_a_sandbox_may_send_people_on_without_tls():
    url = "http://localhost:8000/go"
    assert answer({"status": "pending", "continue_url": url}, plain=True) == Pending(url)


@pytest.mark.parametrize("status", [429, 500, 503, 599])
def test_some_failures_pass(status):
    assert answer({"status": "success"}, status) == Unanswered(f"status_{status}", again=True)


@pytest.mark.parametrize("status", [201, 204, 400, 401, 410])
def test_others_do_not(status):
    assert answer({"status": "success"}, status) == Unanswered(f"status_{status}", again=False)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 200),
        (b"[]", 200),
        (b'"success"', 200),
        (b'{"status":"success","status":"failed"}', 200),
        ({"status": "error"}, 200),
        ({"status": "success"}, 202),
        ({"status": "success", "detail": []}, 200),
        ({"status": "success", "detail": {"x": "y" * 16_384}}, 200),
    ],
)
def test_an_answer_of_another_form_is_none(body, status):
    assert answer(body, status) == Unanswered("answer_malformed", again=False)
    assert answer({"status": "success"}, complete=False) == Unanswered("answer_malformed", again=False)


@settings(deadline=None)
@given(st.binary(max_size=64) | st.text(max_size=64).map(lambda text: json.dumps({"status": text}).encode()))
def test_whatever_is_posted_ends_in_an_outcome_or_an_error_of_the_tree(body):
    try:
        outcome = read_posted(body, CHECKS)
    except AccreditError:
        return
    assert outcome.status in ("success", "failed", "pending_review")


def test_tries_are_two_ten_sixty_and_three_hundred_seconds_apart():
    for tries, wait_ms in enumerate((2_000, 10_000, 60_000, 300_000)):
        callout = Callout("cal_1", SANDBOX, "s", "kyc_check", 1, "svc_1", (), None, None, tries, 0, 1)
        again_ms = next_try_ms(callout, 1_000_000)
        assert 0.9 * wait_ms <= again_ms - 1_000_000 <= 1.1 * wait_ms
    assert next_try_ms(Callout("cal_1", SANDBOX, "s", "kyc_check", 1, "svc_1", (), None, None, 4, 0, 1), 0) is None
