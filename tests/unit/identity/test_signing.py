import re
from typing import Any

import pytest

import accredit

NOW = 1_700_000_000
NONCE = "0123456789abcdef" * 2
CP, CPD = "cp_" + "A" * 21, "cpd_" + "B" * 21
SECRET = accredit.IdentitySecret.from_base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "key_1")
ORIGIN = "https://shop.example"


def verify(signature: str, body: dict[str, Any], **arguments: Any) -> accredit.VerifiedIdentity:
    boot = accredit.read_boot_body({"cp_id": CP, "cp_deployment_id": CPD, "signature": signature, **body})
    return accredit.verify_identity(boot.signature, [SECRET], boot, now=NOW, **arguments)


def error_of(sign: Any, *arguments: Any, **named: Any) -> tuple[type[accredit.AccreditError], str, str | None]:
    with pytest.raises(accredit.AccreditError) as error:
        sign(SECRET, *arguments, **{"now": NOW, **named})
    return type(error.value), error.value.code, error.value.member


def test_signs_what_the_protocol_page_prints() -> None:
    signed = accredit.sign_identity(SECRET, CP, CPD, "jane@example.com", now=NOW, nonce=NONCE)
    assert signed == f"1700000000:Y5oTx6RlqX0dLBLdfV98E93rtKTdnGFB2lWhYGURkNY=:{NONCE}"
    for nobody in (None, ""):
        anonymous = accredit.sign_identity(SECRET, CP, CPD, nobody, now=NOW, nonce=NONCE)
        assert anonymous == f"1700000000:Abi0MEaHXyJWzZFKIWXVbcri/wxlJ3AL8Dhom8oVsYw=:{NONCE}"
    assert accredit.sign_identity(SECRET, CP, CPD, now=NOW, nonce=NONCE) == anonymous


def test_each_signature_has_a_nonce_of_its_own_as_the_original_makes_it() -> None:
    signed = [accredit.sign_identity(SECRET, CP, CPD, now=NOW).split(":")[2] for _ in range(9)]
    signed += [accredit.sign_identity_v2(SECRET, CP, CPD, {}, now=NOW).split(".")[3] for _ in range(9)]
    assert len(set(signed)) == 18
    assert all(re.fullmatch("[0-9a-f]{32}", nonce) for nonce in signed)


def test_version_2_covers_all_that_is_passed() -> None:
    info = {"email": "jane@example.com", "broadband": {"ppm": "28"}, "number_of_children": 2, "meta": {"a": [1]}}
    beside = {"page": "energy", "locale": "en_GB"}
    signed = accredit.sign_identity_v2(SECRET, CP, CPD, info, now=NOW, origin=ORIGIN, **beside)
    verified = verify(signed, {**info, **beside}, origin=ORIGIN)
    assert verified.signed_fields == {"email", "broadband.ppm", "number_of_children", "meta", "page", "locale"}
    assert (verified.version, verified.key_id, verified.origin_bound) == (2, "key_1", True)


@pytest.mark.parametrize(
    "origin", [ORIGIN, "http://localhost:3000", "app:ios:com.example.bank", "app:android:com.example", None]
)
def test_version_2_is_bound_to_a_page_an_app_or_nothing(origin: str | None) -> None:
    signed = accredit.sign_identity_v2(SECRET, CP, CPD, {}, now=NOW, origin=origin)
    assert verify(signed, {}, origin=origin).origin_bound is (origin is not None)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "shop.example",
        "https://shop.example/",
        "https://Shop.example",
        "https://shop.example/page",
        "app:web:x",
        "app:ios:",
        "null",
        "https://",
        "https://shop.example\n",
        "app:ios:" + "x" * 256,
    ],
)
def test_an_origin_that_no_browser_sends_is_refused(origin: str) -> None:
    assert error_of(accredit.sign_identity_v2, CP, CPD, {}, origin=origin) == (
        accredit.MalformedError,
        "field_invalid",
        "origin",
    )


def test_takes_the_fields_in_the_spellings_of_the_page() -> None:
    signed = accredit.sign_identity_v2(SECRET, CP, CPD, {"broadbandPpm": "28", "shoe_size": 44, "dob": None}, now=NOW)
    assert verify(signed, {"customerInfo[broadband][ppm]": "28"}).signed_fields == {"broadband.ppm"}


def test_version_2_needs_the_name_of_the_secret() -> None:
    nameless = accredit.IdentitySecret(SECRET.octets)
    with pytest.raises(accredit.MalformedError, match="field_missing: key_id"):
        accredit.sign_identity_v2(nameless, CP, CPD, {}, now=NOW)
    assert accredit.sign_identity(nameless, CP, CPD, now=NOW)


@pytest.mark.parametrize(
    ("now", "nonce", "code"),
    [
        (1_700_000_000_000, None, "timestamp_malformed"),
        (999_999_999, None, "timestamp_malformed"),
        (NOW, "n" * 29, "nonce_length"),
        (NOW, "n" * 51, "nonce_length"),
        (NOW, "", "nonce_length"),
        (NOW, "n" * 29 + " ", "signature_malformed"),
        (NOW, "\ud800" * 30, "signature_malformed"),
        (NOW, "n" * 200, "signature_malformed"),
    ],
)
def test_what_no_server_takes_is_not_signed(now: Any, nonce: str | None, code: str) -> None:
    code_v1 = "nonce_length" if nonce == "n" * 200 else code
    assert error_of(accredit.sign_identity, CP, CPD, now=now, nonce=nonce) == (accredit.Refused, code_v1, "signature")
    assert error_of(accredit.sign_identity_v2, CP, CPD, {}, now=now, nonce=nonce) == (accredit.Refused, code, "signature")


def test_nor_is_a_nonce_of_another_version() -> None:
    assert error_of(accredit.sign_identity, CP, CPD, now=1700000000.5)[1] == "timestamp_malformed"
    assert error_of(accredit.sign_identity, CP, CPD, nonce="n" * 30 + ":")[1] == "signature_malformed"
    assert accredit.sign_identity(SECRET, CP, CPD, now=NOW, nonce="+" * 30)
    assert error_of(accredit.sign_identity_v2, CP, CPD, {}, nonce="+" * 30)[1] == "nonce_charset"
    assert error_of(accredit.sign_identity_v2, CP, CPD, {}, nonce="." * 30)[1] == "signature_malformed"


@pytest.mark.parametrize(
    ("ids", "code", "member"),
    [
        (("cp:1", CPD), "field_invalid", "cp_id"),
        ((CP, "cpd 1"), "field_invalid", "cp_deployment_id"),
        (("", CPD), "field_missing", "cp_id"),
        ((CP, ""), "field_missing", "cp_deployment_id"),
    ],
)
def test_ids_are_judged(ids: tuple[str, str], code: str, member: str) -> None:
    assert error_of(accredit.sign_identity, *ids) == (accredit.MalformedError, code, member)
    assert error_of(accredit.sign_identity_v2, *ids, {}) == (accredit.MalformedError, code, member)


def test_so_is_what_the_page_will_pass() -> None:
    assert error_of(accredit.sign_identity, CP, CPD, "x" * 256)[1:] == ("field_invalid", "email")
    assert error_of(accredit.sign_identity_v2, CP, CPD, {"smoker": "maybe"})[1:] == ("field_invalid", "smoker")
    assert error_of(accredit.sign_identity_v2, CP, CPD, {"meta": {"id": 2**53 + 1}})[1:] == ("field_invalid", "meta")
    assert error_of(accredit.sign_identity_v2, CP, CPD, {"broadbandPpm": "1", "broadband": {"ppm": "1"}})[1:] == (
        "request_malformed",
        "broadband.ppm",
    )
    assert error_of(accredit.sign_identity_v2, CP, CPD, {}, page="a b")[1:] == ("field_invalid", "page")
    assert error_of(accredit.sign_identity_v2, CP, CPD, {}, locale="english")[1:] == ("field_invalid", "locale")


def test_the_caller_s_values_are_left_alone() -> None:
    info = {"email": "a@x.example", "meta": {"b": 1, "a": 2}}
    accredit.sign_identity_v2(SECRET, CP, CPD, info, now=NOW)
    assert list(info["meta"]) == ["b", "a"]
