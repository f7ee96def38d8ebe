"""What clients call one and the same field, and that no body may name it twice."""

from typing import Any

import pytest

import accredit
from accredit.identity import Body


def values_of(body: Body) -> Any:
    return accredit.read_customer_fields(body).values


def error_of(body: Body) -> tuple[str, str | None]:
    with pytest.raises(accredit.MalformedError) as error:
        accredit.read_customer_fields(body)
    return error.value.code, error.value.member


@pytest.mark.parametrize("name", ["email", "[email]", "customerInfo[email]"])
def test_a_field_has_three_names_in_a_form(name: str) -> None:
    assert values_of([(name, "a@x.example")]) == {"email": "a@x.example"}
    assert values_of({name: "a@x.example"}) == {"email": "a@x.example"}


def test_a_field_may_be_a_member_of_an_object() -> None:
    assert values_of({"customerInfo": {"email": "a@x.example"}}) == {"email": "a@x.example"}


@pytest.mark.parametrize(
    "name",
    [
        *("broadband[ppm]", "customerInfo[broadband][ppm]", "[broadband][ppm]", "broadband.ppm", "customerInfo[broadband.ppm]"),
        *("broadbandPpm", "[broadbandPpm]", "customerInfo[broadbandPpm]"),
    ],
)
def test_broadband_has_more_names(name: str) -> None:
    assert values_of([(name, "28")]) == {"broadband.ppm": "28"}


@pytest.mark.parametrize(
    "body",
    [
        {"broadband": {"ppm": "28"}},
        {"[broadband]": {"ppm": "28"}},
        {"customerInfo": {"broadband": {"ppm": "28"}}},
        {"customerInfo": {"broadbandPpm": "28"}},
        {"customerInfo": {"broadband.ppm": "28"}},
    ],
)
def test_broadband_may_be_an_object(body: dict[str, Any]) -> None:
    assert values_of(body) == {"broadband.ppm": "28"}


@pytest.mark.parametrize(
    ("old", "name"),
    [
        ("broadbandProvider", "broadband.provider"),
        ("broadbandPpm", "broadband.ppm"),
        ("broadbandDownSpeed", "broadband.down_speed"),
    ],
)
def test_old_clients_name_broadband_flat(old: str, name: str) -> None:
    assert values_of([(old, "7")]) == {name: "7"}


def test_broadband_may_be_spread_over_several_spellings() -> None:
    body = {"broadband": {"ppm": "1"}, "customerInfo": {"broadband": {"provider": "BT"}}, "broadbandDownSpeed": "9"}
    assert values_of(body) == {"broadband.ppm": "1", "broadband.provider": "BT", "broadband.down_speed": "9"}


@pytest.mark.parametrize("name", ["meta[a]", "customerInfo[meta][a]", "[meta][a]"])
def test_brackets_name_members_of_meta(name: str) -> None:
    assert values_of([(name, "10"), ("meta[b]", "")]) == {"meta": {"a": "10", "b": ""}}


TWICE = [
    ("email", "[email]"),
    ("email", "customerInfo[email]"),
    ("[email]", "customerInfo[email]"),
    ("email", "email"),
    ("broadband[ppm]", "broadbandPpm"),
    ("broadband.ppm", "customerInfo[broadband][ppm]"),
    ("meta", "customerInfo[meta]"),
    ("shoe_size", "[shoe_size]"),
    ("cp_id", "cp_id"),
]


@pytest.mark.parametrize(("one", "other"), TWICE)
@pytest.mark.parametrize(("first", "second"), [("1", "1"), ("", "1"), ("1", ""), ("", "")])
def test_a_name_that_comes_twice_is_refused_whatever_it_holds(one: str, other: str, first: str, second: str) -> None:
    name = {"broadband[ppm]": "broadband.ppm"}.get(one, one).strip("[]")
    assert error_of([(one, first), (other, second)]) == ("request_malformed", name)


@pytest.mark.parametrize(
    ("body", "member"),
    [
        ({"email": None, "customerInfo": {"email": "b@x.example"}}, "email"),
        ({"email": "a@x.example", "[email]": "b@x.example"}, "email"),
        ({"broadband": {"ppm": "1"}, "broadbandPpm": "1"}, "broadband.ppm"),
        ({"broadband": {"ppm": "1"}, "customerInfo": {"broadband": {"ppm": "2"}}}, "broadband.ppm"),
        ({"meta": {"a": "1"}, "meta[b]": "2"}, "meta"),
        ({"meta[b]": "2", "meta": ""}, "meta"),
        ({"meta[b]": "2", "[meta][b]": "2"}, "meta[b]"),
        ({"shoe size": "1", "[shoe size]": "1"}, None),
    ],
)
def test_so_is_one_that_comes_twice_in_json(body: dict[str, Any], member: str | None) -> None:
    assert error_of(body) == ("request_malformed", member)


@pytest.mark.parametrize("name", ["customerInfo", "broadband", "[broadband]", "customerInfo[broadband]"])
@pytest.mark.parametrize("value", ["[object Object]", 5, True, [], ["a"], {1: "a"}])
def test_a_container_that_is_none_is_refused(name: str, value: Any) -> None:
    assert error_of({name: value}) == ("field_invalid", "customerInfo" if name == "customerInfo" else "broadband")


@pytest.mark.parametrize("name", ["customerInfo", "broadband"])
@pytest.mark.parametrize("value", ["", None, {}])
def test_an_empty_container_is_absence(name: str, value: Any) -> None:
    assert accredit.read_customer_fields({name: value}) == accredit.CustomerFields()


DROPPED = [
    ("shoe_size", "shoe_size"),
    ("[$stable]", "$stable"),
    ("customerInfo[shoe-size]", "shoe-size"),
    ("email[]", "email[]"),
    ("[email", "[email"),
    ("email]", "email]"),
    ("meta[a][b]", "meta[a][b]"),
    ("broadband[speed]", "broadband[speed]"),
    ("broadband[ppm][x]", "broadband[ppm][x]"),
    ("[customerInfo][email]", "customerInfo[email]"),
    ("customerInfo[customerInfo]", "customerInfo"),
    ("data[email]", "data[email]"),
    ("Email", "Email"),
    ("email ", None),
    ("jane@x.example", None),
    ("é", None),
    ("", None),
    ("a" * 64, "a" * 64),
    ("a" * 65, None),
    ("[cp_id]", "customerInfo[cp_id]"),
    ("customerInfo[page]", "customerInfo[page]"),
]


@pytest.mark.parametrize(("name", "told"), DROPPED)
def test_an_unknown_name_is_dropped_and_told_only_if_it_is_a_name(name: str, told: str | None) -> None:
    fields = accredit.read_customer_fields([(name, "1")])
    assert fields == accredit.CustomerFields({}, (f"field_dropped:{told}" if told else "field_dropped",))


def test_no_more_names_are_told_than_can_be_read() -> None:
    fields = accredit.read_customer_fields([(f"x{number}", "") for number in range(30)])
    assert fields.warnings == tuple(f"field_dropped:x{number}" for number in range(20))


def test_the_boot_s_own_fields_are_passed_over() -> None:
    names = accredit.identity.BOOT_NAMES
    assert accredit.read_customer_fields([(name, "1") for name in names]) == accredit.CustomerFields()
    assert len(names) == 13
