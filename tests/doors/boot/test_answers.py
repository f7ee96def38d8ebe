"""What a boot is answered: redirect, JSON, hosted page and link, and errors in both shapes (protocol-boot.md section 5)."""

import re
from datetime import datetime
from urllib.parse import urlsplit

import pytest

from accredit.server.times import wire_time

from ..conftest import ORIGIN
from .conftest import CHANNEL, EMAIL, OTHER, new_shop

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
LINK = rf"(http://127\.0\.0\.1:\d+)(/verify/({UUID})\?key=[0-9a-f]{{64}})"


def test_sends_the_frame_to_the_application_with_a_code_and_nothing_else(server, shop):
    answer = server.boot(shop.signed(EMAIL, page="energy", locale="en_GB"))
    assert (answer.status_code, answer.content) == (303, b"")
    assert re.fullmatch(r"https://app\.example/start\?code=[A-Za-z0-9_-]{43}", answer.headers["location"])
    shop.set(application_url="https://app.example/start?plan=gold")
    location = server.boot(shop.signed(EMAIL)).headers["location"]
    assert location.startswith("https://app.example/start?plan=gold&code=")


def test_answers_carry_their_headers(server, shop):
    shop.set(allowed_origins=[ORIGIN, "https://*.shop.example:8443"])
    listed = f"frame-ancestors {ORIGIN} https://*.shop.example:8443"
    admitted, as_json = server.boot(shop.signed(EMAIL)), server.boot(shop.signed(EMAIL), as_json=True)
    refused = server.boot(shop.signed(EMAIL), origin=OTHER)
    shop.set(application_url=None)
    hosted = server.boot(shop.signed(EMAIL))
    shop.debug()
    report = server.boot(shop.fields())
    for answer in (admitted, as_json, refused, hosted, report):
        policy = answer.headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "base-uri 'none'"} <= set(policy)
        assert (f"frame-ancestors {OTHER}" if answer is refused else listed) in policy
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])
        assert not {"x-frame-options", "set-cookie", "access-control-allow-origin"} & set(answer.headers)


def test_without_a_list_any_page_may_frame_what_was_admitted(server, shop):
    assert "frame-ancestors *" in server.boot(shop.signed(EMAIL)).headers["content-security-policy"]
    refused = server.boot(shop.fields(), origin=None, **{"Sec-Fetch-Dest": "iframe"})
    assert "frame-ancestors 'none'" in refused.headers["content-security-policy"]


def test_after_a_json_body_the_redirect_has_a_body_too(server, shop, clock):
    for accepted in ("application/json", "text/html"):
        answer = server.boot(shop.signed(EMAIL), as_json=True, origin=None, Accept=accepted)
        assert (answer.status_code, answer.headers["content-type"]) == (303, "application/json")
        told = answer.json()
        session = shop.redeem(answer)
        assert told == {
            "session_id": session["session_id"],
            "url": answer.headers["location"],
            "code_expires_at": wire_time(clock.now_ms + 60_000),
            "expires_at": wire_time(clock.now_ms + 1_800_000),
            "trust": "signed",
        }


def test_response_mode_json_answers_without_a_redirect(server, shop):
    for as_json in (False, True):
        answer = server.boot(shop.signed(EMAIL, response_mode="json"), as_json=as_json)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        assert answer.headers["cache-control"] == "no-store"
        assert not {"location", "access-control-allow-origin"} & set(answer.headers)
        told = answer.json()
        assert set(told) == {"session_id", "url", "code_expires_at", "expires_at", "trust"}
        session = shop.owner.call("POST", "/v1/exchange", 200, {"code": told["url"].partition("code=")[2]})
        assert (session["session_id"], session["uid"], session["trust"]) == (told["session_id"], EMAIL, told["trust"])
    redirect = server.boot(shop.signed(EMAIL, response_mode="redirect"))
    assert redirect.status_code == 303


def test_shows_the_hosted_page_where_there_is_no_application(server, shop):
    shop.set(application_url=None)
    for as_json in (False, True):
        answer = server.boot(shop.signed("<b>@x.example", channel=CHANNEL), as_json=as_json)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "&lt;b&gt;@x.example" in answer.text
        assert f'"channel": "{CHANNEL}", "door": "boot", "origin": "{ORIGIN}"' in answer.text
    assert [session["status"] for session in shop.listed()] == ["waiting", "waiting"]


@pytest.fixture
def hosted(server, shop):
    """The JSON of a boot that has no application: its URL is a link to its page."""
    shop.set(application_url=None)
    return server.boot(shop.signed(EMAIL, response_mode="json")).json()


def path_of(url: str) -> str:
    address = urlsplit(url)
    return f"{address.path}?{address.query}"


def test_a_hosted_link_shows_the_session_until_it_ends(server, shop, hosted, clock):
    assert (hosted["code_expires_at"], hosted["trust"]) == (None, "signed")
    host, path, session_id = re.fullmatch(LINK, hosted["url"]).groups()
    assert (host, session_id) == (server.settings.public_url, hosted["session_id"])
    for _ in range(2):
        page = server.http.get(path)
        assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
        assert EMAIL in page.text
        assert shop.app["integration_id"] in page.text
    expires = int(datetime.fromisoformat(hosted["expires_at"]).timestamp())
    clock.advance(expires - clock.now - 1)
    assert server.http.get(path).status_code == 200
    clock.advance(1)
    gone = server.http.get(path)
    assert (gone.status_code, "link_invalid" in gone.text, EMAIL in gone.text) == (404, True, False)


def test_a_hosted_link_ends_with_its_session(server, shop, hosted):
    shop.owner.call("POST", f"/v1/sessions/{hosted['session_id']}/end", 200, {"outcome": "success"})
    assert server.http.get(path_of(hosted["url"])).status_code == 404


def test_a_hosted_link_is_good_for_its_own_session_only(server, shop, hosted):
    other = server.boot(shop.signed(EMAIL, response_mode="json")).json()
    key, others_key = (each["url"].partition("key=")[2] for each in (hosted, other))
    path = f"/verify/{hosted['session_id']}"
    for wrong in (others_key, key[:-1] + ("0" if key[-1] != "0" else "1"), 64 * "0"):
        assert server.http.get(f"{path}?key={wrong}").status_code == 404
    for malformed in ("", "?key=", f"?key={key.upper()}", f"?key={key[:-1]}", f"?key={key}0", f"?key={key}&key={key}"):
        assert server.http.get(f"{path}{malformed}").status_code == 400
    for nobody in ("0" * 36, "018f0000-0000-7000-8000-000000000000", "x"):
        assert server.http.get(f"/verify/{nobody}?key={key}").status_code == 404
    assert server.http.get(f"{path}?key={key}").status_code == 200


def test_a_hosted_link_shows_nothing_of_an_integration_that_was_removed(server, shop, hosted):
    shop.owner.call("DELETE", shop.address, 204)
    assert server.http.get(path_of(hosted["url"])).status_code == 404


PROBLEM, PAGE = "application/problem+json", "text/html; charset=utf-8"
# How a request is posted, and the shape of its errors.
SHAPES = [
    ({}, {}, PAGE),
    ({}, {"Accept": "application/json"}, PAGE),
    ({"response_mode": "json"}, {"Accept": "text/html"}, PROBLEM),
    ({"as_json": True}, {"Accept": "*/*"}, PROBLEM),
    ({"as_json": True}, {"Accept": "application/json"}, PROBLEM),
    ({"as_json": True}, {"Accept": "application/json", "Sec-Fetch-Dest": "empty"}, PROBLEM),
    ({"as_json": True}, {"Accept": "Text/HTML,application/xhtml+xml"}, PAGE),
    ({"as_json": True}, {"Accept": "*/*", "Sec-Fetch-Dest": "document"}, PAGE),
    ({"as_json": True}, {"Accept": "*/*", "Sec-Fetch-Dest": "iframe"}, PAGE),
    ({"as_json": True, "response_mode": "json"}, {"Accept": "text/html"}, PROBLEM),
]


@pytest.mark.parametrize(("how", "headers", "shape"), SHAPES)
def test_errors_are_a_page_or_a_problem(server, shop, how, headers, shape):
    how = dict(how)
    as_json = how.pop("as_json", False)
    refused = server.boot(shop.fields(**how), as_json=as_json, **headers)
    malformed = server.boot(shop.fields(smoker="maybe", **how), as_json=as_json, **headers)
    for answer, status, code, member in (
        (refused, 403, "admission_refused", None),
        (malformed, 400, "field_invalid", "smoker"),
    ):
        assert (answer.status_code, answer.headers["content-type"]) == (status, shape)
        if shape == PROBLEM:
            told = answer.json()
            assert (told["code"], told.get("member"), told["status"]) == (code, member, status)
            assert (told["request_id"], told.get("reason")) == (answer.headers["x-request-id"], None)
            assert told["type"] == f"{server.settings.public_url}/docs/errors#{code}"
        else:
            assert f"<code>{code}</code>" in answer.text
            assert member is None or f"<code>{member}</code>" in answer.text
            assert answer.headers["x-request-id"] in answer.text


def test_a_refusal_page_tells_the_sdk_at_the_origin_that_asked(server, shop):
    answer = server.boot(shop.fields(channel=CHANNEL))
    assert f'"channel": "{CHANNEL}"' in answer.text
    assert '"door": "boot"' in answer.text
    assert f'id="target">"{ORIGIN}"</script>' in answer.text
    assert "<form" not in answer.text
    assert "<button" not in answer.text


def test_a_refusal_before_the_body_is_read_is_told_like_any_other(server):
    page = server.boot({}, origin=ORIGIN, **{"Content-Type": "text/plain"})
    assert (page.status_code, page.headers["content-type"]) == (415, PAGE)
    assert f"frame-ancestors {ORIGIN}" in page.headers["content-security-policy"]
    problem = server.http.post("/boot", content=b"[", headers={"Content-Type": "application/json"})
    assert (problem.status_code, problem.headers["content-type"]) == (400, PROBLEM)


def test_too_many_refusals_have_to_wait(start_server, sqlite_url, clock):
    server = start_server(sqlite_url, refusals_per_minute=3)
    shop = new_shop(server)
    clock.advance(60 - clock.now % 60)
    assert [server.boot(shop.fields()).status_code for _ in range(4)] == [403, 403, 403, 429]
    page, body = server.boot(shop.signed(EMAIL)), shop.signed(EMAIL, channel=CHANNEL)
    wait = page.headers["retry-after"]
    assert (page.status_code, page.headers["content-type"], 0 < int(wait) <= 61) == (429, PAGE, True)
    assert "rate_limited" in page.text
    assert f"frame-ancestors {ORIGIN}" in page.headers["content-security-policy"]
    for problem in (server.boot(body, as_json=True), server.boot(body, path="/boot/renew")):
        assert (problem.status_code, problem.headers["content-type"]) == (429, PROBLEM)
        assert (problem.json()["code"], problem.headers["retry-after"]) == ("rate_limited", wait)
    assert server.embed({}, path="/embed/renew").json()["code"] == "rate_limited"
    clock.advance(int(wait))
    assert shop.visit(shop.signed(EMAIL))
