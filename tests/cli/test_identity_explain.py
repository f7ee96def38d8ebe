"""`accredit identity explain`: every mistake that people make is found and named, and neither MAC nor secret is shown."""

import hashlib
import hmac
import json
import re

import pytest

from accredit.cli.identity.hints import MENDING
from accredit.encoding import b64_encode, b64url_encode
from accredit.identity import MISTAKES, IdentitySecret, sign_identity, sign_identity_v2

KEY, OLD_KEY = bytes(range(32)), b"\xfe" * 32
SECRET = b64_encode(KEY)
HELD = IdentitySecret.from_base64(SECRET, "key_1")
CP, CPD, EMAIL = "cp_" + "A" * 21, "cpd_" + "B" * 21, "jane@example.com"
IDS = ("--cp-id", CP, "--cp-deployment-id", CPD)
USER = (*IDS, "--email", EMAIL)
NONCE, NOW = "0123456789abcdef" * 2, 1_700_000_000
TEXT = f"{NOW}:{CP}:{CPD}:{EMAIL}:{NONCE}"
RIGHT = sign_identity(HELD, CP, CPD, EMAIL, now=NOW, nonce=NONCE)
ORIGIN = "https://shop.example"


def mac_of(text=TEXT, key=KEY, algorithm="sha256"):
    return hmac.digest(key, text.encode(), algorithm)


def v1(text=TEXT, key=KEY, encode=b64_encode, timestamp=NOW, nonce=NONCE):
    return f"{timestamp}:{encode(mac_of(text, key))}:{nonce}"


def v2(info, **given):
    return sign_identity_v2(HELD, CP, CPD, info, now=NOW, nonce=NONCE, **given)


@pytest.fixture
def explain(accredit):
    """What is told of a signature, as JSON; that neither its MAC, a right one, nor a secret is in it is seen here."""
    (accredit.directory / "shop.secret").write_text(SECRET)
    (accredit.directory / "old.secret").write_text(b64_encode(OLD_KEY))

    def explained(signature, *options, code=1, posted=USER, process=False):
        arguments = ("identity", "explain", "--secret", "shop.secret", *posted, "--at", str(NOW), *options)
        if process:
            done = accredit.process(*arguments, "--signature", signature)
            assert done.code == code, done.err
            shown = done.out
        else:
            shown = accredit(*arguments, "--signature", signature, code=code).out
        told = accredit(*arguments, "--signature", signature, "--json", code=code).json
        for output in (shown, json.dumps(told, ensure_ascii=False)):
            assert_silent(output, signature)
        return {**told, "shown": re.sub(r"\s+", " ", shown)}

    return explained


def assert_silent(output, signature):
    """No MAC, in whatever encoding, no secret, and of the e-mail no more than two characters."""
    for mac in (mac_of(), mac_of(key=OLD_KEY), mac_of(TEXT.replace(EMAIL, "")), mac_of(TEXT.replace(EMAIL, EMAIL.upper()))):
        for text in (b64_encode(mac), b64url_encode(mac), mac.hex()):
            assert text not in output
    for part in re.split("[:.]", signature):
        assert part == NONCE or len(part) < 40 or part not in output
    assert SECRET not in output
    assert b64_encode(OLD_KEY) not in output
    assert "jane@" not in output.lower()


def hint_of(told):
    (failed, *_) = [step for step in told["steps"] if step["status"] == "fail"]
    return failed["hint"]


def test_tells_each_check_of_a_signature_that_holds(explain):
    told = explain(RIGHT, code=0, process=True)
    assert [(step["number"], step["name"], step["status"]) for step in told["steps"]] == [
        *((1, "Origin", "skipped"), (2, "Form", "pass"), (3, "MAC", "pass")),
        *((4, "Freshness", "pass"), (5, "Replay", "skipped")),
    ]
    assert "It holds; not judged: origin, replay." in told["shown"]
    assert "Version 1, signed at 2023-11-14T22:13:20Z." in told["shown"]
    assert (told["verdict"], told["code"], told["skew_s"], told["fields"]) == ("holds", None, 0, ["email"])
    assert not any(told["mistakes"].values())


def test_shows_the_text_with_its_length_and_hash(explain):
    told = explain(v1(key=OLD_KEY))
    masked = TEXT.replace(EMAIL, "j***@e***")
    assert told["signed_text"] == masked
    assert (told["signed_text_bytes"], told["signed_text_sha256"]) == (111, hashlib.sha256(TEXT.encode()).hexdigest())
    for shown in (masked, "111", told["signed_text_sha256"], "mac_mismatch", "It would be refused: mac_mismatch."):
        assert shown in told["shown"]


@pytest.mark.parametrize(("late_s", "words"), [(70, "70 s behind"), (-61, "61 s ahead"), (60, "60 s behind"), (0, "0 s off")])
def test_tells_by_how_much_the_clock_is_off(explain, late_s, words):
    told = explain(RIGHT, "--at", str(NOW + late_s), code=1 if abs(late_s) > 60 else 0)
    assert told["skew_s"] == -late_s
    assert words in told["shown"]
    assert told["code"] == ("timestamp_out_of_window" if abs(late_s) > 60 else None)


@pytest.mark.parametrize(
    ("late_s", "words"),
    [(70, "Sign when the page is rendered"), (-90, "ahead: synchronise"), (3600, "time zone"), (-19_790, "time zone")],
)
def test_says_what_may_be_wrong_with_the_clock(explain, late_s, words):
    assert words in hint_of(explain(RIGHT, "--at", str(NOW + late_s)))


MADE = {
    "secret_not_decoded": v1(key=SECRET.encode()),
    "mac_hex": v1(encode=bytes.hex),
    "mac_base64url": v1(encode=b64url_encode),
    "timestamp_milliseconds": v1(TEXT.replace(str(NOW), f"{NOW}123"), timestamp=f"{NOW}123"),
    "email_case_or_space": v1(TEXT.replace(EMAIL, EMAIL.upper())),
    "email_missing": v1(TEXT.replace(EMAIL, "")),
    "ids_swapped": v1(f"{NOW}:{CPD}:{CP}:{EMAIL}:{NONCE}"),
    "old_secret": v1(key=OLD_KEY),
}


def test_every_mistake_has_a_case_and_a_sentence():
    assert set(MADE) == set(MENDING) == set(MISTAKES)
    for sentence in MENDING.values():
        assert re.fullmatch(r"[A-Z].{30,}\.", sentence)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found_and_how_to_mend_it_is_told(explain, mistake):
    told = explain(MADE[mistake], "--old-secret", "old.secret")
    assert [name for name, found in told["mistakes"].items() if found] == [mistake]
    assert hint_of(told) == MENDING[mistake]
    assert MENDING[mistake] in told["shown"]


def test_two_mistakes_are_both_told(explain):
    told = explain(v1(TEXT.replace(EMAIL, ""), encode=bytes.hex))
    assert hint_of(told) == f"{MENDING['mac_hex']} {MENDING['email_missing']}"
    told = explain(v1(TEXT.replace(EMAIL, "").replace(NONCE, "short"), nonce="short"))
    assert hint_of(told).startswith("The nonce has 5 characters")
    assert hint_of(told).endswith(MENDING["email_missing"])


def test_an_old_secret_is_found_in_version_2_too(explain):
    old = sign_identity_v2(IdentitySecret(OLD_KEY, "key_0"), CP, CPD, {"email": EMAIL}, now=NOW, nonce=NONCE)
    told = explain(old, "--old-secret", "old.secret", "--key-id", "key_1")
    assert (told["code"], told["mistakes"]["old_secret"]) == ("identity_key_unknown", True)
    assert "another key id" in hint_of(told)
    assert MENDING["old_secret"] in hint_of(told)
    assert explain(old, "--old-secret", "old.secret")["code"] == "mac_mismatch"


B64 = b64_encode(mac_of())
FORMS = {
    "absent": ("", "signature_required", "the page must pass"),
    "placeholder": ("{{YOUR-SIGNATURE}}", "signature_malformed", "placeholder"),
    "undefined": ("undefined", "signature_malformed", "empty variable"),
    "quotes": (f'"{RIGHT}"', "timestamp_malformed", "in quotes"),
    "one_quote": (f'"{B64}', "signature_malformed", "in quotes"),
    "json": (json.dumps({"signature": RIGHT}), "signature_malformed", "JSON"),
    "encoded_twice": (RIGHT.replace(":", "%3A"), "signature_malformed", "percent-encoded"),
    "line_break": (RIGHT.replace("=", "=\n"), "signature_malformed", "line break"),
    "plus_as_space": (RIGHT.replace(B64, f"{B64[:20]} {B64[21:]}"), "signature_malformed", "reads + as a space"),
    "not_ascii": (RIGHT.replace("=", "é"), "signature_malformed", "no signature has"),
    "too_long": (RIGHT + "A" * 200, "signature_malformed", "longer than 256"),
    "the_text": (TEXT, "signature_malformed", "text that is signed"),
    "two_parts": (RIGHT.rpartition(":")[0], "signature_malformed", "2 parts"),
    "mac_alone": (B64, "signature_malformed", "1 part;"),
    "v2_parts": ("v2.key_1.1700000000", "signature_malformed", "3 parts"),
    "v2_key_id": (f"v2.key 1.{NOW}.{NONCE}.{'A' * 43}".replace(" ", "!"), "signature_malformed", "key id is 1 to 64"),
    "other_order": (f"{NONCE}:{B64}:{NOW}", "timestamp_malformed", "another order"),
    "nanoseconds": (v1(timestamp=f"{NOW}000000000"), "timestamp_malformed", "nanoseconds"),
    "fraction": (v1(timestamp=f"{NOW}.5"), "timestamp_malformed", "fraction"),
    "leading_zero": (v1(timestamp=f"0{NOW}"), "timestamp_malformed", "leading zeros"),
    "a_date": (v1(timestamp="20231114T221320Z"), "timestamp_malformed", "ten digits"),
    "short_nonce": (v1(nonce="0" * 24), "nonce_length", "24 characters"),
    "long_nonce": (v1(nonce="0" * 64), "nonce_length", "64 characters"),
    "nonce_charset": (f"v2.key_1.{NOW}.{'a+/=' * 8}.{'A' * 43}", "nonce_charset", "hexadecimal"),
    "hex_in_base64": (v1(encode=lambda mac: b64_encode(mac.hex().encode())), "mac_encoding", "before it was encoded"),
    "sha512": (v1(encode=lambda _: b64_encode(mac_of(algorithm="sha512"))), "mac_encoding", "64 octets, as SHA-512"),
    "sha1": (v1(encode=lambda _: b64_encode(mac_of(algorithm="sha1"))), "mac_encoding", "20 octets, as SHA-1"),
    "truncated": (v1(encode=lambda mac: b64_encode(mac[:30])), "mac_encoding", "30 octets;"),
    "spare_bits": (v1(encode=lambda mac: b64_encode(mac)[:-2] + "Z="), "mac_encoding", "bits that mean nothing"),
    "no_base64": (v1(encode=lambda mac: "!" * 44), "mac_encoding", "no base64"),
    "v2_standard": (f"v2.key_1.{NOW}.{NONCE}.{b64_encode(mac_of())}", "mac_encoding", "standard base64"),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_wrong_form_is_told_in_words(explain, name):
    signature, code, words = FORMS[name]
    told = explain(signature)
    assert told["code"] == code
    assert words in hint_of(told)
    assert [step["status"] for step in told["steps"]] == ["skipped", "fail", "skipped", "skipped", "skipped"]
    assert told["shown"].count("Not reached.") == 3
    assert told["signed_text"] is None


def test_another_secret_is_the_last_guess(explain):
    assert "compare length and SHA-256" in hint_of(explain(v1(key=b"\x01" * 32)))


def test_names_the_fields_that_were_not_signed(explain):
    passed = (*USER, "--field", "first_name=Jane", "--field", "surname=Doe", "--page", "energy")
    told = explain(v2({"email": EMAIL, "surname": "Doe"}, page="energy"), posted=passed)
    assert "The page passes first_name, which was not signed" in hint_of(told)
    assert told["fields"] == ["email", "first_name", "page", "surname"]
    assert "Doe" not in json.dumps(told)
    assert "passes page," in hint_of(explain(v2({"email": EMAIL, "first_name": "Jane", "surname": "Doe"}), posted=passed))
    assert "first_name, surname, page" in hint_of(explain(v2({"email": EMAIL}), posted=passed))
    assert "compare length" in hint_of(explain(v2({"email": EMAIL, "first_name": "June"}), posted=passed))


def test_says_that_an_origin_must_be_named(explain):
    bound = v2({"email": EMAIL}, origin=ORIGIN)
    assert "--origin" in hint_of(explain(bound))
    assert "--origin" not in hint_of(explain(bound, "--origin", "https://other.example"))
    assert explain(bound, "--origin", ORIGIN, code=0)["signed_text"].endswith(f'"{ORIGIN}"]')


def test_says_what_the_policy_asks_for(explain):
    assert "identity sign --v2" in hint_of(explain(RIGHT, "--identity-v2", "require"))
    assert "--origin URL" in hint_of(explain(v2({"email": EMAIL}), "--identity-origin", "require"))


def test_counts_the_secrets_that_were_tried(explain):
    told = explain(RIGHT, "--secret", "old.secret", code=0)
    assert told["secrets_tried"] == 2
    assert "One of 2 secrets yields it." in told["shown"]


def test_masks_an_e_mail_without_a_domain(explain):
    told = explain(v1(), posted=(*IDS, "--email", "jane"))
    assert told["signed_text"] == TEXT.replace(EMAIL, "j***")


def test_sees_that_a_form_was_posted_without_encoding(accredit, explain):
    with_plus = next(
        signature
        for number in range(99)
        if "+" in (signature := sign_identity(HELD, CP, CPD, EMAIL, now=NOW, nonce=f"{number:032}"))
    )
    for posted, code in ((with_plus.replace("+", "%2B"), 0), (with_plus, 1)):
        form = f"&cp_id={CP}&cp_deployment_id={CPD}&%5Bemail%5D=jane%40example.com&signature={posted}"
        (accredit.directory / "boot.form").write_text(form)
        arguments = ("--secret", "shop.secret", "--body", "boot.form", "--at", str(NOW), "--json")
        told = accredit("identity", "explain", *arguments, code=code).json
    assert "reads + as a space" in hint_of(told)
