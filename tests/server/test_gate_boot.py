"""The boot door's decision by itself: its order, its levels, whom it believes, and what a refusal costs."""

import sys
from dataclasses import replace

import pytest

from accredit import IdentitySecret, Refused, peek_identity, read_boot_body, sign_identity, sign_identity_v2
from accredit.server.gate import Admission, IdentityProof, Visit, admit_identity
from accredit.server.integrations.integration import Integration, prepare
from accredit.server.integrations.parsing import parse_policy
from accredit.server.keyring.scope import Scope

NOW = 1_800_000_000
ONE, TWO = IdentitySecret(bytes(range(32)), "key_1"), IdentitySecret(b"\xff" * 32, "key_2")
ORIGIN, URL = "https://shop.example", "https://accredit.example"
PAGE, APP = Visit(ORIGIN, "iframe", URL), Visit(None, None, URL, from_app=True)
STRIPPED = Visit(None, "iframe", URL)
EMAIL = "jane@example.com"
BANK = {"identifier_type": "ios", "identifier_value": "com.example.bank"}
DEBUG = {"level": "SECURE_IDENTITY_DEBUG", "debug_until": "2027-01-15T09:00:00Z"}


def integration(**members) -> Integration:
    policy = parse_policy("boot", members, now_ms=NOW * 1000, environment="sandbox")
    return prepare(
        policy, integration_id="i", scope=Scope("a", "sandbox"), door="boot", deployer_id="d", owner_id="o", version=1
    )


def shown(signature: str | None = None, email: str | None = EMAIL, cp_id: str = "d", **fields) -> IdentityProof:
    """What a boot shows: its body, and its signature as the door peeks at it."""
    boot = read_boot_body({"cp_id": cp_id, "cp_deployment_id": "i", "signature": signature, "email": email, **fields})
    try:
        return IdentityProof(boot, None if boot.signature is None else peek_identity(boot.signature))
    except Refused as refused:
        return IdentityProof(boot, refused)


def v1(secret: IdentitySecret = ONE, email: str | None = EMAIL, now: int = NOW, **fields) -> IdentityProof:
    return shown(sign_identity(secret, "d", "i", email, now=now), email, **fields)


def v2(secret: IdentitySecret = ONE, origin: str | None = ORIGIN, **beside) -> IdentityProof:
    signature = sign_identity_v2(secret, "d", "i", {"email": EMAIL}, now=NOW, origin=origin, **beside)
    return shown(signature, **beside)


UNSIGNED, WRONG, MALFORMED = shown(), v1(TWO), shown("x")


def decide(proof: IdentityProof, to: Integration | None, visit: Visit = PAGE, now: float = NOW, secrets=(ONE,)) -> Admission:
    return admit_identity(proof, to, list(secrets), visit, int(now * 1000))


def refusal(*arguments, **named) -> str:
    with pytest.raises(Refused) as refused:
        decide(*arguments, **named)
    return refused.value.code


def test_admits_whom_a_live_secret_signed():
    admission = decide(v1(), integration())
    assert (admission.uid, admission.trust, admission.origin) == (EMAIL, "signed", ORIGIN)
    assert (admission.proof_kind, admission.proof_key_id) == ("identity_v1", "key_1")
    assert decide(v2(), integration()).proof_kind == "identity_v2"
    assert decide(v1(email=None), integration()).uid is None


def test_the_first_broken_rule_in_order_is_told():
    strict = integration(enabled=False, allowed_origins=["https://other.example"], views=[{"id": "v", "signed_only": True}])
    stale = v1(TWO, now=NOW - 61)
    assert refusal(MALFORMED, None) == "signature_malformed"
    assert refusal(stale, None) == "integration_unknown"
    assert refusal(stale, replace(strict, deployer_id="x")) == "deployer_mismatch"
    assert refusal(stale, strict) == "integration_disabled"
    enabled = replace(strict, enabled=True)
    assert refusal(stale, enabled) == "origin_not_allowed"
    listed = replace(enabled, origins=integration(allowed_origins=[ORIGIN]).origins)
    assert refusal(UNSIGNED, listed) == "signature_required"
    assert refusal(stale, listed) == "mac_mismatch"
    assert refusal(v1(now=NOW - 61), listed) == "timestamp_out_of_window"
    assert refusal(v1(), listed) == "view_unknown"
    assert decide(v2(page="v"), listed).view_id == "v"


LISTED = {"allowed_origins": [ORIGIN]}
LEVELS = [
    ({"level": "BASIC"}, PAGE, "unverified", "signed", "mac_mismatch"),
    ({"level": "BASIC", **LISTED}, PAGE, "origin", "signed", "mac_mismatch"),
    ({"level": "BASIC", **LISTED}, APP, "unverified", "signed", "mac_mismatch"),
    ({"level": "BASIC", **LISTED}, STRIPPED, *3 * ("origin_missing",)),
    ({"level": "BASIC"}, STRIPPED, "unverified", "signed", "mac_mismatch"),
    ({"level": "CSP"}, PAGE, *3 * ("origin_not_allowed",)),
    ({"level": "CSP"}, STRIPPED, *3 * ("origin_missing",)),
    ({"level": "CSP", **LISTED}, PAGE, "origin", "signed", "mac_mismatch"),
    ({"level": "CSP", **LISTED}, APP, *3 * ("native_not_allowed",)),
    ({}, PAGE, "signature_required", "signed", "mac_mismatch"),
    ({**LISTED}, PAGE, "signature_required", "signed", "mac_mismatch"),
    ({}, APP, "signature_required", "signed", "mac_mismatch"),
    ({"native": "off"}, APP, *3 * ("native_not_allowed",)),
    (DEBUG, PAGE, *3 * ("unverified",)),
    ({**DEBUG, **LISTED}, PAGE, *3 * ("unverified",)),
    ({**DEBUG, **LISTED}, Visit("https://other.example", None, URL), *3 * ("origin_not_allowed",)),
    ({**DEBUG, **LISTED}, STRIPPED, *3 * ("origin_missing",)),
]


@pytest.mark.parametrize(("members", "visit", "unsigned", "right", "wrong"), LEVELS)
def test_the_table_of_levels(members, visit, unsigned, right, wrong):
    to = integration(**members)
    for proof, expected in ((UNSIGNED, unsigned), (v1(), right), (WRONG, wrong)):
        try:
            seen = decide(proof, to, visit).trust
        except Refused as refused:
            seen = refused.code
        assert seen == expected


def test_while_debugging_nothing_that_was_signed_counts_and_nothing_that_was_not_is_refused():
    to = integration(**DEBUG, identity_v2="require")
    for proof in (v1(), v2(), UNSIGNED, WRONG, MALFORMED, v1(now=NOW - 600)):
        admission = decide(proof, to)
        assert (admission.trust, admission.proof_kind, admission.proof_key_id) == ("unverified", None, None)
        assert admission.replay_id is None
    until = to.debug_until_ms / 1000
    assert decide(UNSIGNED, to, now=until - 0.001).trust == "unverified"
    assert refusal(UNSIGNED, to, now=until) == "signature_required"
    assert refusal(MALFORMED, to, now=until) == "signature_malformed"


def test_the_nonce_is_what_opens_one_session():
    proof = v1()
    assert decide(proof, integration()).replay_id == proof.peeked.nonce
    assert decide(proof, integration(replay="window_only")).replay_id is None
    assert decide(UNSIGNED, integration(level="BASIC")).replay_id is None


def test_a_window_is_as_long_as_it_says_to_the_second():
    for window_s in (10, 60, 600):
        to = integration(window_s=window_s)
        for sign in (1, -1):
            assert decide(v1(now=NOW + sign * window_s), to)
            assert refusal(v1(now=NOW + sign * (window_s + 1)), to) == "timestamp_out_of_window"
    assert decide(v1(now=NOW - 60), integration(), now=NOW + 0.999)


def test_a_renewal_comes_by_fetch_and_from_a_listed_page():
    to = integration(**LISTED)
    by_fetch = Visit(ORIGIN, "empty", URL)
    assert refusal(v1(), to, by_fetch) == "not_framed"
    assert decide(v1(), to, Visit(ORIGIN, "empty", URL, renewal=True)).trust == "signed"


def test_an_app_is_what_it_says_only_where_nothing_else_looks_like_it():
    apps = [{"type": "ios", "value": "com.example.bank"}]
    to = integration(level="CSP", native_apps=apps)
    assert decide(shown(**BANK), to, APP).trust == "unverified"
    assert refusal(shown(**{**BANK, "identifier_type": "android"}), to, APP) == "native_not_allowed"
    assert refusal(shown(**BANK), to, PAGE) == "origin_not_allowed"
    bound = sign_identity_v2(ONE, "d", "i", {"email": EMAIL}, now=NOW, origin="app:ios:com.example.bank")
    assert decide(shown(bound, **BANK), integration(), APP).trust == "signed"
    assert refusal(shown(bound, **BANK), integration(), PAGE) == "mac_mismatch"
    assert refusal(shown(bound), integration(), APP) == "mac_mismatch"


def test_tells_what_no_signature_covers():
    basic = integration(level="BASIC")
    fields = {"first_name": "Jane", "page": "home", "locale": "en"}
    assert decide(shown(**fields), basic).customer.unverified == ("email", "first_name", "page", "locale")
    assert decide(v1(**fields), basic).customer.unverified == ("first_name", "page", "locale")
    assert decide(v2(page="home", locale="en"), basic).customer.unverified == ()


def test_an_unknown_page_opens_the_first_view_with_a_warning():
    to = integration(level="BASIC", views=[{"id": "a"}, {"id": "b"}])
    assert (decide(shown(page="c"), to).view_id, decide(shown(page="c"), to).warnings) == ("a", ("view_unknown:page",))
    assert (decide(shown(page="b"), to).view_id, decide(shown(), to).view_id) == ("b", "a")


def macs(run) -> int:
    """How often the primitives were asked for an HMAC meanwhile."""
    count = 0

    def watch(_frame, event, called) -> None:
        nonlocal count
        count += event == "c_call" and called.__name__ == "hmac_digest"

    sys.setprofile(watch)
    try:
        run()
    finally:
        sys.setprofile(None)
    return count


REFUSALS = {
    "unknown": (None, (ONE,), PAGE),
    "disabled": (integration(enabled=False), (ONE,), PAGE),
    "another deployer": (replace(integration(), deployer_id="x"), (ONE,), PAGE),
    "another origin": (integration(allowed_origins=["https://other.example"]), (ONE,), PAGE),
    "no origin": (integration(level="CSP"), (ONE,), STRIPPED),
    "no app": (integration(native="off"), (ONE,), APP),
    "no secret": (integration(), (), PAGE),
    "another secret": (integration(), (TWO,), PAGE),
    "another secret of that name": (integration(), (replace(TWO, key_id="key_1"),), PAGE),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_every_refusal_up_to_the_signature_costs_the_macs_of_one_secret(name):
    to, secrets, visit = REFUSALS[name]
    assert macs(lambda: refusal(v1_once, to, visit, secrets=secrets)) == 1
    # Version 2 is tried over two texts where there is an origin that it may be bound to.
    assert macs(lambda: refusal(v2_once, to, visit, secrets=secrets)) == (2 if visit is PAGE else 1)


v1_once, v2_once = v1(), v2()


def test_what_policy_refuses_costs_as_much():
    required = integration(identity_v2="require")
    assert macs(lambda: refusal(v1_once, required)) == 1
    assert macs(lambda: refusal(v2_once, integration(), secrets=(TWO,))) == 2


def test_every_live_secret_is_tried_though_the_first_holds():
    for secrets in ((ONE, TWO), (TWO, ONE)):
        assert macs(lambda held=secrets: decide(v1_once, integration(), secrets=held)) == 2


def test_nothing_else_makes_an_admission():
    admission = decide(v1(), integration())
    with pytest.raises(TypeError):
        Admission(admission.integration, "signed", None, "victim", None, admission.passport, admission.customer, "identity_v1")
    with pytest.raises((TypeError, ValueError)):
        replace(admission, uid="victim")
