"""Signatures at the boot door: whom they name, and what is refused (protocol-boot.md sections 4 and 8)."""

import hmac
import itertools
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from accredit.encoding import b64_decode, b64_encode

from .conftest import EMAIL, WRONG_MAC, new_shop, wire

NONCE = "0123456789abcdef" * 2
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def test_opens_a_session_for_the_user_that_the_signature_names(shop):
    session = shop.visit(shop.signed(EMAIL, first_name="Jane", locale="en_GB"))
    assert (session["door"], session["environment"], session["status"]) == ("boot", "live", "waiting")
    assert (session["uid"], session["anonymous_id"], session["trust"]) == (EMAIL, None, "signed")
    assert (session["deployer_id"], session["integration_id"]) == ("cp_1", shop.app["integration_id"])
    assert session["proof"] == {"kind": "identity", "version": 1, "key_id": shop.secret_id}
    assert session["customer_info"] == {"email": EMAIL, "first_name": "Jane"}
    assert (session["data_passport"], session["server_only"], session["app"]) == ({}, [], None)
    assert (session["unverified"], session["locale"]) == (["first_name", "locale"], "en_GB")


def test_without_an_e_mail_each_boot_is_somebody_new(shop):
    one, two = shop.visit(shop.signed()), shop.visit(shop.signed(email=""))
    assert (one["uid"], one["trust"]) == (None, "signed")
    assert one["anonymous_id"].startswith("anon_")
    assert one["anonymous_id"] != two["anonymous_id"]


@pytest.mark.parametrize(
    "email", ["Zoë+Tag@exämple.com", "a:b@x.example", "🙂@x.example", ' "Jane" <j@x.example>', "a\tb", "anon_1@x.example"]
)
def test_takes_every_e_mail_as_it_was_posted(shop, email):
    assert shop.visit(shop.signed(email))["uid"] == email
    assert shop.visit(shop.signed(email), as_json=True, origin=None)["uid"] == email


@pytest.mark.parametrize(
    ("signed", "posted"),
    [
        *(("", EMAIL), (EMAIL, ""), (EMAIL, "Jane@example.com"), (EMAIL, f"{EMAIL} "), (f" {EMAIL}", EMAIL)),
        *(("zoë@x.example", "zoe\u0308@x.example"), ("a:b@x.example", "a"), (EMAIL, "mallory@example.com")),
    ],
)
def test_a_signature_for_another_e_mail_is_refused(shop, signed, posted):
    assert shop.refusal({**shop.signed(signed), "email": posted}) == "mac_mismatch"
    assert shop.listed() == []


def mac_of(shop, time: str, nonce: str) -> bytes:
    """The right MAC for whatever stands at these places."""
    text = f"{time}:{shop.app['deployer_id']}:{shop.app['integration_id']}:{EMAIL}:{nonce}"
    return hmac.digest(b64_decode(shop.secret), text.encode(), "sha256")


def refusal_of(shop, signature: str) -> str:
    return shop.refusal(shop.fields(email=EMAIL, signature=signature))


def test_a_signature_has_three_parts_of_visible_ascii(shop, clock):
    right = f"{clock.now}:{b64_encode(mac_of(shop, str(clock.now), NONCE))}:{NONCE}"
    for signature in (
        *("hello", right.rpartition(":")[0], f"{right}:", f":{right}", f"{right} ", f"{right}é", right.ljust(257, "n")),
        *("v2.", f"v2.key.{clock.now}", f"v2.{right}", f"V2.{right}"),
    ):
        code = "timestamp_malformed" if signature.startswith("V2") else "signature_malformed"
        assert refusal_of(shop, signature) == code


def test_a_time_is_ten_digits_of_seconds(shop, clock):
    for time in (f"{clock.now}000", f"0{clock.now}", f"+{clock.now}", f"{clock.now}.0", str(clock.now)[:9], "", "١" * 10):
        signature = f"{time}:{b64_encode(mac_of(shop, time, NONCE))}:{NONCE}"
        assert refusal_of(shop, signature) == ("timestamp_malformed" if time.isascii() else "signature_malformed")


def test_a_nonce_has_30_to_50_characters(shop, clock):
    for length in (29, 51):
        nonce = length * "n"
        mac = b64_encode(mac_of(shop, str(clock.now), nonce))
        assert refusal_of(shop, f"{clock.now}:{mac}:{nonce}") == "nonce_length"
    for length in (30, 50):
        assert shop.visit(shop.signed(EMAIL, nonce="~" * length))


def test_a_mac_has_one_spelling(shop, clock):
    # One that has a letter which base64url has not.
    nonces = (f"{number:032}" for number in itertools.count())
    nonce = next(each for each in nonces if set(b64_encode(mac_of(shop, str(clock.now), each))) & set("+/"))
    octets = mac_of(shop, str(clock.now), nonce)
    mac = b64_encode(octets)
    spare = mac[:42] + ALPHABET[ALPHABET.index(mac[42]) + 1] + "="
    url = mac.replace("+", "-").replace("/", "_")
    for spelling in (octets.hex(), octets.hex().upper(), url, url[:-1], mac[:-1], f"{mac}=", f"A{mac[:-1]}", spare, ""):
        assert refusal_of(shop, f"{clock.now}:{spelling}:{nonce}") == "mac_encoding"
    assert shop.visit(shop.fields(email=EMAIL, signature=f"{clock.now}:{mac}:{nonce}"))


def test_a_minute_early_or_late_passes_and_no_second_more(shop, clock):
    for off in (-60, 60):
        assert shop.visit(shop.signed(EMAIL, now=clock.now + off))
    for off in (-61, 61):
        assert shop.refusal(shop.signed(EMAIL, now=clock.now + off)) == "timestamp_out_of_window"
    shop.set(window_s=10)
    assert shop.visit(shop.signed(EMAIL, now=clock.now - 10))
    assert shop.refusal(shop.signed(EMAIL, now=clock.now - 11)) == "timestamp_out_of_window"


def test_a_nonce_used_before_is_refused_whatever_else_is_signed(shop, clock):
    assert shop.visit(shop.signed(EMAIL, nonce=NONCE))
    assert shop.refusal(shop.signed(EMAIL, nonce=NONCE)) == "nonce_replayed"
    assert shop.refusal(shop.signed("other@example.com", now=clock.now + 1, nonce=NONCE)) == "nonce_replayed"
    assert len(shop.listed()) == 1


def test_a_wrong_or_stale_signature_uses_up_no_nonce(shop, clock):
    time, _, nonce = shop.signed(EMAIL, nonce=NONCE)["signature"].split(":")
    assert shop.refusal(shop.fields(email=EMAIL, signature=f"{time}:{WRONG_MAC}:{nonce}")) == "mac_mismatch"
    assert shop.refusal(shop.signed(EMAIL, now=clock.now - 61, nonce=NONCE)) == "timestamp_out_of_window"
    assert shop.visit(shop.signed(EMAIL, nonce=NONCE))


def test_a_nonce_counts_for_one_integration(server, shop):
    assert shop.visit(shop.signed(EMAIL, nonce=NONCE))
    shop.app = shop.owner.boot_integration()
    assert shop.visit(shop.signed(EMAIL, nonce=NONCE))
    other = new_shop(server)
    assert other.visit(other.signed(EMAIL, nonce=NONCE))


def test_of_fifty_boots_with_one_signature_exactly_one_is_admitted(server, shop):
    body = shop.signed(EMAIL)
    fresh = [shop.signed(EMAIL) for _ in range(10)]
    bodies = [fresh[number // 6] if number % 6 == 0 else body for number in range(60)]
    with ThreadPoolExecutor(25) as threads:
        answers = Counter(threads.map(lambda each: server.boot(each).status_code, bodies))
    # The ten others share commits with the replays, and none of them is harmed.
    assert answers == {303: 11, 403: 49}
    assert len(shop.listed()) == 11


def test_window_only_lets_one_signature_boot_again_within_the_window(shop, clock):
    shop.set(replay="window_only")
    body = shop.signed(EMAIL)
    assert shop.visit(body)["session_id"] != shop.visit(body)["session_id"]
    clock.advance(60)
    assert shop.visit(body)
    clock.advance(1)
    assert shop.refusal(body) == "timestamp_out_of_window"
    assert len(shop.listed()) == 3


def test_of_two_live_secrets_both_work_until_one_is_revoked(shop):
    first, first_id = shop.secret, shop.secret_id
    second, second_id = shop.owner.identity_secret("cp_1")
    for secret, key_id in ((first, first_id), (second, second_id)):
        shop.secret = secret
        assert shop.visit(shop.signed(EMAIL))["proof"]["key_id"] == key_id
    shop.owner.call("POST", f"/v1/keys/{first_id}/revoke", 200, {})
    assert shop.visit(shop.signed(EMAIL))
    shop.secret = first
    assert shop.refusal(shop.signed(EMAIL)) == "mac_mismatch"


def test_a_retiring_secret_ends_at_its_time(shop, clock):
    shop.owner.call("POST", f"/v1/keys/{shop.secret_id}/retire", 200, {"until": wire(clock.now + 30)})
    assert shop.visit(shop.signed(EMAIL))
    clock.advance(30)
    assert shop.refusal(shop.signed(EMAIL)) == "mac_mismatch"


def test_a_secret_of_the_integration_takes_the_place_of_the_deployer_s(shop):
    deployers = shop.secret
    own, own_id = shop.owner.identity_secret("cp_1", integration_id=shop.app["integration_id"])
    assert shop.refusal(shop.signed(EMAIL)) == "mac_mismatch"
    shop.secret = own
    assert shop.visit(shop.signed(EMAIL))["proof"]["key_id"] == own_id
    shop.owner.call("POST", f"/v1/keys/{own_id}/revoke", 200, {})
    shop.secret = deployers
    assert shop.visit(shop.signed(EMAIL))


def test_the_secret_of_another_deployer_or_account_signs_nothing_here(server, shop):
    for secret, _ in (shop.owner.identity_secret("cp_2"), (new_shop(server).secret, None)):
        shop.secret = secret
        assert shop.refusal(shop.signed(EMAIL)) == "mac_mismatch"


def test_a_signature_counts_for_the_ids_that_it_names(shop):
    body = shop.signed(EMAIL)
    other = shop.owner.boot_integration()
    shop.owner.deployer("cp_2")
    assert shop.refusal({**body, "cp_deployment_id": other["integration_id"]}) == "mac_mismatch"
    assert shop.refusal({**body, "cp_id": "cp_2"}) == "deployer_mismatch"
    assert shop.refusal({**body, "cp_deployment_id": "cpd_" + "0" * 21}) == "integration_unknown"
    embedded = shop.owner.integration("cp_1")
    assert shop.refusal({**body, "cp_deployment_id": embedded["integration_id"]}) == "integration_unknown"
    shop.set(enabled=False)
    assert shop.refusal(body) == "integration_disabled"
    shop.set(enabled=True)
    assert shop.visit(body)
    assert len(shop.listed()) == 1


def test_the_first_broken_rule_in_order_is_told(shop, clock):
    stale = shop.signed(EMAIL, now=clock.now - 100)
    malformed = {**stale, "signature": "x"}
    shop.set(
        enabled=False, allowed_origins=["https://listed.example"], views=[{"id": "a", "signed_only": True}], quota_per_day=0
    )
    unknown = {"cp_deployment_id": "nowhere"}
    assert shop.refusal({**malformed, **unknown}) == "signature_malformed"
    assert shop.refusal({**stale, **unknown}) == "integration_unknown"
    assert shop.refusal({**stale, "cp_id": "other"}) == "deployer_mismatch"
    assert shop.refusal(stale) == "integration_disabled"
    shop.set(enabled=True)
    assert shop.refusal(stale) == "origin_not_allowed"
    shop.set(allowed_origins=[])
    assert shop.refusal({**stale, "email": "x"}) == "mac_mismatch"
    assert shop.refusal(stale) == "timestamp_out_of_window"
    body = shop.signed(EMAIL)
    assert shop.refusal(body) == "view_unknown"
    shop.set(views=[])
    assert shop.refusal(body) == "quota_exceeded"
    shop.set(quota_per_day=1)
    assert shop.visit(body)
    shop.set(quota_per_day=2)
    assert shop.refusal(body) == "nonce_replayed"
    # Who was refused did not count.
    assert shop.visit(shop.signed(EMAIL))
    assert shop.refusal(shop.signed(EMAIL)) == "quota_exceeded"
