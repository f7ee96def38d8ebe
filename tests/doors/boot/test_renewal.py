"""`POST /boot/renew`: a new code for a frame that lives already (protocol-embed.md section 3, protocol-boot.md section 3)."""

import pytest

from accredit.server.times import wire_time

from ..conftest import ORIGIN
from .conftest import CHANNEL, EMAIL, OTHER


def renew(shop, body, **how):
    return shop.server.boot({"channel": CHANNEL, **body}, path="/boot/renew", **how)


def refusal_of(shop, answer) -> str:
    """The audit code; outside it is a problem that the asking page may read, whatever went wrong."""
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "admission_refused"
    return shop.code_of(answer)


def test_gives_a_new_code_and_ends_the_old_session(shop, clock):
    shop.set(allowed_origins=[ORIGIN])
    old = shop.visit(shop.signed(EMAIL, channel=CHANNEL, locale="en_GB"))
    answer = renew(shop, shop.signed(EMAIL, locale="en_GB"), **{"Sec-Fetch-Dest": "empty"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert (answer.headers["access-control-allow-origin"], answer.headers["vary"]) == (ORIGIN, "Origin")
    assert "access-control-allow-credentials" not in answer.headers
    told = answer.json()
    assert set(told) == {"code", "expires_at"}
    assert told["expires_at"] == wire_time(clock.now_ms + 1_800_000)
    assert shop.owner.call("GET", f"/v1/sessions/{old['session_id']}")["status"] == "waiting"
    new = shop.owner.call("POST", "/v1/exchange", 200, {"code": told["code"]})
    assert (new["renews"], new["uid"], new["locale"]) == (old["session_id"], EMAIL, "en_GB")
    (ended,) = [each for each in shop.listed() if each["session_id"] == old["session_id"]]
    assert (ended["status"], ended["reason"]) == ("success", "renewed")


def test_keeps_the_anonymous_visitor(shop):
    old = shop.visit(shop.signed(channel=CHANNEL))
    answer = renew(shop, shop.signed())
    new = shop.owner.call("POST", "/v1/exchange", 200, {"code": answer.json()["code"]})
    assert new["anonymous_id"] == old["anonymous_id"]


def test_is_a_new_admission_through_the_whole_gate(shop, clock):
    body = shop.signed(EMAIL)
    assert shop.visit(body | {"channel": CHANNEL})
    assert refusal_of(shop, renew(shop, body)) == "nonce_replayed"
    assert refusal_of(shop, renew(shop, shop.fields(email=EMAIL))) == "signature_required"
    assert refusal_of(shop, renew(shop, shop.signed(EMAIL, now=clock.now - 61))) == "timestamp_out_of_window"
    assert refusal_of(shop, renew(shop, {**shop.signed(EMAIL), "email": "x"})) == "mac_mismatch"
    shop.set(allowed_origins=[OTHER])
    assert refusal_of(shop, renew(shop, shop.signed(EMAIL))) == "origin_not_allowed"


@pytest.mark.parametrize(
    "change", ["another user", "nobody", "another channel", "no channel", "another origin", "an ended one"]
)
def test_for_anybody_else_it_is_refused(shop, change):
    session = shop.visit(shop.signed(EMAIL, channel=CHANNEL))
    if change == "an ended one":
        shop.owner.call("POST", f"/v1/sessions/{session['session_id']}/end", 200, {"outcome": "aborted"})
    body = shop.signed({"another user": "mallory@example.com", "nobody": ""}.get(change, EMAIL))
    body |= {"channel": {"another channel": "B" + CHANNEL[1:], "no channel": ""}.get(change, CHANNEL)}
    answer = renew(shop, body, origin=OTHER if change == "another origin" else ORIGIN)
    assert refusal_of(shop, answer) == "renewal_mismatch"
    assert len(shop.listed()) == 1


def test_without_an_origin_it_is_refused_and_no_page_is_shown(shop):
    shop.visit(shop.signed(EMAIL, channel=CHANNEL))
    for origin in (None, "null"):
        answer = renew(shop, shop.signed(EMAIL), origin=origin)
        assert refusal_of(shop, answer) == "renewal_mismatch"
        assert "access-control-allow-origin" not in answer.headers


def test_a_bad_body_is_told_to_the_page_that_asked(shop):
    answer = renew(shop, shop.signed(EMAIL, smoker="maybe"))
    told = answer.json()
    assert (answer.status_code, told["code"], told["member"]) == (400, "field_invalid", "smoker")
    assert answer.headers["access-control-allow-origin"] == ORIGIN


def test_while_debugging_it_is_admitted_as_unverified(shop):
    shop.debug()
    assert shop.server.boot(shop.fields(email=EMAIL, channel=CHANNEL)).status_code == 200
    answer = renew(shop, shop.fields(email=EMAIL))
    assert set(answer.json()) == {"code", "expires_at"}
    assert shop.owner.call("POST", "/v1/exchange", 200, {"code": answer.json()["code"]})["trust"] == "unverified"
    refused = renew(shop, shop.fields(email="x"))
    assert (refused.json()["code"], refused.json()["reason"]) == ("admission_refused", "renewal_mismatch")
