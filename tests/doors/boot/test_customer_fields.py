"""Every customer field of protocol-boot.md section 3, at its limit and beyond it.

On one engine, since nothing here depends on it.
"""

import json

import pytest

from accredit.identity import CUSTOMER_NAMES

from .conftest import new_shop

pytestmark = pytest.mark.parametrize("server", ["sqlite"], indirect=True)

LIMITS = {
    255: "email first_name surname preferred_name partner_first_name partner_surname broadband.provider broadband.down_speed",
    50: "passport_number building_number address_1 address_2 address_3 town_city county country country_of_residence nationality"
    " relationship_status relationship_to_partner",
    15: "phone_number mobile_number national_insurance_number gender partner_sex",
    10: "title broadband.ppm",
    8: "postcode",
}
TEXTS = [(name, limit) for limit, names in LIMITS.items() for name in names.split()]
COUNTS = ("number_of_children", "number_of_cigarettes_per_week", "number_of_units_per_week", "ages_of_children")
DAYS = (
    "1968-05-30",
    "2000-02-29",
    "1968-05-30T21:12",
    "1968-05-30T21:12:22.275Z",
    "1968-05-30T21:12:22+01:00",
    "1968-05-30T21:12-0500",
)
NO_DAYS = (
    "30/05/1968",
    "1968-5-30",
    "2001-02-29",
    "1968-13-01",
    "1968-05-30T24:00",
    "1968-05-30 21:12",
    "1968-05-30T21",
    "today",
)


@pytest.fixture(scope="module")
def shop(server):
    """One integration for all tests."""
    return new_shop(server, level="BASIC")


def kept(shop, as_json=False, **fields):
    """The customer info of a boot with these fields, by plain names."""
    info = shop.visit(shop.fields(**fields), as_json=as_json)["customer_info"]
    broadband = info.pop("broadband", {})
    return info | {f"broadband.{name}": value for name, value in broadband.items()}


def assert_named(shop, name, value, *, as_json=False):
    """A field is refused, by its name and without its value."""
    answer = shop.server.boot(shop.fields(response_mode="json", **{name: value}), as_json=as_json)
    told = answer.json()
    assert (answer.status_code, told["code"], told["member"]) == (400, "field_invalid", name), value
    assert len(str(value)) < 8 or str(value) not in answer.text


def test_these_are_all_that_there_are(shop):
    full = {name: "x" for name, _ in TEXTS} | dict.fromkeys(COUNTS, "1") | {"smoker": "no", "drinker": "YES", "meta": "{}"}
    full |= {"dob": DAYS[0], "partner_dob": DAYS[3]}
    assert set(kept(shop, **full)) == set(full) == CUSTOMER_NAMES


@pytest.mark.parametrize(("name", "limit"), TEXTS)
def test_a_text_has_its_limit_in_code_points(shop, name, limit):
    full = "🙂" + "é" * (limit - 2) + "x"
    assert kept(shop, **{name: full}) == {name: full}
    assert_named(shop, name, full + "x")
    for value in (1, 1.5, True, [], {}, ["x"]):
        assert_named(shop, name, value, as_json=True)
    for absent in (None, ""):
        assert kept(shop, as_json=True, **{name: absent}) == {}


@pytest.mark.parametrize("name", COUNTS)
def test_a_count_is_an_integer_or_its_plain_text(shop, name):
    for value, read in ((0, 0), (9999, 9999), ("0", 0), ("2", 2), ("9999", 9999)):
        assert kept(shop, as_json=True, **{name: value}) == {name: read}
    for text in ("two", "-1", "10000", "01", "+1", "1.0", " 1", "1e3", "٣"):
        assert_named(shop, name, text)
    for value in (True, False, -1, 10000, 1.0, 0.5, [], {}):
        assert_named(shop, name, value, as_json=True)


@pytest.mark.parametrize("name", ["dob", "partner_dob"])
def test_a_day_is_iso_8601_and_kept_as_it_was_posted(shop, name):
    for day in DAYS:
        assert kept(shop, **{name: day}) == {name: day}
    for text in NO_DAYS:
        assert_named(shop, name, text)
    assert_named(shop, name, 19680530, as_json=True)


@pytest.mark.parametrize("name", ["smoker", "drinker"])
def test_yes_and_no_are_read_in_any_case(shop, name):
    for value in ("yes", "no", "Yes", "NO"):
        assert kept(shop, **{name: value}) == {name: value}
    for text in ("maybe", "y", "true", " yes"):
        assert_named(shop, name, text)
    assert_named(shop, name, True, as_json=True)


def test_meta_is_an_object_or_the_text_of_one(shop):
    for value in ({"a": 10**30, "b": [1.5, None, True, {"é": "🙂"}]}, {}):
        assert kept(shop, as_json=True, meta=value) == kept(shop, meta=json.dumps(value)) == {"meta": value}
    for text in ("{custom=10}", "[1]", "1", "null", '{"a":1,"a":2}', '{"a":NaN}'):
        assert kept(shop, meta=text) == {"meta": text}
        assert "field_not_json:meta" in shop.listed()[0]["warnings"]
    assert kept(shop, **{"meta[a]": "10", "[meta][b]": "", "customerInfo[meta][c]": "x"}) == {
        "meta": {"a": "10", "b": "", "c": "x"}
    }
    for value in ([], 1, True, ["x"]):
        assert_named(shop, "meta", value, as_json=True)


def test_meta_has_8_kib_at_most(shop):
    full = json.dumps({"a": "x" * (8 * 1024 - len('{"a":""}'))}, separators=(",", ":"))
    assert kept(shop, meta=full)["meta"] == kept(shop, as_json=True, meta=json.loads(full))["meta"] == json.loads(full)
    for as_json in (True, False):
        assert_named(shop, "meta", full.replace('"a"', '"aa"'), as_json=as_json)
    assert_named(shop, "meta", json.loads(full.replace('"a"', '"aa"')), as_json=True)


def test_nothing_is_opened_for_a_field_that_is_refused(shop):
    before = len(shop.listed())
    for name, value in (("postcode", "SW1A 1AA1"), ("smoker", "maybe"), ("number_of_children", True)):
        assert_named(shop, name, value, as_json=True)
    assert len(shop.listed()) == before
