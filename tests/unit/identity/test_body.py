"""The boot's own fields."""

from typing import Any

import pytest

import accredit

IDS = {"cp_id": "cp_1", "cp_deployment_id": "cpd_1"}
OWN = ("signature", "page", "locale", "identifier_type", "identifier_value")


def error_of(body: Any) -> tuple[str, str | None]:
    with pytest.raises(accredit.MalformedError) as error:
        accredit.read_boot_body(body)
    return error.value.code, error.value.member


def test_the_ids_suffice() -> None:
    boot = accredit.read_boot_body(IDS)
    assert (boot.cp_id, boot.cp_deployment_id) == ("cp_1", "cpd_1")
    assert [getattr(boot, name) for name in OWN] == [None] * 5
    assert (boot.response_mode, boot.frame, boot.customer) == ("redirect", {}, accredit.CustomerFields())


def test_reads_all_of_a_form() -> None:
    pairs = [
        *IDS.items(),
        *(("signature", "1:2:3"), ("page", "energy"), ("locale", "en_GB"), ("environment", "production")),
        *(("identifier_type", "ios"), ("identifier_value", "com.example.bank"), ("response_mode", "json")),
        *(("channel", "c"), ("sdk", "0.1.0"), ("parent_origin", "https://shop.example"), ("origin_ticket", "t")),
        *(("email", "a@x.example"), ("shoe_size", "44")),
    ]
    boot = accredit.read_boot_body(pairs)
    assert [getattr(boot, name) for name in OWN] == ["1:2:3", "energy", "en_GB", "ios", "com.example.bank"]
    assert boot.response_mode == "json"
    assert boot.frame == {"channel": "c", "sdk": "0.1.0", "parent_origin": "https://shop.example", "origin_ticket": "t"}
    assert boot.customer == accredit.CustomerFields({"email": "a@x.example"}, ("field_dropped:shoe_size",))
    assert boot == accredit.read_boot_body(dict(pairs))


@pytest.mark.parametrize("name", ["cp_id", "cp_deployment_id"])
def test_both_ids_are_required(name: str) -> None:
    for absent in ({}, {name: ""}, {name: None}, {f"[{name}]": "cp_1"}, {"customerInfo": {name: "cp_1"}}):
        assert error_of({**IDS, name: None} | absent) == ("field_missing", name)
    assert error_of({}) == ("field_missing", "cp_id")
    assert error_of([]) == ("field_missing", "cp_id")


@pytest.mark.parametrize("name", ["cp_id", "cp_deployment_id", "page"])
def test_an_id_has_no_colon_and_no_more_than_128_characters(name: str) -> None:
    for text in ("a", "a" * 128, "A-Z_0.9"):
        assert getattr(accredit.read_boot_body({**IDS, name: text}), name) == text
    for odd in ("a:b", "a" * 129, "a b", "é", "a\n", "\ud800", 5, True, [], {}):
        assert error_of({**IDS, name: odd}) == ("field_invalid", name)


def test_a_locale_is_a_language_with_up_to_three_parts() -> None:
    for text in ("en", "eng", "en_GB", "zh-Hant-TW", "sr_Latn_RS_x1", "en-12345678"):
        assert accredit.read_boot_body({**IDS, "locale": text}).locale == text
    for odd in ("e", "engl", "en_", "en_G", "en_123456789", "en_GB_a1_b2_c3", "en GB", "en.GB", "e1", "en\n", 5):
        assert error_of({**IDS, "locale": odd}) == ("field_invalid", "locale")


@pytest.mark.parametrize("absent", [None, "", "null"])
def test_a_signature_may_be_absent_in_three_ways(absent: str | None) -> None:
    assert accredit.read_boot_body({**IDS, "signature": absent}).signature is None


def test_the_form_of_a_signature_is_not_judged_here() -> None:
    for text in ("undefined", "NULL", "x" * 5000, "é"):
        assert accredit.read_boot_body({**IDS, "signature": text}).signature == text
    for odd in (5, True, {}, "\ud800"):
        assert error_of({**IDS, "signature": odd}) == ("field_invalid", "signature")


@pytest.mark.parametrize(("name", "limit"), [("identifier_type", 32), ("identifier_value", 255), ("sdk", 32)])
def test_texts_have_limits(name: str, limit: int) -> None:
    boot = accredit.read_boot_body({**IDS, name: "🙂" * limit})
    assert (boot.frame[name] if name == "sdk" else getattr(boot, name)) == "🙂" * limit
    assert error_of({**IDS, name: "x" * (limit + 1)}) == ("field_invalid", name)


def test_the_answer_is_a_redirect_or_json() -> None:
    assert accredit.read_boot_body({**IDS, "response_mode": "redirect"}).response_mode == "redirect"
    assert accredit.read_boot_body({**IDS, "response_mode": ""}).response_mode == "redirect"
    for odd in ("JSON", "html", "jsonredirect", 1):
        assert error_of({**IDS, "response_mode": odd}) == ("field_invalid", "response_mode")


@pytest.mark.parametrize("name", ["environment", "channel", "parent_origin", "origin_ticket"])
def test_the_rest_is_text(name: str) -> None:
    assert accredit.read_boot_body({**IDS, name: "x" * 5000})
    assert error_of({**IDS, name: 5}) == ("field_invalid", name)


def test_customer_fields_are_judged_too() -> None:
    assert error_of({**IDS, "smoker": "maybe"}) == ("field_invalid", "smoker")
    assert error_of([*IDS.items(), ("email", "a"), ("[email]", "b")]) == ("request_malformed", "email")
    assert error_of([*IDS.items(), ("cp_id", "cp_1")]) == ("request_malformed", "cp_id")
