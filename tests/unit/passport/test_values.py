import math
from typing import Any

import pytest

import accredit
from accredit.passport import CheckedPassport, Passport, PassportKeyRule, PassportRules, check_passport, check_values


def refusal_of(passport: Any) -> tuple[str, str | None]:
    with pytest.raises(accredit.Refused) as refusal:
        check_values(passport)
    return refusal.value.code, refusal.value.member


@pytest.mark.parametrize(
    "value", ["", "Ada", "x" * 4096, "\U0001f642" * 4096, True, False, 0, -1, 2**53 - 1, 1 - 2**53, 0.5, 1e300, -0.0]
)
def test_accepts_strings_booleans_and_numbers(value: Any) -> None:
    checked = check_values({"a": value})
    assert checked == {"a": value}
    assert type(checked["a"]) is type(value)


@pytest.mark.parametrize("value", [None, [], ["x"], {}, math.nan, math.inf, -math.inf, 2**53, -(2**53), 10**400, b"x"])
def test_refuses_other_values(value: Any) -> None:
    assert refusal_of({"a": value}) == ("passport_value_type", "a")


def test_refuses_a_lone_surrogate() -> None:
    assert refusal_of({"a": "\ud800"}) == ("passport_value_type", "data_passport")


@pytest.mark.parametrize("passport", [None, [], "x", 1, True])
def test_refuses_what_is_no_object(passport: Any) -> None:
    assert refusal_of(passport) == ("passport_value_type", "data_passport")


@pytest.mark.parametrize("name", ["a", "a" * 64, "card.number-1_x", "0", "proto", "__proto"])
def test_accepts_keys(name: str) -> None:
    assert check_values({name: 1}) == {name: 1}


@pytest.mark.parametrize(
    "name", ["", "a" * 65, "a b", "a\n", "é", "a:b", "__proto__", "constructor", "prototype", 1, None, ("a",)]
)
def test_refuses_keys(name: Any) -> None:
    assert refusal_of({name: 1}) == ("passport_key_invalid", "data_passport")


def test_a_string_has_4096_characters() -> None:
    assert refusal_of({"a": "x" * 4097}) == ("passport_too_large", "a")


def test_a_passport_has_100_keys() -> None:
    check_values({f"k{number}": 1 for number in range(100)})
    assert refusal_of({f"k{number}": 1 for number in range(101)}) == ("passport_too_large", "data_passport")


def test_a_passport_has_32_kib() -> None:
    def passport(octets: int) -> dict[str, str]:
        full = {f"k{number}": "é" * 2000 for number in range(8)}  # 8 times `"kN":"...",`, braces instead of the last comma
        rest = octets - (8 * (4000 + 8) + 1) - len(',"z":""')
        return full | {"z": "x" * rest}

    check_values(passport(32 * 1024))
    assert refusal_of(passport(32 * 1024 + 1)) == ("passport_too_large", "data_passport")


SCHEMA = (
    PassportKeyRule("first_name", "string", required=True),
    PassportKeyRule("age", "number"),
    PassportKeyRule("vip", "boolean"),
    PassportKeyRule("card", "string", encrypted_only=True),
    PassportKeyRule("anything"),
)
RULES, STRICT = PassportRules(SCHEMA), PassportRules(SCHEMA, strict=True)
ADA: Passport = {"first_name": "Ada"}


def refusal_of_rules(plain: Passport, opened: Passport, rules: PassportRules = RULES) -> tuple[str, str | None]:
    with pytest.raises(accredit.Refused) as refusal:
        check_passport(plain, opened, rules)
    return refusal.value.code, refusal.value.member


def test_without_a_schema_every_key_passes() -> None:
    assert check_passport({"a": 1}, {"b": 2}, PassportRules()) == CheckedPassport({"a": 1, "b": 2}, ("b",), ())
    assert check_passport({}, {}, PassportRules()) == CheckedPassport()


@pytest.mark.parametrize("plain", [{}, {"card": "{{YOUR-VALUE}}"}, {"age": 1}])
def test_the_encrypted_value_wins_and_is_for_a_backend_only(plain: Passport) -> None:
    checked = check_passport({**ADA, **plain}, {"card": "4111", "age": 36}, RULES)
    assert checked.values == {"first_name": "Ada", "card": "4111", "age": 36}
    assert checked.server_only == ("card", "age")


def test_a_required_key_may_come_either_way() -> None:
    assert check_passport(ADA, {}, RULES).values == ADA
    assert check_passport({}, ADA, RULES).server_only == ("first_name",)
    assert refusal_of_rules({"age": 1}, {}) == ("passport_key_missing", "first_name")


@pytest.mark.parametrize(
    ("name", "value"),
    [("first_name", 1), ("first_name", True), ("age", "36"), ("age", True), ("vip", 1), ("vip", "true"), ("vip", 0.0)],
)
def test_refuses_values_of_another_type_than_declared(name: str, value: Any) -> None:
    assert refusal_of_rules({**ADA, name: value}, {}) == ("passport_value_type", name)
    assert refusal_of_rules(ADA, {name: value}) == ("passport_value_type", name)


@pytest.mark.parametrize("value", ["x", 1, 1.5, True])
def test_any_is_every_type(value: Any) -> None:
    assert check_passport({**ADA, "anything": value}, {}, RULES).values["anything"] == value


def test_undeclared_keys_are_dropped_or_refused() -> None:
    for plain, opened in (({**ADA, "plan": "x"}, {}), (ADA, {"plan": "x"})):
        assert check_passport(plain, opened, RULES) == CheckedPassport(ADA, (), ("passport_key_undeclared:plan",))
        assert refusal_of_rules(plain, opened, STRICT) == ("passport_key_undeclared", "plan")


def test_a_value_for_encrypted_eyes_is_refused_in_plain() -> None:
    assert refusal_of_rules({**ADA, "card": "4111"}, {}) == ("passport_encrypted_only", "card")
    assert refusal_of_rules({**ADA, "card": "4111"}, {"card": "4111"}) == ("passport_encrypted_only", "card")


def test_a_placeholder_left_over() -> None:
    left = "{{YOUR-VALUE}}"
    assert refusal_of_rules({"first_name": left}, {}) == ("passport_placeholder_left", "first_name")
    assert refusal_of_rules({}, {"first_name": left}) == ("passport_placeholder_left", "first_name")
    assert check_passport({**ADA, "age": left, "card": left}, {}, RULES) == CheckedPassport(
        ADA, (), ("passport_placeholder_left:age", "passport_placeholder_left:card")
    )
    assert check_passport(ADA, {"card": left}, RULES).values == ADA
    assert check_passport({"a": left}, {}, PassportRules()).values == {}


def test_a_placeholder_of_an_encrypted_value_is_dropped_where_the_value_came() -> None:
    rules = PassportRules((PassportKeyRule("card", "string", required=True, encrypted_only=True),))
    left = {"card": "{{YOUR-VALUE}}"}
    assert check_passport(left, {"card": "4111"}, rules).values == {"card": "4111"}
    assert refusal_of_rules(left, {}, rules) == ("passport_key_missing", "card")
    assert refusal_of_rules(left, left, rules) == ("passport_placeholder_left", "card")


@pytest.mark.parametrize("text", ["{{your-value}}", "{{}}", " {{A}}", "{{A}} ", "{{A}}\n", "{A}", "{{A}}{{B}}", "x{{A}}"])
def test_what_only_looks_like_a_placeholder_is_a_value(text: str) -> None:
    assert check_passport({"first_name": text}, {}, RULES).values == {"first_name": text}


def test_two_passports_have_100_keys_together() -> None:
    plain, opened = ({f"{side}{number}": 1 for number in range(60)} for side in "po")
    assert refusal_of_rules(plain, opened, PassportRules()) == ("passport_too_large", "data_passport")
    assert len(check_passport(plain, plain, PassportRules()).values) == 60
