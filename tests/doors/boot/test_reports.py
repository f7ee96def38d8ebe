"""Debug reports: what they tell to the caller and to the owner, and what they never hold (protocol-boot.md section 5)."""

import hashlib
import hmac
import json
import re

import pytest

from accredit.encoding import b64_decode, b64_encode
from accredit.server.times import wire_time

from ..conftest import ORIGIN
from .conftest import CHANNEL, EMAIL, WRONG_MAC, new_shop, wire

NONCE = "0123456789abcdef" * 2
CHECKS = ["origin", "signature_form", "mac", "freshness", "replay"]


@pytest.fixture
def debugged(shop):
    shop.debug()
    return shop


def report_of(shop, body, **how):
    """The report of a boot that is admitted as unverified, as the caller gets it."""
    answer = shop.server.boot({**body, "response_mode": "json"}, **how)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["trust"] == "unverified"
    return told["debug"]


def results_of(report):
    assert [check["check"] for check in report["checks"]] == CHECKS
    assert all(("code" in check) == (check["result"] == "fail") for check in report["checks"])
    return [check.get("code") or check["result"] for check in report["checks"]]


def test_reports_a_right_signature(debugged, clock):
    ids = debugged.app["deployer_id"], debugged.app["integration_id"]
    text = f"{clock.now}:{ids[0]}:{ids[1]}:{EMAIL}:{NONCE}"
    report = report_of(debugged, debugged.signed(EMAIL, nonce=NONCE))
    assert re.fullmatch("[0-9a-f]{32}", report.pop("request_id"))
    assert report == {
        "level": "SECURE_IDENTITY_DEBUG",
        "would_admit": True,
        "code": None,
        "server_time": wire_time(clock.now_ms),
        "timestamp": clock.now,
        "skew_s": 0,
        "window_s": 60,
        "secrets_tried": 1,
        "checks": [{"check": name, "result": "pass"} for name in CHECKS],
        "signed_text": text.replace(EMAIL, "j***@e***"),
        "signed_text_bytes": len(text),
        "signed_text_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "level_until": wire_time((clock.now + 3600) * 1000),
    }


def test_reports_the_check_that_fails_and_goes_on_as_far_as_that_makes_sense(debugged, clock):
    stale = debugged.signed(EMAIL, now=clock.now - 90)
    wrong = {**debugged.signed(EMAIL), "email": "x@example.com"}
    for body, results in (
        (debugged.fields(email=EMAIL), ["pass", "signature_required", "skipped", "skipped", "skipped"]),
        (debugged.fields(signature="null"), ["pass", "signature_required", "skipped", "skipped", "skipped"]),
        (debugged.fields(signature="x"), ["pass", "signature_malformed", "skipped", "skipped", "skipped"]),
        (debugged.fields(signature="1:2:3"), ["pass", "timestamp_malformed", "skipped", "skipped", "skipped"]),
        (wrong, ["pass", "pass", "mac_mismatch", "pass", "skipped"]),
        ({**stale, "email": "x"}, ["pass", "pass", "mac_mismatch", "timestamp_out_of_window", "skipped"]),
        (stale, ["pass", "pass", "pass", "timestamp_out_of_window", "pass"]),
    ):
        report = report_of(debugged, body)
        assert results_of(report) == results
        assert (report["would_admit"], report["code"]) == (False, next(each for each in results if "_" in each))
        assert (report["timestamp"] is None) == (report["signed_text"] is None) == (results[1] != "pass")
    assert report["skew_s"] == -90
    assert {session["trust"] for session in debugged.listed()} == {"unverified"}
    assert {session["proof"] for session in debugged.listed()} == {None}


def test_reports_a_nonce_that_was_used_before(debugged, clock):
    body = debugged.signed(EMAIL, nonce=NONCE)
    # What would not have been admitted has used up nothing.
    assert results_of(report_of(debugged, debugged.signed(EMAIL, nonce=NONCE, now=clock.now + 61)))[4] == "pass"
    assert results_of(report_of(debugged, {**body, "email": "x"}))[2] == "mac_mismatch"
    assert report_of(debugged, body)["would_admit"] is True
    again = report_of(debugged, body)
    assert (again["would_admit"], again["code"]) == (False, "nonce_replayed")
    assert results_of(again) == ["pass", "pass", "pass", "pass", "nonce_replayed"]
    debugged.set(replay="window_only")
    assert report_of(debugged, body)["would_admit"] is True


def test_a_nonce_of_a_session_is_used_for_a_report_too_but_not_the_other_way(shop):
    body, later = shop.signed(EMAIL), shop.signed(EMAIL)
    assert shop.visit(body)
    shop.debug()
    assert report_of(shop, body)["code"] == "nonce_replayed"
    assert report_of(shop, later)["would_admit"] is True
    shop.set(level="SECURE_IDENTITY")
    assert shop.visit(later)


def test_reports_what_policies_refuse(debugged):
    debugged.set(identity_v2="require", identity_origin="require")
    assert results_of(report_of(debugged, debugged.signed(EMAIL)))[2] == "signature_version"
    unbound = debugged.signed_v2({"email": EMAIL}, origin=None)
    assert results_of(report_of(debugged, unbound))[2] == "identity_origin_missing"
    bound = report_of(debugged, debugged.signed_v2({"email": EMAIL, "first_name": "Jane"}))
    assert bound["would_admit"] is True
    assert bound["signed_text"].startswith('["accredit-identity-v2","***",')
    assert bound["signed_text"].endswith(f'"{ORIGIN}"]')
    elsewhere = report_of(debugged, debugged.signed_v2({"email": EMAIL}), origin="https://x.example")
    assert elsewhere["code"] == "mac_mismatch"


@pytest.mark.parametrize("address", [None, "https://app.example/start"])
def test_the_page_shows_the_report_and_a_link_that_goes_on(server, debugged, clock, address):
    debugged.set(application_url=address)
    body = {**debugged.signed(EMAIL, nonce=NONCE, now=clock.now - 90, channel=CHANNEL), "first_name": "<b>"}
    for as_json in (False, True):
        page = server.boot(body, as_json=as_json)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert page.text.count("✓ pass") == 4
        assert "✗ fail</strong> <code>timestamp_out_of_window</code>" in page.text
        assert "90 s behind this server" in page.text
        assert f"j***@e***:{NONCE}" in page.text
        (url,) = re.findall(r'<a href="([^"]+)">', page.text)
        message = json.loads(re.findall(r'id="message">(.*)</script>', page.text)[0])
        assert (message["accredit"], message["door"], message["type"], message["channel"]) == (1, "boot", "debug", CHANNEL)
        assert message["report"]["request_id"] == page.headers["x-request-id"]
        assert f'id="target">"{ORIGIN}"</script>' in page.text
        if address is None:
            assert server.http.get(url).status_code == 200
        else:
            # Somebody reads first: the code lives for ten minutes.
            clock.advance(599)
            session = debugged.owner.call("POST", "/v1/exchange", 200, {"code": url.partition("code=")[2]})
            assert (session["trust"], session["proof"], session["uid"]) == ("unverified", None, EMAIL)
            assert set(session["unverified"]) == {"email", "first_name"}
            clock.advance(-599)


def test_the_code_behind_a_page_ends_after_ten_minutes_and_in_json_after_one(server, debugged, clock):
    (url,) = re.findall(r'<a href="([^"]+)">', server.boot(debugged.fields()).text)
    told = server.boot(debugged.fields(response_mode="json")).json()
    assert told["code_expires_at"] == wire_time(clock.now_ms + 60_000)
    clock.advance(60)
    late = {"code": told["url"].partition("code=")[2]}
    assert debugged.owner.call("POST", "/v1/exchange", 404, late)["code"] == "code_unknown"
    clock.advance(540)
    late = {"code": url.partition("code=")[2]}
    assert debugged.owner.call("POST", "/v1/exchange", 404, late)["code"] == "code_unknown"


def test_the_owner_reads_it_for_a_day_with_the_mistake_and_without_the_text(debugged, server, clock):
    report = report_of(debugged, {**debugged.signed(EMAIL), "email": "Jane@example.com"})
    kept = debugged.owner.call("GET", f"/v1/boot_reports/{report['request_id']}")
    mistakes = kept.pop("mistakes")
    assert [name for name, made in mistakes.items() if made] == ["email_case_or_space"]
    assert len(mistakes) == 8
    assert kept.pop("integration_id") == debugged.app["integration_id"]
    assert kept == {name: value for name, value in report.items() if not name.startswith("signed_text")}
    clock.advance(24 * 3600 - 1)
    assert debugged.owner.call("GET", f"/v1/boot_reports/{report['request_id']}")
    clock.advance(1)
    gone = debugged.owner.call("GET", f"/v1/boot_reports/{report['request_id']}", 404)
    assert gone["code"] == "boot_report_not_found"


def test_nobody_else_reads_it(server, debugged):
    path = f"/v1/boot_reports/{report_of(debugged, debugged.fields())['request_id']}"
    owner = debugged.owner
    assert owner.call("GET", path)["code"] == "signature_required"
    other, sandbox = new_shop(server).owner, server.owner(owner.owner_id, environment="sandbox")
    another = owner.boot_integration()["integration_id"]
    limited, concerned = (
        owner.call("POST", "/v1/keys", 201, {"purpose": "api", "integration_ids": [each]})["secret"]
        for each in (another, debugged.app["integration_id"])
    )
    for api in (other.api, sandbox.api, server.client(limited)):
        assert (api.get(path).status_code, api.get(path).json()["code"]) == (404, "boot_report_not_found")
    assert server.client(concerned).get(path).status_code == 200
    assert server.http.get(path).status_code == 401
    for nothing in ("0" * 32, "x", "A" * 32):
        assert owner.call("GET", f"/v1/boot_reports/{nothing}", 404)["code"] == "boot_report_not_found"


def test_what_would_forge_or_name_is_nowhere_in_a_report(server, debugged, clock):
    ids = debugged.app["deployer_id"], debugged.app["integration_id"]
    text = f"{clock.now}:{ids[0]}:{ids[1]}:{EMAIL}:{NONCE}"
    octets = hmac.digest(b64_decode(debugged.secret), text.encode(), "sha256")
    hidden = [b64_encode(octets)[:43], octets.hex(), debugged.secret, debugged.secret_id, EMAIL]
    bound = debugged.signed_v2({"email": EMAIL})
    hidden.append(bound["signature"].rpartition(".")[2])
    for body in (
        debugged.fields(email=EMAIL, signature=f"{clock.now}:{WRONG_MAC}:{NONCE}"),
        debugged.signed(EMAIL, nonce=NONCE),
        debugged.fields(email=EMAIL, signature=f"{clock.now}:{octets.hex()}:{NONCE}"),
        debugged.fields(email=EMAIL, signature=f"{clock.now}:{b64_encode(octets)[:43]}:{NONCE}"),
        bound,
        {**bound, "first_name": "x"},
    ):
        page = server.boot(body)
        told = json.dumps(report_of(debugged, body))
        kept = json.dumps(debugged.owner.call("GET", f"/v1/boot_reports/{page.headers['x-request-id']}"))
        ((stored,),) = server.rows("SELECT report FROM boot_reports WHERE request_id = ?", page.headers["x-request-id"])
        for shown in (page.text, told, kept, stored):
            assert [each for each in hidden if each in shown] == []
        for shown in (kept, stored):
            assert "signed_text" not in shown
            assert hashlib.sha256(text.encode()).hexdigest() not in shown
            assert NONCE not in shown


def test_thirty_are_made_a_minute_and_then_boots_go_on_without(server, debugged, clock):
    def reported(shop):
        return "debug" in server.boot(shop.fields(response_mode="json")).json()

    assert [reported(debugged) for _ in range(31)] == 30 * [True] + [False]
    answer = server.boot(debugged.fields())
    assert debugged.redeem(answer)["trust"] == "unverified"
    debugged.set(application_url=None)
    assert "Boot report" not in server.boot(debugged.fields()).text
    other = new_shop(server)
    other.debug()
    assert reported(other)
    clock.advance(60)
    assert reported(debugged)


def test_at_other_levels_there_is_no_report(server, open_shop, clock):
    shop = open_shop(level="BASIC", debug_until=wire(clock.now + 60))
    answer = server.boot(shop.fields(response_mode="json"))
    assert "debug" not in answer.json()
    path = f"/v1/boot_reports/{answer.headers['x-request-id']}"
    assert shop.owner.call("GET", path, 404)["code"] == "boot_report_not_found"


def mac_with(key: bytes, *parts: object) -> str:
    return b64_encode(hmac.digest(key, ":".join(map(str, parts)).encode(), "sha256"))


def mistaken(shop, now):
    """Bodies that were signed with one mistake each, by its name."""
    cp, cpd = shop.app["deployer_id"], shop.app["integration_id"]
    key = b64_decode(shop.secret)
    mac = mac_with(key, now, cp, cpd, EMAIL, NONCE)
    while not set(mac) & set("+/"):
        now -= 1
        mac = mac_with(key, now, cp, cpd, EMAIL, NONCE)
    old, old_id = shop.owner.identity_secret("cp_1")
    shop.owner.call("POST", f"/v1/keys/{old_id}/revoke", 200, {})
    signatures = {
        "secret_not_decoded": f"{now}:{mac_with(shop.secret.encode(), now, cp, cpd, EMAIL, NONCE)}:{NONCE}",
        "mac_hex": f"{now}:{b64_decode(mac).hex()}:{NONCE}",
        "mac_base64url": f"{now}:{mac.replace('+', '-').replace('/', '_')}:{NONCE}",
        "timestamp_milliseconds": f"{now}000:{mac_with(key, f'{now}000', cp, cpd, EMAIL, NONCE)}:{NONCE}",
        "email_case_or_space": f"{now}:{mac_with(key, now, cp, cpd, EMAIL.title(), NONCE)}:{NONCE}",
        "email_missing": f"{now}:{mac_with(key, now, cp, cpd, '', NONCE)}:{NONCE}",
        "ids_swapped": f"{now}:{mac_with(key, now, cpd, cp, EMAIL, NONCE)}:{NONCE}",
        "old_secret": f"{now}:{mac_with(b64_decode(old), now, cp, cpd, EMAIL, NONCE)}:{NONCE}",
        None: f"{now}:{mac_with(bytes(32), now, cp, cpd, EMAIL, NONCE)}:{NONCE}",
    }
    return {name: shop.fields(email=EMAIL, signature=signature) for name, signature in signatures.items()}


def test_each_mistake_is_found_where_it_was_made(debugged, clock):
    for name, body in mistaken(debugged, clock.now).items():
        report = report_of(debugged, body)
        mistakes = debugged.owner.call("GET", f"/v1/boot_reports/{report['request_id']}")["mistakes"]
        assert [each for each, made in mistakes.items() if made] == ([] if name is None else [name])
        assert report["would_admit"] is False
