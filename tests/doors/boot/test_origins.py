"""Where a boot comes from: pages, apps, and what is neither (protocol-boot.md section 6; protocol-embed.md section 3)."""

import re
from urllib.parse import urlencode

import pytest

from ..conftest import ORIGIN
from .conftest import CHANNEL, EMAIL, OTHER

IFRAME, DOCUMENT = {"Sec-Fetch-Dest": "iframe"}, {"Sec-Fetch-Dest": "document"}
BANK = {"identifier_type": "ios", "identifier_value": "com.example.bank"}


@pytest.fixture
def listed(shop):
    """An integration at level BASIC with one site on its list."""
    shop.set(level="BASIC", allowed_origins=[ORIGIN])
    return shop


def test_a_page_must_be_on_a_list_that_is_not_empty(listed):
    assert listed.visit(listed.fields())["origin"] == ORIGIN
    assert listed.visit(listed.fields(), **IFRAME)["frame_ancestors"] == [ORIGIN]
    assert listed.refusal(listed.fields(), origin=OTHER) == "origin_not_allowed"
    assert listed.refusal(listed.fields(), origin=f"{ORIGIN}:443") == "origin_not_allowed"
    assert listed.refusal(listed.fields(), origin=ORIGIN.upper(), **IFRAME) == "origin_missing"
    assert listed.refusal(listed.fields(), **DOCUMENT) == "not_framed"
    assert len(listed.listed()) == 2


def test_any_page_boots_where_there_is_no_list(shop):
    shop.set(level="BASIC")
    for headers in ({}, IFRAME, DOCUMENT):
        assert shop.visit(shop.fields(), origin=OTHER, **headers)["origin"] == OTHER


def test_at_level_csp_a_page_must_be_on_the_list_though_it_is_empty(shop):
    shop.set(level="CSP")
    for body in (shop.fields(), shop.signed(EMAIL)):
        assert shop.refusal(body) == "origin_not_allowed"
        assert shop.refusal(body, origin="null", **IFRAME) == "origin_missing"
    shop.set(allowed_origins=["https://*.shop.example"])
    assert shop.visit(shop.fields(), origin="https://a.shop.example")["trust"] == "origin"
    assert shop.refusal(shop.fields()) == "origin_not_allowed"


# What makes a request look like that of an app, and what does not.
APP_LIKE = [(None, {}), ("null", {}), (None, DOCUMENT), ("null", DOCUMENT)]
NOT_APP_LIKE = [("null", IFRAME), (None, IFRAME), (None, {"Sec-Fetch-Dest": "empty"}), ("https://x y", {})]


def test_an_app_boots_where_any_may(listed):
    for origin, headers in APP_LIKE:
        session = listed.visit(listed.fields(**BANK), origin=origin, **headers)
        assert (session["trust"], session["origin"]) == ("unverified", None)
        assert session["app"] == {"type": "ios", "value": "com.example.bank"}
    assert listed.visit(listed.fields(), origin=None)["app"] is None
    assert listed.visit(listed.fields(identifier_type="windows"), origin=None)["app"] == {"type": "windows", "value": None}


def test_what_is_no_app_gains_nothing_from_saying_so(listed):
    for origin, headers in NOT_APP_LIKE:
        assert listed.refusal(listed.fields(**BANK), origin=origin, **headers) == "origin_missing"
    session = listed.visit(listed.fields(**BANK))
    assert (session["app"], session["trust"]) == (None, "origin")


def test_a_stripped_origin_is_admitted_where_there_is_no_list(shop):
    shop.set(level="BASIC", native="off")
    for origin, headers in NOT_APP_LIKE:
        session = shop.visit(shop.fields(**BANK), origin=origin, **headers)
        assert (session["origin"], session["app"], session["trust"]) == (None, None, "unverified")


def test_a_listed_app_is_known_by_type_and_value(shop):
    apps = [{"type": "ios", "value": "com.example.bank"}, {"type": "android", "value": "com.example.shop"}]
    shop.set(level="BASIC", native="listed", native_apps=apps)
    assert shop.visit(shop.fields(**BANK), origin=None)["trust"] == "unverified"
    for other in (
        {},
        {"identifier_type": "ios"},
        {"identifier_value": "com.example.bank"},
        {**BANK, "identifier_value": "com.example.Bank"},
        {**BANK, "identifier_type": "android"},
        {**BANK, "identifier_type": "iOS"},
    ):
        assert shop.refusal(shop.fields(**other), origin=None) == "native_not_allowed"
    # The list of apps says nothing of pages.
    assert shop.visit(shop.fields())["origin"] == ORIGIN


def test_no_app_boots_where_none_may(shop):
    shop.set(level="BASIC", native="off", native_apps=[{"type": "ios", "value": "com.example.bank"}])
    assert shop.refusal(shop.fields(**BANK), origin=None) == "native_not_allowed"
    shop.set(level="SECURE_IDENTITY")
    assert shop.refusal(shop.signed(EMAIL, **BANK), origin=None) == "native_not_allowed"


def test_at_level_csp_an_app_must_be_listed(server, shop):
    shop.set(level="CSP", allowed_origins=[ORIGIN])
    assert shop.refusal(shop.fields(**BANK), origin=None) == "native_not_allowed"
    assert shop.refusal(shop.signed(EMAIL, **BANK), origin=None) == "native_not_allowed"
    shop.set(native_apps=[{"type": "ios", "value": "com.example.bank"}])
    assert shop.visit(shop.fields(**BANK), origin=None)["trust"] == "unverified"
    assert shop.visit(shop.signed(EMAIL, **BANK), origin=None)["trust"] == "signed"
    # With no site on the list, no site is to frame what the app was given.
    shop.set(allowed_origins=[])
    answer = server.boot(shop.fields(**BANK), origin=None)
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert shop.redeem(answer)["frame_ancestors"] == ["'none'"]


def test_a_stripped_origin_is_asked_for_and_then_held_against_the_list(server, listed):
    fields = listed.fields(channel=CHANNEL, email=EMAIL, **{"customerInfo[first_name]": '"Jane" <b>'})
    page = server.boot(fields, origin="null")
    assert (page.status_code, page.headers["referrer-policy"]) == (200, "same-origin")
    assert "frame-ancestors *" in page.headers["content-security-policy"]
    assert 'action="/boot"' in page.text
    assert '"door": "boot"' in page.text
    assert 'name="customerInfo[first_name]" value="&#34;Jane&#34; &lt;b&gt;"' in page.text
    again = {**fields, "origin_ticket": ticket_in(page)}
    assert listed.visit({**again, "parent_origin": ORIGIN}, origin=server.url)["origin"] == ORIGIN
    assert listed.refusal({**again, "parent_origin": OTHER}, origin=server.url) == "origin_not_allowed"
    assert listed.refusal({**again, "parent_origin": "null"}, origin=server.url) == "origin_missing"
    # Another page than ours cannot use the ticket, nor another frame, nor anybody later.
    claim = {**again, "parent_origin": ORIGIN}
    assert listed.refusal(claim, origin=OTHER) == "origin_not_allowed"
    assert listed.refusal({**claim, "channel": "B" + CHANNEL[1:]}, origin=server.url) == "origin_not_allowed"
    server.clock.advance(61)
    assert listed.refusal(claim, origin=server.url) == "origin_not_allowed"


def ticket_in(page) -> str:
    (ticket,) = re.findall(r'name="origin_ticket" value="([^"]+)"', page.text)
    return ticket


def test_a_stripped_origin_is_found_under_every_host_name_that_leads_here(server, listed):
    alias = {"Host": "boot.bank.example:8443"}
    fields = listed.fields(channel=CHANNEL)
    ticket = ticket_in(server.boot(fields, origin=None, **alias))
    again = {**fields, "origin_ticket": ticket, "parent_origin": ORIGIN}
    assert listed.visit(again, origin="http://boot.bank.example:8443", **alias)["origin"] == ORIGIN
    for origin in ("http://boot.bank.example", "http://boot.bank.example.evil.example:8443", "https://boot.bank.example:8443"):
        assert listed.refusal(again, origin=origin, **alias) == "origin_not_allowed"
    assert listed.refusal(again, origin="http://boot.bank.example:8443") == "origin_not_allowed"


def test_nothing_is_looked_up_before_the_origin_is_known(server, shop):
    page = server.boot(shop.fields(channel=CHANNEL) | {"cp_id": "nobody"}, origin=None)
    assert page.status_code == 200
    assert "origin_wanted" in page.text


def test_a_bad_body_is_told_to_the_page_whose_origin_was_found(server, listed):
    fields = listed.fields(channel=CHANNEL, smoker="maybe")
    ticket = ticket_in(server.boot(fields, origin=None))
    answer = server.boot({**fields, "origin_ticket": ticket, "parent_origin": ORIGIN}, origin=server.url)
    assert (answer.status_code, "<code>smoker</code>" in answer.text) == (400, True)
    assert f"frame-ancestors {ORIGIN}" in answer.headers["content-security-policy"]


def test_our_page_makes_no_single_field_of_two(server, listed):
    for again in ("email", "[email]", "unknown"):
        fields = urlencode([*listed.fields(channel=CHANNEL, email=EMAIL, unknown="1").items(), (again, "x")])
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "null"}
        answer = server.http.post("/boot", content=fields, headers=headers)
        if again == "[email]":
            assert 'name="[email]" value="x"' in answer.text
            assert f'name="email" value="{EMAIL}"' in answer.text
        else:
            assert (answer.status_code, "request_malformed" in answer.text) == (400, True)


def test_a_page_is_not_asked_again_for_what_it_cannot_post(shop):
    """JSON is posted by a fetch or an app, which no form of ours could repeat."""
    shop.set(level="BASIC")
    assert shop.visit(shop.fields(channel=CHANNEL), origin=None, as_json=True)["origin"] is None
    shop.set(allowed_origins=[ORIGIN])
    assert shop.refusal(shop.fields(channel=CHANNEL), origin=None, as_json=True) == "origin_missing"
