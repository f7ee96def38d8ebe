from typing import Any

import pytest

import accredit
from accredit.encoding import Json
from accredit.properties import DirectProperties, Properties, check_uid, is_id, merge_signed, take_direct

IDS: dict[str, Json] = {"deployer_id": "d", "integration_id": "i"}
PAYLOAD: dict[str, Json] = {**IDS, "owner_id": "o"}


def merge(change: dict[str, Any] | None = None, *, strict: bool = False, **direct: Any) -> Properties:
    return merge_signed(PAYLOAD | (change or {}), DirectProperties(**direct), strict=strict)


def code_of_merge(change: dict[str, Any] | None = None, *, strict: bool = False, **direct: Any) -> tuple[str, str | None]:
    with pytest.raises(accredit.Refused) as refusal:
        merge(change, strict=strict, **direct)
    return refusal.value.code, refusal.value.member


@pytest.mark.parametrize("text", ["a", "a" * 128, "A-Z_0.9", "-", "."])
def test_accepts_ids(text: str) -> None:
    assert is_id(text)


@pytest.mark.parametrize("text", ["", "a" * 129, "a:b", "a b", "a\n", "é", "a/b", "١", None, 1, ["a"], {"a": 1}, True])
def test_refuses_ids(text: Any) -> None:
    assert not is_id(text)


@pytest.mark.parametrize("uid", ["u", "u" * 256, "\U0001f642" * 256, " ", "Anon_1", "x-anon_", "\u202e", "\u00a0", "{{USER}}"])
def test_accepts_user_ids(uid: str) -> None:
    assert check_uid(uid) == uid


@pytest.mark.parametrize(
    "uid", ["", "u" * 257, "anon_", "anon_1", "a\x00", "a\n", "\x1f", "\x7f", "\x80", "\x9f", None, 1, ["u"], True]
)
def test_refuses_user_ids(uid: Any) -> None:
    with pytest.raises(accredit.Refused, match="uid_invalid"):
        check_uid(uid)


def test_takes_what_was_signed() -> None:
    signed = {"uid": "u", "view_id": "v", "data_passport": {"a": 1}, "encrypted_passport": "e.e.e.e.e"}
    assert merge(signed) == Properties("d", "i", "o", "u", "v", True, {"a": 1}, "e.e.e.e.e", ())


def test_owner_and_view_may_come_directly() -> None:
    properties = merge_signed(IDS, DirectProperties(owner_id="o2", view_id="v2"))
    assert (properties.owner_id, properties.view_id, properties.view_signed) == ("o2", "v2", False)


@pytest.mark.parametrize(
    ("name", "signed", "direct"),
    [
        ("owner_id", "o", "other"),
        ("view_id", "v", "other"),
        ("deployer_id", "d", "other"),
        ("integration_id", "i", "other"),
        ("uid", "u", "victim"),
        ("data_passport", {"a": 1}, {"a": 2}),
        ("data_passport", {"a": 1}, {"a": True}),
        ("data_passport", {"a": 1}, {"b": 1}),
        ("encrypted_passport", "e", "f"),
    ],
)
def test_the_signed_value_wins(name: str, signed: Any, direct: Any) -> None:
    properties = merge({name: signed}, **{name: direct})
    assert getattr(properties, name) == signed
    assert properties.warnings == (f"direct_ignored:{name}",)
    assert code_of_merge({name: signed}, strict=True, **{name: direct}) == ("direct_conflict", name)


@pytest.mark.parametrize("strict", [False, True])
def test_an_equal_direct_value_is_no_conflict(strict: bool) -> None:
    direct = {"owner_id": "o", "uid": "u", "data_passport": {"b": True, "a": 1.0}}
    assert merge({"uid": "u", "data_passport": {"a": 1, "b": True}}, strict=strict, **direct).warnings == ()


@pytest.mark.parametrize(("name", "value"), [("uid", "victim"), ("data_passport", {"a": 1}), ("encrypted_passport", "e")])
@pytest.mark.parametrize("signed", [{}, {"uid": None, "data_passport": None, "encrypted_passport": None}])
def test_a_captured_token_gains_nothing(name: str, value: Any, signed: dict[str, Any]) -> None:
    assert code_of_merge(signed, **{name: value}) == ("unsigned_value_refused", name)


def test_an_empty_passport_is_absence() -> None:
    assert merge(data_passport={}).data_passport == {}
    assert merge({"data_passport": {"a": 1}}, data_passport={}, strict=True).warnings == ()


def test_null_is_absence_for_what_the_original_knows() -> None:
    """Clients of the original sign `JSON.stringify` of what they have, which may be null."""
    null = dict.fromkeys(("uid", "view_id", "data_passport", "encrypted_passport", "initial_loading_asset"))
    assert merge(null) == Properties("d", "i", "o", None, None, False, {}, None, ())


@pytest.mark.parametrize("value", [None, "", "#app", {}])
def test_refuses_a_location_inside_the_token(value: Any) -> None:
    assert code_of_merge({"location": value}) == ("location_in_signed_payload", "location")


@pytest.mark.parametrize("value", [None, "", "a.b.c"])
def test_refuses_a_token_inside_the_token(value: Any) -> None:
    assert code_of_merge({"signed_deployment": value}) == ("nested_signed_deployment", "signed_deployment")


@pytest.mark.parametrize(
    ("change", "code", "member"),
    [
        ({"owner_id": None}, "missing_required_property", "owner_id"),
        ({"owner_id": ""}, "missing_required_property", "owner_id"),
        ({"owner_id": 1}, "missing_required_property", "owner_id"),
        ({"view_id": "a b"}, "view_unknown", "view_id"),
        ({"view_id": []}, "view_unknown", "view_id"),
        ({"uid": ""}, "uid_invalid", "uid"),
        ({"uid": {}}, "uid_invalid", "uid"),
        ({"data_passport": []}, "passport_value_type", "data_passport"),
        ({"data_passport": "x"}, "passport_value_type", "data_passport"),
        ({"data_passport": {"a": None}}, "passport_value_type", "a"),
        ({"encrypted_passport": {}}, "jwe_malformed", "encrypted_passport"),
    ],
)
def test_refuses_signed_values_of_a_wrong_form(change: dict[str, Any], code: str, member: str) -> None:
    assert code_of_merge(change) == (code, member)


def test_unknown_members_are_dropped_with_a_warning() -> None:
    properties = merge({"plan": "gold", "initial_loading_asset": {"type": "none"}, "theme": {}, "a\nb": 1, "x" * 200: 2})
    assert properties.warnings == ("member_dropped:plan", "member_dropped:theme", "member_dropped", "member_dropped")


def test_warnings_stay_few() -> None:
    assert len(merge({f"m{number}": 1 for number in range(5000)}).warnings) == 20


def test_takes_the_properties_of_a_page_without_a_token() -> None:
    direct = DirectProperties("d", "i", "o", "v", "u", {"a": 1}, "e")
    assert take_direct(direct) == Properties("d", "i", "o", "u", "v", False, {"a": 1}, "e", ())
    assert take_direct(DirectProperties("d", "i", "o")) == Properties("d", "i", "o", None, None, False, {}, None, ())


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"deployer_id": None}, "missing_required_property"),
        ({"integration_id": None}, "missing_required_property"),
        ({"owner_id": None}, "missing_required_property"),
        ({"uid": ""}, "uid_invalid"),
        ({"uid": "anon_x"}, "uid_invalid"),
        ({"data_passport": {"a": []}}, "passport_value_type"),
        ({"data_passport": {"__proto__": 1}}, "passport_key_invalid"),
    ],
)
def test_refuses_direct_properties_of_a_wrong_form(change: dict[str, Any], code: str) -> None:
    with pytest.raises(accredit.Refused) as refusal:
        take_direct(DirectProperties(**{"deployer_id": "d", "integration_id": "i", "owner_id": "o"} | change))
    assert refusal.value.code == code
