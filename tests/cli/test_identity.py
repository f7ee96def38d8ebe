"""`accredit identity sign` and `verify`."""

import json
import re
from urllib.parse import urlencode

import pytest

import accredit as library
from accredit.encoding import b64_encode

SECRET, OTHER = b64_encode(bytes(range(32))), b64_encode(b"\xff" * 32)
CP, CPD, EMAIL = "cp_" + "A" * 21, "cpd_" + "B" * 21, "jane@example.com"
IDS = ("--cp-id", CP, "--cp-deployment-id", CPD)
USER = (*IDS, "--email", EMAIL)
NONCE, NOW = "0123456789abcdef" * 2, "1700000000"
AT = ("--at", NOW)
# The MACs that the protocol page prints.
PRINTED = f"1700000000:Y5oTx6RlqX0dLBLdfV98E93rtKTdnGFB2lWhYGURkNY=:{NONCE}"
PRINTED_ANONYMOUS = f"1700000000:Abi0MEaHXyJWzZFKIWXVbcri/wxlJ3AL8Dhom8oVsYw=:{NONCE}"
BODY = {
    "cp_id": CP,
    "cp_deployment_id": CPD,
    "page": "energy",
    "locale": "en_GB",
    "customerInfo": {"email": EMAIL, "first_name": "Zoë", "broadband": {"ppm": "29"}, "meta": {"b": [1.5], "a": None}},
}
SIGNED_NAMES = ["broadband.ppm", "email", "first_name", "locale", "meta", "page"]


@pytest.fixture
def deployer(accredit):
    """Commands where a secret lies in shop.secret, and another in other.secret."""
    for name, text in (("shop", SECRET), ("other", OTHER)):
        (accredit.directory / f"{name}.secret").write_text(f"{text}\n")
    return accredit


@pytest.fixture
def sign(deployer):
    """Signs with options of `accredit identity sign`."""
    return lambda *options, **given: deployer("identity", "sign", "--secret", "shop.secret", *options, **given).out.strip()


@pytest.fixture
def verify(deployer):
    """The facts of `accredit identity verify`."""

    def verified(*options, **given):
        return deployer("identity", "verify", "--secret", "shop.secret", "--json", *options, **given).json

    return verified


def test_signs_as_the_protocol_page_prints_it(deployer):
    options = ("--secret", "shop.secret", *AT, "--nonce", NONCE)
    done = deployer.process("identity", "sign", *options, *USER)
    assert (done.code, done.out, done.err) == (0, f"{PRINTED}\n", "")
    assert deployer("identity", "sign", *options, *IDS, "--json").json == {"signature": PRINTED_ANONYMOUS}


def test_a_signature_is_of_now_and_its_nonce_is_fresh(sign, verify):
    first, second = sign(*USER), sign(*USER)
    assert first.split(":")[2] != second.split(":")[2]
    for signature in (first, second):
        assert verify(*USER, "--signature", signature)["holds"] is True


def test_the_secret_comes_from_a_file_standard_input_or_the_environment(deployer):
    options = ("identity", "sign", *USER, *AT, "--nonce", NONCE)
    assert deployer(*options, "--secret", "-", stdin=f" {SECRET}\n").out.strip() == PRINTED
    assert deployer.process(*options, environ={"IDENTITY_SECRET": f"{SECRET}\n"}).out.strip() == PRINTED
    assert deployer.process(*options, "--secret", "shop.secret", environ={"IDENTITY_SECRET": OTHER}).out.strip() == PRINTED
    done = deployer(*options, code=2)
    assert "--secret" in done.err
    assert "IDENTITY_SECRET" in done.err


def test_no_option_takes_a_secret_itself(deployer):
    assert "does not exist" in deployer("identity", "sign", *USER, "--secret", SECRET, code=2).err


@pytest.mark.parametrize(
    "text", ["secret_key", SECRET[:-1], SECRET.replace("A", "-", 1), bytes(range(20)).hex() + "=", "AAAA", ""]
)
def test_a_secret_of_another_form_is_refused_by_the_name_of_its_file(deployer, text):
    (deployer.directory / "odd.secret").write_text(text)
    for command in ("sign", "verify", "explain"):
        done = deployer("identity", command, *USER, "--secret", "odd.secret", code=2)
        assert "secret_malformed" in done.err
        assert "odd.secret" in done.err
        assert not text or text not in done.err.replace("secret_malformed", "").replace("odd.secret", "")


def test_version_2_covers_all_that_a_body_passes(deployer, sign, verify):
    (deployer.directory / "boot.json").write_text(json.dumps(BODY))
    signature = sign("--v2", "--key-id", "key_1", "--body", "boot.json", "--origin", "https://shop.example")
    told = verify("--body", "boot.json", "--signature", signature, "--origin", "https://shop.example")
    assert (told["version"], told["key_id"], told["origin_bound"]) == (2, "key_1", True)
    assert told["signed_fields"] == SIGNED_NAMES
    for name, value in (("page", "gas"), ("locale", "cy_GB"), ("customerInfo", {**BODY["customerInfo"], "first_name": "Zoe"})):
        (deployer.directory / "changed.json").write_text(json.dumps({**BODY, name: value}))
        options = ("--body", "changed.json", "--signature", signature, "--origin", "https://shop.example")
        assert "mac_mismatch" in deployer("identity", "verify", "--secret", "shop.secret", *options, code=1).err


def test_options_sign_what_a_form_posts(deployer, sign, verify):
    fields = ("--field", "first_name=Zoë", "--field", "broadband.ppm=29", "--field", 'meta={"b":[1.5],"a":null}')
    ours = sign(*USER, "--v2", "--key-id", "key_1", "--page", "energy", "--locale", "en_GB", *fields)
    form = {"cp_id": CP, "cp_deployment_id": CPD, "[email]": EMAIL, "customerInfo[first_name]": "Zoë", "broadband[ppm]": "29"}
    form |= {"meta": '{"a": null, "b": [1.5]}', "page": "energy", "locale": "en_GB", "signature": ours}
    told = verify("--body", "-", stdin="&" + urlencode(form))
    assert (told["version"], told["origin_bound"], told["signed_fields"]) == (2, False, SIGNED_NAMES)


def test_an_app_is_its_own_origin(sign, verify):
    app = {"identifier_type": "ios", "identifier_value": "com.example.shop"}
    options = ("--v2", "--key-id", "key_1", "--origin", "app:ios:com.example.shop")
    body = {"cp_id": CP, "cp_deployment_id": CPD, "email": EMAIL, **app, "signature": sign(*USER, *options)}
    assert verify("--body", "-", stdin=json.dumps(body))["origin_bound"] is True


def test_tells_what_holds_and_no_value(deployer, sign):
    signature = sign(*USER, *AT)
    done = deployer.process("identity", "verify", "--secret", "shop.secret", *USER, "--signature", "-", *AT, stdin=signature)
    assert (done.code, done.err) == (0, "")
    facts = dict(re.split(r"  +", line, maxsplit=1) for line in done.out.splitlines())
    assert facts["holds"] == "yes"
    assert (facts["anonymous"], facts["signed_at"], facts["signed_fields"]) == ("no", "2023-11-14T22:13:20Z", "email")
    assert "replay" in facts["not_judged"]
    assert EMAIL not in done.out
    assert signature.split(":")[1] not in done.out


def test_tells_whether_the_user_is_anonymous(sign, verify):
    told = verify(*IDS, "--signature", sign(*IDS))
    assert (told["anonymous"], told["signed_fields"]) == (True, ["email"])


def test_any_of_several_secrets_may_have_signed(deployer, sign):
    secrets = ("--secret", "other.secret", "--secret", "shop.secret")
    named = ("--key-id", "key_2", "--key-id", "key_1")
    for options in (USER, (*USER, "--v2", "--key-id", "key_1")):
        signature = sign(*options)
        told = deployer("identity", "verify", *secrets, *named, *USER, "--signature", signature, "--json").json
        assert told["key_id"] == "key_1"
        assert deployer("identity", "verify", *secrets, *USER, "--signature", signature).code == 0
    swapped = ("--key-id", "key_1", "--key-id", "key_2")
    done = deployer("identity", "verify", *secrets, *swapped, *USER, "--signature", signature, code=1)
    assert "mac_mismatch" in done.err


def test_what_does_not_hold_ends_with_one_and_its_code(deployer, sign):
    signature = sign(*USER, *AT)

    def refused(*options, signature=signature):
        options = ("--secret", "shop.secret", "--signature", signature, *options)
        done = deployer("identity", "verify", *options, code=1)
        assert done.out == ""
        return done.err.split(":")[1].strip()

    assert refused(*USER) == "timestamp_out_of_window"
    assert refused(*USER, "--at", "1700000061") == "timestamp_out_of_window"
    assert refused(*IDS, "--email", "mallory@example.com", *AT) == "mac_mismatch"
    assert refused(*USER, "--identity-v2", "require", *AT) == "signature_version"
    assert refused(*USER, signature="") == "signature_required"
    unbound = sign(*USER, "--v2", "--key-id", "key_1", *AT)
    assert refused(*USER, "--identity-origin", "require", *AT, signature=unbound) == "identity_origin_missing"
    assert refused(*USER, "--key-id", "key_2", *AT, signature=unbound) == "identity_key_unknown"
    options = ("--secret", "shop.secret", *USER, "--signature", signature)
    assert deployer("identity", "verify", *options, "--at", "2023-11-14T22:14:20Z").code == 0
    assert deployer("identity", "verify", *options, "--now", "1700000061", "--window", "61").code == 0
    done = deployer.process("identity", "verify", *options, "--json")
    assert (done.code, done.out, json.loads(done.err)["code"]) == (1, "", "timestamp_out_of_window")


def test_what_passes_with_a_warning_is_told(deployer, sign):
    options = ("--secret", "shop.secret", *USER, "--field", "shoe_size=44", "--identity-v2", "warn", "--signature", sign(*USER))
    done = deployer("identity", "verify", *options, "--json")
    assert done.json["warnings"] == ["signature_version"]
    assert done.err == "warning: field_dropped:shoe_size\n"
    told = deployer("identity", "explain", *options).out
    assert "warning: field_dropped:shoe_size\nwarning: signature_version\n" in told


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        ((*IDS, "--field", "first_name=Ada"), 2, "need --v2"),
        ((*IDS, "--page", "energy"), 2, "need --v2"),
        ((*IDS, "--key-id", "key_1"), 2, "need --v2"),
        ((*IDS, "--v2"), 2, "--v2 needs --key-id"),
        ((*IDS, "--v2", "--key-id", "key 1"), 2, "(key_id)"),
        ((*IDS, "--v2", "--key-id", "key_1", "--field", "smoker=maybe"), 2, "(smoker)"),
        ((*IDS, "--v2", "--key-id", "key_1", "--field", "first_name"), 2, "NAME=TEXT"),
        ((*IDS, "--v2", "--key-id", "key_1", "--origin", "shop.example"), 2, "(origin)"),
        (("--cp-id", CP), 2, "(cp_deployment_id)"),
        (("--cp-id", "a:b", "--cp-deployment-id", CPD), 2, "(cp_id)"),
        ((*IDS, "--nonce", "short"), 1, "nonce_length"),
        ((*IDS, "--at", "soon"), 2, "24h"),
        ((*IDS, "--body", "boot.form"), 2, "request_malformed"),
        (("--body", "boot.form", "--email", EMAIL), 2, "(email)"),
        (("--body", "list.json"), 2, "(cp_id)"),
        (("--body", "broken.json"), 2, "(broken.json)"),
        (("--body", "latin.form"), 2, "request_malformed"),
        ((*IDS, "--body", "-", "--secret", "-"), 2, "Standard input can be read for one option only"),
    ],
)
def test_refuses_to_sign_what_every_server_would_refuse(deployer, options, code, told):
    texts = {
        "boot.form": f"cp_id={CP}&cp_deployment_id={CPD}&[email]=a",
        "list.json": "[]",
        "broken.json": "{",
        "latin.form": "a=%E9",
    }
    for name, text in texts.items():
        (deployer.directory / name).write_text(text)
    done = deployer("identity", "sign", "--secret", "shop.secret", *options, code=code)
    assert told in done.err
    assert done.out == ""


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--key-id", "key_1", "--key-id", "key_2"), "one --key-id for each secret"),
        (("--window", "9"), "10"),
        (("--identity-v2", "maybe"), "maybe"),
        (("--at", "soon"), "24h"),
    ],
)
def test_a_wrong_option_is_wrong_usage(deployer, options, told):
    for command in ("verify", "explain"):
        options = (*options, "--signature", PRINTED)
        assert told in deployer("identity", command, "--secret", "shop.secret", *USER, *options, code=2).err


def test_the_library_takes_what_the_command_signs(sign):
    boot = library.read_boot_body({"cp_id": CP, "cp_deployment_id": CPD, "email": EMAIL, "signature": sign(*USER, *AT)})
    secret = library.IdentitySecret.from_base64(SECRET)
    assert library.verify_identity(boot.signature, [secret], boot, now=int(NOW)).email == EMAIL


def test_needs_no_database(deployer, sign):
    sign(*USER)
    assert sorted(path.name for path in deployer.directory.iterdir()) == ["other.secret", "shop.secret"]
