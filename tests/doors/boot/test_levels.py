"""The four levels: who is admitted, and how far the session may be believed (protocol-boot.md section 2)."""

import pytest

from accredit.server.times import wire_time

from ..conftest import ORIGIN
from .conftest import EMAIL, OTHER, WRONG_MAC, new_shop, wire

# With no list, from a site on the list, from another: without a signature, with a right one, with a wrong one.
TABLE = {
    "BASIC": {
        "no list": ("unverified", "signed", "mac_mismatch"),
        "listed": ("origin", "signed", "mac_mismatch"),
        "not listed": 3 * ("origin_not_allowed",),
    },
    "CSP": {
        "no list": 3 * ("origin_not_allowed",),
        "listed": ("origin", "signed", "mac_mismatch"),
        "not listed": 3 * ("origin_not_allowed",),
    },
    "SECURE_IDENTITY": {
        "no list": ("signature_required", "signed", "mac_mismatch"),
        "listed": ("signature_required", "signed", "mac_mismatch"),
        "not listed": 3 * ("origin_not_allowed",),
    },
    "SECURE_IDENTITY_DEBUG": {
        "no list": 3 * ("unverified",),
        "listed": 3 * ("unverified",),
        "not listed": 3 * ("origin_not_allowed",),
    },
}


@pytest.mark.parametrize("level", TABLE)
def test_admits_and_believes_by_level_signature_and_origin(server, shop, clock, level):
    opened = 0
    for lists, expected in TABLE[level].items():
        origins = [] if lists == "no list" else [ORIGIN]
        shop.set(level=level, debug_until=wire(clock.now + 3600), force=True, allowed_origins=origins)
        wrong = {**shop.signed(EMAIL), "signature": f"{clock.now}:{WRONG_MAC}:{'n' * 32}"}
        bodies = (shop.fields(email=EMAIL), shop.signed(EMAIL), wrong)
        for body, outcome in zip(bodies, expected, strict=True):
            answer = server.boot(body, origin=OTHER if lists == "not listed" else ORIGIN)
            if outcome in ("unverified", "origin", "signed"):
                opened += 1
                assert answer.status_code == (200 if level.endswith("DEBUG") else 303)
                assert shop.listed()[0]["trust"] == outcome
            else:
                assert audited(server, answer) == outcome
            assert len(shop.listed()) == opened


def audited(server, answer) -> str:
    assert answer.status_code == 403
    ((code,),) = server.rows("SELECT code FROM audit WHERE request_id = ?", answer.headers["x-request-id"])
    return code


def test_a_signature_without_a_form_is_refused_where_none_is_needed(shop):
    shop.set(level="BASIC")
    assert shop.refusal(shop.fields(signature="x")) == "signature_malformed"
    assert shop.refusal(shop.signed(EMAIL, now=shop.server.clock.now - 61)) == "timestamp_out_of_window"


@pytest.mark.parametrize("absent", ["", "null", None])
def test_what_counts_as_no_signature(server, shop, absent):
    body = {**shop.fields(), "signature": absent}
    assert shop.code_of(server.boot(body, as_json=True)) == "signature_required"
    shop.set(level="BASIC")
    assert shop.visit(body, as_json=True)["proof"] is None


def test_the_level_is_read_in_any_case_and_written_in_one(shop):
    for written in ("Basic", "csp", "secure_identity", "Secure_Identity"):
        shop.set(level=written)
        assert shop.owner.call("GET", shop.address)["level"] == written.upper()
    refused = shop.owner.call("PATCH", shop.address, 400, {"level": "NONE"})
    assert (refused["code"], refused["member"]) == ("field_invalid", "level")


def test_debugging_turns_into_secure_identity_by_itself(server, shop, clock):
    shop.debug(seconds=60)
    assert server.boot(shop.fields()).status_code == 200
    clock.advance(59)
    assert server.boot(shop.fields()).status_code == 200
    clock.advance(1)
    answer = server.boot(shop.fields())
    assert shop.code_of(answer) == "signature_required"
    assert shop.visit(shop.signed(EMAIL))["trust"] == "signed"


def test_debugging_needs_an_end_within_a_day(shop, clock):
    level = {"level": "SECURE_IDENTITY_DEBUG", "force": True}
    for members, code in (
        ({}, "field_missing"),
        ({"debug_until": wire(clock.now + 24 * 3600 + 1)}, "field_invalid"),
        ({"debug_until": "tomorrow"}, "field_invalid"),
    ):
        refused = shop.owner.call("PATCH", shop.address, 400, {**level, **members})
        assert (refused["code"], refused["member"]) == (code, "debug_until")
    shop.set(**level, debug_until=wire(clock.now + 24 * 3600))


def test_in_live_debugging_is_asked_for_twice_each_time(shop, clock):
    level = {"level": "SECURE_IDENTITY_DEBUG", "debug_until": wire(clock.now + 60)}
    for _ in range(2):
        refused = shop.owner.call("PATCH", shop.address, 400, level)
        assert (refused["code"], refused["member"]) == ("field_missing", "force")
        shop.set(**level, force=True)
        shop.set(debug_until=wire(clock.now + 120))
        shop.set(level="BASIC")
        assert shop.owner.call("GET", shop.address)["force"] is False


def test_in_the_sandbox_debugging_is_asked_for_once(server, clock):
    owner = server.owner(environment="sandbox")
    app = owner.boot_integration(level="SECURE_IDENTITY_DEBUG", debug_until=wire(clock.now + 60))
    assert server.boot(owner.boot_fields(app)).status_code == 200


def test_debugging_refuses_what_is_not_about_the_signature_and_tells_why(server, shop):
    shop.debug(allowed_origins=[ORIGIN], native="off", views=[{"id": "a"}, {"id": "b", "signed_only": True}])
    app = shop.fields(identifier_type="ios", identifier_value="com.example.bank")
    refusals = {
        "origin_not_allowed": server.boot(shop.fields(), origin=OTHER),
        "origin_missing": server.boot(shop.fields(), origin="null", **{"Sec-Fetch-Dest": "iframe"}),
        "not_framed": server.boot(shop.fields(), **{"Sec-Fetch-Dest": "document"}),
        "native_not_allowed": server.boot(app, origin=None),
        "deployer_mismatch": server.boot(shop.fields() | {"cp_id": "somebody"}),
        "view_unknown": server.boot(shop.fields(page="b")),
    }
    shop.debug(quota_per_day=0)
    refusals["quota_exceeded"] = server.boot(shop.fields())
    shop.set(enabled=False)
    refusals["integration_disabled"] = server.boot(shop.fields())
    for code, answer in refusals.items():
        assert audited(server, answer) == code
        assert "admission_refused" in answer.text
        assert f"<code>{code}</code>" in answer.text
    told = server.boot(shop.fields(response_mode="json")).json()
    assert (told["code"], told["reason"]) == ("admission_refused", "integration_disabled")
    # At other levels it is not told, though `debug_until` is not over yet.
    shop.set(level="BASIC")
    assert shop.code_of(server.boot(shop.fields())) == "integration_disabled"
    assert shop.listed() == []


def test_what_was_opened_while_debugging_reaches_no_data_of_signed_users(server, shop):
    shop.set(user_data_min_trust="signed")
    signed = shop.visit(shop.signed(EMAIL))
    shop.owner.call("PUT", f"/v1/sessions/{signed['session_id']}/user_data", 204, {"note": "mine"})
    shop.debug()
    answer = server.boot(shop.signed(EMAIL, response_mode="json")).json()
    path = f"/v1/sessions/{answer['session_id']}/user_data"
    assert shop.owner.call("GET", path, 403)["code"] == "trust_too_low"


def test_a_quota_begins_anew_with_each_day(shop, clock):
    shop.set(quota_per_day=1)
    assert shop.visit(shop.signed(EMAIL))
    assert shop.refusal(shop.signed(EMAIL)) == "quota_exceeded"
    clock.advance(86_400 - clock.now % 86_400)
    assert shop.visit(shop.signed(EMAIL))


def test_refusals_look_alike(server, shop):
    body = shop.signed(EMAIL)
    revoked, revoked_id = shop.owner.identity_secret("cp_1")
    shop.owner.call("POST", f"/v1/keys/{revoked_id}/revoke", 200, {})
    bare = new_shop(server)
    bare.owner.call("POST", f"/v1/keys/{bare.secret_id}/revoke", 200, {})
    answers = {
        "integration_unknown": server.boot({**body, "cp_deployment_id": "cpd_unknown"}),
        "deployer_mismatch": server.boot({**body, "cp_id": "cp_unknown"}),
        "mac_mismatch": server.boot({**body, "email": "x"}),
        "signature_malformed": server.boot({**body, "signature": "x"}),
        "signature_required": server.boot(shop.fields()),
        "timestamp_out_of_window": server.boot(shop.signed(EMAIL, now=shop.server.clock.now - 61)),
    }
    for code, answer in answers.items():
        assert shop.code_of(answer) == code
    shop.secret = revoked
    others = [server.boot(shop.signed(EMAIL)), server.boot(bare.signed(EMAIL))]
    assert [shop.code_of(answer) for answer in others] == 2 * ["mac_mismatch"]
    assert len({faceless(answer) for answer in (*answers.values(), *others)}) == 1
    problems = [server.boot({**each, "response_mode": "json"}) for each in (body | {"cp_id": "x"}, body | {"email": "x"})]
    assert len({faceless(answer) for answer in problems}) == 1


def faceless(answer) -> tuple[str, ...]:
    """An answer without what is random in it: request id and nonce."""
    policy = answer.headers.get("content-security-policy", "")
    text = answer.text + policy
    nonces = [part.partition("'")[0] for part in policy.split("nonce-")[1:]]
    for known in (answer.headers["x-request-id"], *nonces):
        text = text.replace(known, "")
    return (str(answer.status_code), text, *sorted(answer.headers))


def test_an_audit_record_of_a_refusal_says_where_and_why(shop, server, clock):
    answer = server.boot({**shop.signed(EMAIL), "email": "x"})
    entry = shop.owner.call("GET", "/v1/audit")["entries"][0]
    assert (entry["kind"], entry["code"], entry["at"]) == ("boot.refused", "mac_mismatch", wire_time(clock.now_ms))
    assert (entry["integration_id"], entry["request_id"]) == (shop.app["integration_id"], answer.headers["x-request-id"])
    assert entry["detail"] == {"member": "signature"}
