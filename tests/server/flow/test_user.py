"""What may be told of a person, wherever it is told (protocol-flow.md section 9)."""

from typing import Any

import pytest

from accredit.errors import MalformedError
from accredit.server.gate.flow import User, parse_member, parse_user

WHOLE: dict[str, Any] = {
    "email": "ada@example.org",
    "phone": "+4712345678",
    "name": {"first": "Ada", "last": "Lovelace"},
    "date_of_birth": "1990-12-10",
    "address": {"street": "Storgata 1", "city": "Oslo", "country_code": "NO", "postal_code": "0155"},
    "id_number": {"value": "123-45-6788", "type": "us_ssn", "category": "national"},
}


def test_reads_every_member() -> None:
    user = parse_user({**WHOLE, "customer_reference": "user-1", "shoe_size": 43})
    assert user.known() == ("email", "phone", "name", "date_of_birth", "address", "id_number")
    assert user.as_json() == {**WHOLE, "id_number": {**WHOLE["id_number"], "value": "123456788"}}


@pytest.mark.parametrize("email", ["a@b", "ada+bounce@example.org", "ådå@bücher.example", f"{'a' * 64}@example.org"])
def test_takes_addresses_that_may_be_real(email: str) -> None:
    assert parse_user({"email": email}).email == email


def test_null_is_not_known() -> None:
    assert parse_user(dict.fromkeys(WHOLE)) == User()
    assert parse_user({"address": {**WHOLE["address"], "street2": None}}).address is not None


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"email": "ada"}, "email"),
        ({"email": "ada@example.org\n"}, "email"),
        ({"email": f"ada@{'e' * 251}"}, "email"),
        ({"email": 1}, "email"),
        ({"phone": "12345678"}, "phone"),
        ({"phone": "+0123456789"}, "phone"),
        ({"phone": "+4712345678\n"}, "phone"),
        ({"name": {"first": "Ada"}}, "name.last"),
        ({"name": {"first": "Ada", "last": None}}, "name.last"),
        ({"name": {"first": "Ada", "last": ""}}, "name.last"),
        ({"name": {"first": "Ada", "last": " "}}, "name.last"),
        ({"name": {"first": "Ada", "last": "\ud800"}}, "name.last"),
        ({"name": "Ada Lovelace"}, "name"),
        ({"name": {"first": "A\u2028da", "last": "Lovelace"}}, "name.first"),
        ({"date_of_birth": "1990-02-30"}, "date_of_birth"),
        ({"date_of_birth": "10.12.1990"}, "date_of_birth"),
        ({"address": {"street": "Storgata 1", "city": "Oslo"}}, "address.country_code"),
        ({"address": {"street": "Storgata 1", "city": "Oslo", "country_code": "no"}}, "address.country_code"),
        ({"address": {"city": "Oslo", "country_code": "NO"}}, "address.street"),
        ({"id_number": {"type": "us_ssn"}}, "id_number.value"),
        ({"id_number": {"value": "1", "type": "US"}}, "id_number.type"),
        ({"id_number": {"value": "١٢٣٤٥٦٧٨٩", "type": "us_ssn"}}, "id_number.value"),
    ],
)
def test_names_the_member_that_is_at_fault(members: dict[str, Any], path: str) -> None:
    with pytest.raises(MalformedError) as refused:
        parse_user(members)
    assert (refused.value.code, refused.value.member) == ("validation_failed", path)


@pytest.mark.parametrize(("name", "value"), [("email", None), ("customer_reference", "user-1"), ("email", "ada")])
def test_a_single_member_has_to_be_one(name: str, value: Any) -> None:
    with pytest.raises(MalformedError, match=f"validation_failed: {name}"):
        parse_member(name, value)


def test_merges_member_by_member() -> None:
    first, second = parse_user({"email": "a@example.org", "phone": "+4712345678"}), parse_user({"email": "b@example.org"})
    assert first.merged(second).as_json() == {"email": "b@example.org", "phone": "+4712345678"}
    assert first.only(frozenset({"phone", "name"})).as_json() == {"phone": "+4712345678"}
