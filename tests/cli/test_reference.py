"""`accredit reference sign`, `verify` and `explain`."""

import hashlib
import hmac
import json
import re
import unicodedata

import pytest

import accredit as library
from accredit.cli.reference.hints import MENDING
from accredit.encoding import b64_encode, b64url_encode

SECRET, OLD = "live_secret_" + "abcd1234" * 8, "live_secret_" + "0123cdef" * 8
SAMPLE, PRINTED = "3a409367-a417-4d46-9a92-3d7bc5dc4605", "yw0hqBPOIWcHPFZBsaMPnxktOrWwWkZcWP+TneV5D48="
ORIGIN, NOW = "https://shop.example", "1800000000"
TOKEN = ("--template", "flwtmp_1", "--origin", ORIGIN, "--at", NOW)


@pytest.fixture
def deployer(accredit):
    """Commands where an API secret lies in api.secret, and another in old.secret."""
    for name, text in (("api", SECRET), ("old", OLD)):
        (accredit.directory / f"{name}.secret").write_text(f"{text}\n")
    return accredit


@pytest.fixture
def sign(deployer):
    """Signs with options of `accredit reference sign`."""
    return lambda *options: deployer("reference", "sign", *options).out.strip()


@pytest.fixture
def verify(deployer):
    """The facts of `accredit reference verify`."""
    return lambda *options, **given: deployer("reference", "verify", "--json", *options, **given).json


@pytest.fixture
def explain(deployer):
    """What `accredit reference explain` tells of a signature, as JSON and as people see it."""

    def explained(signature, *options, reference=SAMPLE, code=1):
        passed = () if reference is None else ("--reference", reference)
        arguments = ("reference", "explain", "--secret", "api.secret", *passed, "--signature", signature, *options)
        told = deployer(*arguments, "--json", code=code).json
        shown = re.sub(r"\s+", " ", deployer(*arguments, code=code).out)
        for known in (SECRET, OLD, reference or "user-1", PRINTED):
            assert known not in json.dumps(told) + shown
        return told | {"shown": shown}

    return explained


def hint_of(told):
    (failed,) = [step for step in told["steps"] if step["status"] == "fail"]
    assert failed["hint"] in told["shown"]
    return failed["hint"]


def test_signs_as_the_original_prints_it(deployer):
    done = deployer.process("reference", "sign", "--secret", "api.secret", "--reference", SAMPLE)
    assert (done.code, done.out, done.err) == (0, f"{PRINTED}\n", "")
    assert deployer("reference", "sign", "--secret", "api.secret", "--reference", SAMPLE, "--json").json == {
        "signature": PRINTED
    }


def test_the_secret_may_stand_in_the_environment_or_come_on_standard_input(deployer):
    done = deployer.process("reference", "sign", "--reference", SAMPLE, environ={"REFERENCE_SECRET": f"{SECRET}\n"})
    assert (done.out, done.err) == (f"{PRINTED}\n", "")
    assert deployer("reference", "sign", "--secret", "-", "--reference", SAMPLE, stdin=SECRET).out == f"{PRINTED}\n"
    assert "REFERENCE_SECRET" in deployer("reference", "sign", "--reference", SAMPLE, code=2).err


def test_what_is_no_secret_or_reference_is_told_without_it(deployer):
    (deployer.directory / "bad.secret").write_text("too-short")
    done = deployer("reference", "sign", "--secret", "bad.secret", "--reference", SAMPLE, code=2)
    assert "secret_malformed" in done.err
    assert "(bad.secret)" in done.err
    done = deployer("reference", "sign", "--secret", "api.secret", "--reference", "hush\n", code=2)
    assert "customer_reference_invalid" in done.err
    assert "hush" not in done.err


def test_verifies_what_was_signed(deployer, verify):
    facts = verify("--secret", "old.secret", "--secret", "api.secret", "--reference", SAMPLE, "--signature", PRINTED)
    assert (facts["holds"], facts["version"], facts["key_id"], facts["expires"]) == (True, 1, None, None)
    assert facts["not_judged"] == ["integration", "signature_policy", "allowed_origins"]
    shown = deployer(
        "reference", "verify", "--secret", "api.secret", "--reference", SAMPLE, "--signature", "-", stdin=PRINTED
    ).out
    assert "integration, signature_policy, allowed_origins" in shown


def test_a_signature_that_does_not_hold_ends_with_1(deployer):
    options = ("reference", "verify", "--secret", "api.secret")
    for given, code in (
        (("--reference", "another", "--signature", PRINTED), "mac_mismatch"),
        (
            ("--reference", SAMPLE, "--signature", PRINTED[:-1]),
            "signature_malformed",
        ),
    ):
        assert code in deployer(*options, *given, code=1).err
    assert "--reference" in deployer(*options, "--signature", PRINTED, code=2).err


def test_signs_and_verifies_tokens(sign, verify):
    made = sign(
        *("--secret", "api.secret", "--reference", "user-1", "--v2", "--key-id", "live_key_1", "--lifetime", "60"),
        *("--session-id", "flwses_1", "--template", "flwtmp_2", *TOKEN),
    )
    facts = verify("--secret", "api.secret", "--signature", made, *TOKEN)
    assert (facts["version"], facts["key_id"], facts["session_id"]) == (2, "live_key_1", "flwses_1")
    assert (facts["expires"], facts["prefill"]) == ("2027-01-15T08:01:00Z", [])
    assert facts["not_judged"][-3:] == ["key_id", "replay", "session"]
    assert verify("--secret", "api.secret", "--signature", made, "--reference", "user-1", *TOKEN)["holds"]


@pytest.mark.parametrize("alg", ["ES256", "ES512", "EdDSA"])
def test_signs_and_verifies_tokens_under_a_key_pair(deployer, sign, verify, alg):
    made = library.generate_deployment_key(alg)
    (deployer.directory / "shop.jwk").write_text(json.dumps(made.private_jwk))
    (deployer.directory / "shop.public.jwk").write_text(json.dumps(made.public_jwk))
    token = sign("--key", "shop.jwk", "--reference", "user-1", "--v2", *TOKEN)
    assert verify("--key", "shop.public.jwk", "--signature", token, *TOKEN)["key_id"] == made.thumbprint
    named = sign("--key", "shop.jwk", "--key-id", "rfk_1", "--reference", "user-1", "--v2", *TOKEN)
    assert verify("--key", "shop.public.jwk", "--signature", named, *TOKEN)["key_id"] == "rfk_1"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--secret", "api.secret", "--template", "flwtmp_1"), "need --v2"),
        (("--secret", "api.secret", "--at", NOW), "need --v2"),
        (("--secret", "api.secret", "--v2", "--key-id", "live_key_1"), "--v2 needs --template"),
        (("--secret", "api.secret", "--v2", "--template", "flwtmp_1"), "--v2 needs --key-id"),
        (("--secret", "api.secret", "--key", "api.secret", "--v2", "--template", "flwtmp_1"), "not both"),
        (("--secret", "api.secret", "--v2", "--key-id", "k", "--template", "a-b"), "token_claims_invalid"),
        (("--secret", "api.secret", "--v2", "--key-id", "k", "--template", "a", "--origin", "shop.example"), "field_invalid"),
    ],
)
def test_says_what_does_not_go_together(deployer, options, words):
    done = deployer.process("reference", "sign", "--reference", "user-1", *options)
    assert done.code in (1, 2)
    assert words in done.err


def test_a_token_is_judged_for_a_template(deployer, sign):
    token = sign("--secret", "api.secret", "--reference", "user-1", "--v2", "--key-id", "live_key_1", *TOKEN)
    assert "--template" in deployer("reference", "verify", "--secret", "api.secret", "--signature", token, code=2).err


def test_explains_what_holds(explain, sign):
    told = explain(PRINTED, code=0)
    assert (told["verdict"], told["code"], told["version"]) == ("holds", None, 1)
    assert [(step["name"], step["status"]) for step in told["steps"]] == [
        ("Reference", "pass"),
        ("Form", "pass"),
        ("MAC", "pass"),
    ]
    assert (told["reference_bytes"], told["reference_sha256"]) == (36, hashlib.sha256(SAMPLE.encode()).hexdigest())
    token = sign("--secret", "api.secret", "--reference", "user-1", "--v2", "--key-id", "live_key_1", *TOKEN)
    told = explain(token, *TOKEN, reference=None, code=0)
    assert [step["status"] for step in told["steps"]] == ["pass"] * 4 + ["skipped"]
    assert (told["version"], told["reference_bytes"]) == (2, None)
    assert "It holds; not judged: replay." in told["shown"]


KEY, MESSAGE = SECRET.encode(), SAMPLE.encode()


def mac(key=KEY, message=MESSAGE):
    return b64_encode(hmac.digest(key, message, "sha256"))


RESPELT = "Zoë"
MADE = {
    "secret_hex_decoded": mac(bytes.fromhex("abcd1234" * 8)),
    "secret_without_prefix": mac(b"abcd1234" * 8),
    "hash_without_key": b64_encode(hashlib.sha256((SECRET + SAMPLE).encode()).digest()),
    "arguments_swapped": mac(SAMPLE.encode(), SECRET.encode()),
    "line_feed_signed": mac(message=SAMPLE.encode() + b"\n"),
    "reference_quoted": mac(message=json.dumps(SAMPLE).encode()),
    "reference_respelt": mac(message=SAMPLE.upper().encode()),
    "old_secret": mac(OLD.encode()),
}


def test_every_mistake_has_a_case_and_a_sentence():
    assert set(MADE) == set(MENDING)
    for sentence in MENDING.values():
        assert re.fullmatch(r"[A-Z].{30,}\.", sentence)


@pytest.mark.parametrize("mistake", MENDING)
def test_a_mistake_is_found_and_how_to_mend_it_is_told(explain, mistake):
    told = explain(MADE[mistake], "--old-secret", "old.secret")
    assert told["code"] == "mac_mismatch"
    assert hint_of(told) == MENDING[mistake]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_other_spellings_of_a_reference(explain, form):
    passed = unicodedata.normalize("NFD" if form == "NFC" else "NFC", RESPELT)
    told = explain(mac(message=unicodedata.normalize(form, RESPELT).encode()), reference=passed)
    assert hint_of(told) == MENDING["reference_respelt"]
    assert hint_of(explain(mac(message=RESPELT.encode()), reference=f" {RESPELT} ")) == MENDING["reference_respelt"]
    assert (
        hint_of(explain(mac(message=json.dumps(RESPELT, ensure_ascii=False).encode()), reference=RESPELT))
        == (MENDING["reference_quoted"])
    )


def test_another_secret_is_the_last_guess(explain):
    assert "compare length and SHA-256" in hint_of(explain(mac(b"another" * 8)))


FORMS = {
    "absent": ("", "must pass"),
    "placeholder": ("{{signature}}", "placeholder"),
    "undefined": ("undefined", "empty variable"),
    "quotes": (f'"{PRINTED}"', "in quotes"),
    "encoded_twice": (PRINTED.replace("+", "%2B"), "percent-encoded"),
    "plus_as_space": (PRINTED.replace("+", " "), "reads + as a space"),
    "hex": (hmac.new(SECRET.encode(), SAMPLE.encode(), "sha256").hexdigest(), "hexadecimal"),
    "hex_in_base64": (b64_encode(b"ab" * 32), "before it was encoded"),
    "base64url": (PRINTED.replace("+", "-"), "base64url"),
    "unpadded": (PRINTED[:-1], "padding"),
    "spare_bits": (PRINTED[:-2] + "9=", "bits that mean nothing"),
    "two_parts": ("eyJh.eyJh", "three parts"),
    "sha1": (b64_encode(bytes(20)), "32 octets"),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_wrong_form_is_told_in_words(explain, name):
    signature, words = FORMS[name]
    told = explain(signature)
    assert told["code"] == "signature_malformed"
    assert words in hint_of(told)
    assert [step["status"] for step in told["steps"]] == ["pass", "fail", "skipped"]


def test_a_reference_that_is_none_is_told_first(explain):
    told = explain(PRINTED, reference="a\u2028b")
    assert told["code"] == "customer_reference_invalid"
    assert [step["status"] for step in told["steps"]] == ["fail", "skipped", "skipped"]


CLAIMS = {
    "aud": "flow",
    "env": "live",
    "exp": 1800000600,
    "iat": 1800000000,
    "jti": "a" * 22,
    "sub": "user-1",
    "tpl": ["flwtmp_1"],
}
HELD = library.ReferenceSecret.from_text(SECRET, "live_key_1")


def token(claims=CLAIMS, key=HELD.token_octets, **header):
    members = {"alg": "HS256", "kid": "live_key_1", "typ": "flow-user+jwt", **header}
    text = ".".join(b64url_encode(json.dumps(each).encode()) for each in (members, claims))
    return f"{text}.{b64url_encode(hmac.digest(key, text.encode(), 'sha256'))}"


OLD_HELD = library.ReferenceSecret.from_text(OLD)
TOKENS = {
    "padded": (token() + "=", "jws_malformed", "Form", "without padding"),
    "typ": (token(typ="JWT"), "jws_header_not_allowed", "Form", "flow-user+jwt"),
    "none": (token(alg="none"), "jws_alg_not_allowed", "Form", "HS256"),
    "public": (token(alg="ES256"), "jws_alg_not_allowed", "Signature", "HS256"),
    "not_derived": (token(key=SECRET.encode()), "jws_signature_invalid", "Signature", "is derived from it"),
    "old": (token(key=OLD_HELD.token_octets), "jws_signature_invalid", "Signature", "old secret"),
    "other": (token(key=b"x" * 32), "jws_signature_invalid", "Signature", "Another key"),
    "claims": (token(CLAIMS | {"aud": "shop"}), "token_claims_invalid", "Claims", "aud is flow"),
    "ahead": (token(CLAIMS | {"iat": 1800000000000}), "token_not_yet_valid", "Claims", "milliseconds"),
    "expired": (token(CLAIMS | {"exp": 1}), "token_expired", "Claims", "getSignature"),
    "span": (token(CLAIMS | {"exp": 1800009999}), "token_lifetime", "Claims", "3600"),
    "template": (token(CLAIMS | {"tpl": ["flwtmp_2"]}), "token_template_mismatch", "Claims", "tpl"),
    "origin": (token(CLAIMS | {"ori": ["https://x.example"]}), "token_origin_mismatch", "Claims", "ori"),
    "reference": (token(CLAIMS | {"sub": "user-2"}), "customer_reference_mismatch", "Reference", "sub"),
}


@pytest.mark.parametrize("name", TOKENS)
def test_what_is_wrong_with_a_token_is_told_in_words(explain, name):
    signature, code, step, words = TOKENS[name]
    told = explain(signature, *TOKEN, "--old-secret", "old.secret", reference="user-1")
    assert told["code"] == code
    assert next(each["name"] for each in told["steps"] if each["status"] == "fail") == step
    assert words in hint_of(told)
