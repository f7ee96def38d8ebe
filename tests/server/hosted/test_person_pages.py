"""The person's pages as documents: what stands in them, whose colours they have, and what their headers allow."""

import json
import re

import pytest

from accredit.server.hosted.rest.pages import (
    choice_page,
    consent_page,
    failure_page,
    missing_page,
    outcome_page,
    resume_page,
    screen_page,
    waiting_page,
)
from accredit.server.hosted.rest.views import Consent, Message, OfferedProvider, Outcome, Surroundings
from accredit.server.hosted.wording import languages
from accredit.server.themes.colors import Colors
from accredit.server.themes.look import DEFAULT_LOOK, Look

NOW_MS = 1_800_000_000_000
BANK = OfferedProvider("nbid", "BankID")
HOSTILE = "<script>'\"&"
CODES = [
    "provider_error",
    "provider_unavailable",
    "provider_rejected",
    "otp_attempts_exceeded",
    "encryption_required",
    "encryption_key_revoked",
    "session_error",
    "provider_response_invalid",
    "loa_too_low",
    "attribute_missing",
]


def around(**members):
    given = {
        "request_id": "0" * 32,
        "language": languages()["en"],
        "look": DEFAULT_LOOK,
        "now_ms": NOW_MS,
        "page": "/auth/session/s-1",
        "token": "t-1",
        "who": "Shop",
        "expires_ms": NOW_MS + 1_200_000,
    }
    return Surroundings(**{**given, **members})


def text_of(page):
    return page.body.decode()


def policy_of(page):
    return dict(page.headers)[b"content-security-policy"].decode()


def script_of(page):
    return json.loads(re.search(r'id="script">(.*?)</script>', text_of(page))[1])


def every_page(around):
    option = {"value": HOSTILE, "name": HOSTILE, "chosen": True}
    person = {"persons": [option], "outcomes": [option], "fault": "unknown"}
    code = {"masked": HOSTILE, "fixed": False, "fault": "wrong", "entries_left": 2, "deliveries_left": 1, "resend_after_s": 9}
    provider = OfferedProvider("x", HOSTILE, HOSTILE)
    return [
        choice_page(around, [provider]),
        consent_page(around, Consent(provider, (HOSTILE,), sealed=True)),
        resume_page(around, provider, alone=False),
        waiting_page(around, HOSTILE),
        screen_page(around, "sandbox/person", HOSTILE, person),
        screen_page(around, "sandbox/waiting", HOSTILE, {}),
        screen_page(around, "callout/waiting", HOSTILE, {}),
        screen_page(around, "email_otp/address", HOSTILE, {"fault": "address"}),
        screen_page(around, "email_otp/code", HOSTILE, code),
        outcome_page(around, Outcome("error", "provider_error", HOSTILE, f"https://shop.example/{HOSTILE}")),
        missing_page(around),
        failure_page(around, 503),
    ]


def test_nothing_that_others_say_becomes_markup():
    hostile = around(who=HOSTILE, domain=HOSTILE, logo=HOSTILE, kept={"provider": HOSTILE}, token=HOSTILE)
    for page in every_page(hostile):
        assert HOSTILE not in text_of(page)
        assert text_of(page).count("<script") == 2


def test_every_page_allows_itself_only_and_is_kept_by_nobody():
    for page in every_page(around()):
        nonce = re.search(r"script-src 'nonce-([\w-]{22})'", policy_of(page))[1]
        assert policy_of(page) == (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src 'self' data:; connect-src 'self';"
            " form-action 'self' https:; base-uri 'none'; frame-ancestors 'none'"
        )
        lines = dict(page.headers)
        assert lines[b"cache-control"] == b"no-store"
        assert lines[b"referrer-policy"] == b"no-referrer"
        assert lines[b"x-content-type-options"] == b"nosniff"
        assert " style=" not in text_of(page)
        assert not re.search(r"<[^>]* on[a-z]+=", text_of(page))
    assert len({policy_of(page) for page in every_page(around())}) == len(every_page(around()))


def test_who_may_frame_a_page_and_where_its_forms_may_end():
    policy = policy_of(choice_page(around(ancestors="https://a.example https://*.b.example", plain_http=True), [BANK]))
    assert "frame-ancestors https://a.example https://*.b.example" in policy
    assert "form-action 'self' https: http:;" in policy


def test_every_form_goes_to_a_path_of_the_page_and_carries_its_token():
    kept = {"browser": "b-1", "language": "en", "provider": "nbid"}
    for page in every_page(around(kept=kept)):
        for form in re.findall(r"<form.*?</form>", text_of(page), re.DOTALL):
            assert re.match(r'<form method="post" action="/auth/session/s-1/[a-z]+\?browser=b-1&amp;language=en', form)
            assert '<input type="hidden" name="token" value="t-1">' in form


def test_a_page_can_be_cancelled_as_long_as_the_session_is_open():
    assert 'action="/auth/session/s-1/cancel"' in text_of(choice_page(around(), [BANK]))
    ended = around(expires_ms=None)
    for page in (outcome_page(ended, Outcome("success", None, "BankID", None)), missing_page(ended), failure_page(ended, 500)):
        assert "cancel" not in re.search(r"<body>.*<footer>", text_of(page), re.DOTALL)[0]


def test_consent_tells_who_asks_for_what():
    page = text_of(consent_page(around(domain="login.shop.example"), Consent(BANK, ("firstName", "18OrOlder"), sealed=True)))
    assert "Shop asks who you are. You identify yourself with BankID, and Shop is told:" in page
    assert re.findall(r"<li>([a-z].*?)</li>", page) == [
        "your first name",
        "whether you are 18 or older",
        "an identifier that stands for you",
    ]
    assert "The answer is encrypted for Shop." in page
    assert "login.shop.example" in page
    assert "encrypted" not in text_of(consent_page(around(), Consent(BANK, (), sealed=False)))


@pytest.mark.parametrize(("left_ms", "warned"), [(120_001, False), (120_000, True), (1, True)])
def test_the_last_two_minutes_are_announced_without_a_script_too(left_ms, warned):
    page = text_of(choice_page(around(expires_ms=NOW_MS + left_ms), [BANK]))
    shown = re.search(r'<div id="ending" role="alert">(.*?)</div>', page)[1]
    assert ("Your time is almost up" in shown) == warned
    assert "<template" in page


def test_times_can_be_read_without_a_script_and_found_by_one():
    assert '<time datetime="2027-01-15T08:20:00Z">08:20 UTC</time>' in text_of(choice_page(around(), [BANK]))
    late = text_of(choice_page(around(expires_ms=NOW_MS + 86_400_000), [BANK]))
    assert '<time datetime="2027-01-16T08:00:00Z">2027-01-16 08:00 UTC</time>' in late


@pytest.mark.parametrize("code", languages())
@pytest.mark.parametrize(
    ("status", "detail"),
    [
        *(("error", each) for each in CODES),
        *(("failed", each) for each in CODES),
        *((status, None) for status in ("success", "aborted", "cancelled", "expired", "error", "failed")),
    ],
)
def test_every_end_is_told_in_every_language(code, status, detail):
    language = languages()[code]
    page = text_of(outcome_page(around(language=language, expires_ms=None), Outcome(status, detail, "BankID", None)))
    assert language.say(f"outcome.{status}_title") in page
    assert (f"<code>{detail}</code>" in page) == (detail is not None)
    assert f'<html lang="{code}">' in page


def test_an_outcome_leads_on_and_tells_the_page_around_it():
    message = Message(("https://a.example",), {"accredit": 1, "status": "SUCCESS"})
    outcome = Outcome("success", None, "BankID", "https://shop.example/cb?a=1&b=2", at_once=True, message=message)
    page = outcome_page(around(expires_ms=None), outcome)
    assert 'href="https://shop.example/cb?a=1&amp;b=2" rel="noreferrer">Continue to shop.example</a>' in text_of(page)
    assert dict(page.headers)[b"refresh"] == b"0; url=https://shop.example/cb?a=1&b=2"
    told = script_of(page)
    assert (told["message"], told["parents"]) == ({"accredit": 1, "status": "SUCCESS"}, ["https://a.example"])
    staying = outcome_page(around(), Outcome("success", None, "BankID", "https://shop.example/"))
    assert b"refresh" not in dict(staying.headers)
    assert "message" not in script_of(staying)


def test_a_page_of_nobody_names_nobody():
    page = missing_page(around(who="", page="", token="", expires_ms=None))
    assert page.status == 404
    assert "Shop" not in text_of(page)
    assert "<nav" not in text_of(page)


def test_a_page_has_the_colours_of_its_theme():
    dark_alone = Look(colors=Colors(background="#000000", surface="#111111", text="#ffffff", soft_text="#dddddd"), font="slab")
    page = text_of(choice_page(around(look=dark_alone), [BANK]))
    assert ":root { color-scheme: dark; --background: #000000; --surface: #111111;" in page
    assert "prefers-color-scheme" not in page
    assert "--fonts: Rockwell, 'Rockwell Nova'" in page
    ours = text_of(choice_page(around(), [BANK]))
    assert "color-scheme: light dark; --background: #f3f5f8;" in ours
    assert "@media (prefers-color-scheme: dark) { :root { --background: #101317;" in ours
    assert "color-scheme: light; " in text_of(choice_page(around(look=Look()), [BANK]))


def test_a_code_that_was_wrong_is_told_beside_its_field():
    values = {"masked": "j•••@a.example", "fixed": True, "fault": "wrong", "entries_left": 1, "deliveries_left": 0}
    page = text_of(screen_page(around(), "email_otp/code", "E-mail", values))
    assert re.search(r'<p class="fault" id="fault" role="alert">This is not the code', page)
    assert 'aria-describedby="fault left" aria-invalid="true" autofocus' in page
    assert "<title>Please check this: Enter the code · Shop</title>" in page
    assert 'name="again"' not in page
    assert 'name="change"' not in page
