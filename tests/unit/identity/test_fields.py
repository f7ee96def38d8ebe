"""What each customer field may hold."""

from typing import Any

import pytest

import accredit
from accredit.identity import CUSTOMER_NAMES

LIMITS = {
    **dict.fromkeys(("email", "first_name", "surname", "preferred_name", "partner_first_name", "partner_surname"), 255),
    "broadband.provider": 255,
    "broadband.down_speed": 255,
    "broadband.ppm": 10,
    **dict.fromkeys(("passport_number", "building_number", "address_1", "address_2", "address_3", "town_city"), 50),
    **dict.fromkeys(("county", "country", "country_of_residence", "nationality"), 50),
    **dict.fromkeys(("relationship_status", "relationship_to_partner"), 50),
    **dict.fromkeys(("phone_number", "mobile_number", "national_insurance_number", "gender", "partner_sex"), 15),
    "title": 10,
    "postcode": 8,
}
COUNTS = ("number_of_children", "number_of_cigarettes_per_week", "number_of_units_per_week", "ages_of_children")
DATES, HABITS = ("dob", "partner_dob"), ("smoker", "drinker")


def read(name: str, value: Any) -> Any:
    fields = accredit.read_customer_fields({name: value})
    assert fields.warnings == ()
    assert fields.values.keys() <= {name}
    return fields.values.get(name)


def is_refused(name: str, value: Any) -> bool:
    with pytest.raises(accredit.MalformedError) as error:
        accredit.read_customer_fields({name: value})
    return (error.value.code, error.value.member) == ("field_invalid", name)


def test_these_are_all() -> None:
    assert {*LIMITS, *COUNTS, *DATES, *HABITS, "meta"} == CUSTOMER_NAMES


@pytest.mark.parametrize(("name", "limit"), LIMITS.items())
def test_a_text_is_kept_as_posted_up_to_its_limit_in_code_points(name: str, limit: int) -> None:
    for text in ("x", " Padded ", "a\r\nb", "x" * limit, "🙂" * limit):
        assert read(name, text[:limit]) == text[:limit]
    assert is_refused(name, "x" * (limit + 1))
    assert is_refused(name, "🙂" * (limit + 1))


@pytest.mark.parametrize("name", [*LIMITS, *DATES, *HABITS])
@pytest.mark.parametrize("value", [5, 0, 1.5, True, False, [], ["x"], {}, {"a": "b"}, "\ud800", b"x"])
def test_what_is_no_text_is_refused(name: str, value: Any) -> None:
    assert is_refused(name, value)


@pytest.mark.parametrize("name", sorted(CUSTOMER_NAMES))
@pytest.mark.parametrize("value", ["", None])
def test_empty_text_and_null_are_absence(name: str, value: Any) -> None:
    assert accredit.read_customer_fields({name: value}) == accredit.CustomerFields()


@pytest.mark.parametrize("name", COUNTS)
def test_a_count_is_an_integer_or_its_plain_text(name: str) -> None:
    for count in (0, 1, 9, 10, 2024, 9999):
        assert read(name, count) == read(name, str(count)) == count
        assert type(read(name, str(count))) is int


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize(
    "value", [-1, 10_000, 1.0, 2.5, True, False, [], {}, "00", "01", "+1", "-1", "1.0", "1e1", " 1", "1\n", "two", "10000", "٣"]
)
def test_nothing_else_is_a_count(name: str, value: Any) -> None:
    assert is_refused(name, value)


@pytest.mark.parametrize("name", DATES)
@pytest.mark.parametrize(
    "text",
    [
        *("1968-05-30", "1968-05-30T21:12:22.275Z", "1978-12-06T12:27:41.201Z", "2000-02-29", "2024-02-29", "0000-01-01"),
        *("1968-05-30T21:12", "1968-05-30T00:00:59", "1968-05-30T23:59Z", "1968-05-30T21:12:22+01:00", "1968-05-30T21:12-0530"),
        *("1968-05-30T21:12:22.1", "1968-05-30T21:12:22.123456789Z", "1999-12-31", "1999-04-30", "9999-10-31"),
    ],
)
def test_a_date_is_kept_as_posted(name: str, text: str) -> None:
    assert read(name, text) == text


@pytest.mark.parametrize("name", DATES)
@pytest.mark.parametrize(
    "text",
    [
        *("30/05/1968", "1968-5-30", "1968-05-30T", "1968-05-30 21:12", "1968-05-30T21", "1968-05-30T21:12:22.", "68-05-30"),
        *("1968-00-30", "1968-13-30", "1968-05-00", "1968-05-32", "1968-04-31", "1968-06-31", "1968-09-31", "1968-11-31"),
        *(
            "1900-02-29",
            "2023-02-29",
            "2000-02-30",
            "1968-05-30T24:00",
            "1968-05-30T21:60",
            "1968-05-30T21:12:60",
            "1968-05-30Z",
        ),
        *("1968-05-30T21:12:22.275z", "1968-05-30T21:12+1", "1968-05-30T21:12+24:00", "1968-05-30T21:12+01:60", "1968-05-30\n"),
        *("1968-05-30T21:12:22.1234567890", "١٩٦٨-٠٥-٣٠", "-1968-05-30", "1968-05-30T21:12:22,5Z", "2100-02-29"),
    ],
)
def test_nothing_else_is_a_date(name: str, text: str) -> None:
    assert is_refused(name, text)


@pytest.mark.parametrize("name", HABITS)
def test_a_habit_is_yes_or_no_in_any_case(name: str) -> None:
    for text in ("yes", "no", "YES", "No", "yEs"):
        assert read(name, text) == text
    for text in ("maybe", "y", "yes ", "true", "nope", "noyes", "yeſ"):
        assert is_refused(name, text)


def nested(levels: int) -> dict[str, Any]:
    return {"a": nested(levels - 1)} if levels > 1 else {"a": 1}


@pytest.mark.parametrize(
    "meta", [{}, {"a": 1}, {"a": None, "b": [True, 1.5, "é", {}]}, nested(5), {"a": "x" * 8184}, {"id": 2**63}]
)
def test_meta_is_an_object(meta: dict[str, Any]) -> None:
    assert read("meta", meta) == meta


@pytest.mark.parametrize("meta", [5, 1.5, True, False, [], [{}], nested(6), {"a": "x" * 8185}, {"a": "\ud800"}, {"a": {1, 2}}])
def test_or_nothing_else_that_is_not_text(meta: Any) -> None:
    assert is_refused("meta", meta)


@pytest.mark.parametrize(("text", "meta"), [('{"a":1}', {"a": 1}), (' {"a" : [ ] }\n', {"a": []}), ("{}", {})])
def test_the_text_of_an_object_is_the_object(text: str, meta: dict[str, Any]) -> None:
    assert read("meta", text) == meta


@pytest.mark.parametrize(
    "text",
    [
        "{custom=10}",
        "10",
        "[1]",
        "null",
        '"a"',
        '{"a":1,"a":2}',
        '{"a":NaN}',
        '{"a":1',
        '{"a":' * 6 + "1" + "}" * 6,
        "x" * 8192,
    ],
)
def test_other_text_is_kept_with_a_warning(text: str) -> None:
    fields = accredit.read_customer_fields({"meta": text})
    assert fields == accredit.CustomerFields({"meta": text}, ("field_not_json:meta",))


@pytest.mark.parametrize("text", ["x" * 8193, "é" * 4097, '{"a":"' + "x" * 8185 + '"}', "\ud800"])
def test_meta_has_8_kib_of_utf_8(text: str) -> None:
    assert is_refused("meta", text)


def test_members_in_brackets_are_texts() -> None:
    assert accredit.read_customer_fields({"meta[a]": "1", "meta[b]": "{}"}).values == {"meta": {"a": "1", "b": "{}"}}
    assert accredit.read_customer_fields({"meta[a]": None}).values == {}
    for odd in (5, True, {}, [], "\ud800", "x" * 8185):
        with pytest.raises(accredit.MalformedError, match="field_invalid: meta"):
            accredit.read_customer_fields({"meta[a]": odd})


def test_what_was_read_does_not_hang_on_what_was_given() -> None:
    meta = {"a": {"b": 1}}
    fields = accredit.read_customer_fields({"meta": meta})
    meta["a"]["b"] = 2
    assert fields.values == {"meta": {"a": {"b": 1}}}


def test_the_application_gets_broadband_as_an_object() -> None:
    body = {"email": "a@x.example", "broadbandPpm": "28", "broadband": {"provider": "BT"}, "meta": {"a": 1}, "smoker": "No"}
    assert accredit.read_customer_fields(body).customer_info == {
        "email": "a@x.example",
        "meta": {"a": 1},
        "smoker": "No",
        "broadband": {"ppm": "28", "provider": "BT"},
    }
    assert accredit.CustomerFields().customer_info == {}


def test_the_e_mail_is_told_as_posted() -> None:
    assert accredit.read_customer_fields({"email": " Jane@X.example "}).email == " Jane@X.example "
    assert accredit.read_customer_fields({"first_name": "Jane"}).email is None
