"""What a person types for a step: read with the rules of the API, each fault beside its field."""

import pytest

from accredit.server.gate.flow.user import Address, IdNumber, Name, User
from accredit.server.steps.fields import read_fields
from accredit.server.steps.screens import FORM_FIELDS, OPTIONAL_FIELDS

ADDRESS = {"address.street": "1 Main St", "address.city": "Pawnee", "address.country_code": "us"}


def test_every_member_of_a_person_has_its_fields():
    assert set(FORM_FIELDS) == set(User.__struct_fields__)
    assert {field for fields in FORM_FIELDS.values() for field in fields} > OPTIONAL_FIELDS


@pytest.mark.parametrize(
    ("member", "form", "user"),
    [
        ("email", {"email": " a@shop.example "}, User(email="a@shop.example")),
        ("phone", {"phone": "+47 (12) 34-56.78"}, User(phone="+4712345678")),
        ("name", {"name.first": "Leslie", "name.last": " Knope "}, User(name=Name(first="Leslie", last="Knope"))),
        ("date_of_birth", {"date_of_birth": "1975-01-18"}, User(date_of_birth="1975-01-18")),
        ("address", ADDRESS, User(address=Address(street="1 Main St", city="Pawnee", country_code="US"))),
        (
            "address",
            {**ADDRESS, "address.street2": "", "address.postal_code": " 46001 "},
            User(address=Address(street="1 Main St", city="Pawnee", country_code="US", postal_code="46001")),
        ),
        (
            "id_number",
            {"id_number.type": "us_ssn", "id_number.value": "123-45-6788"},
            User(id_number=IdNumber(type="us_ssn", value="123456788")),
        ),
    ],
)
def test_reads_what_people_write(member, form, user):
    assert read_fields([member], {**form, "unknown": "x"}) == (user, {})


@pytest.mark.parametrize(
    ("members", "form", "faults"),
    [
        (["email", "name"], {"name.first": " "}, {"email": "missing", "name.first": "missing", "name.last": "missing"}),
        (["email"], {"email": "nobody"}, {"email": "invalid"}),
        (["phone"], {"phone": "12345678"}, {"phone": "invalid"}),
        (["date_of_birth"], {"date_of_birth": "1975-02-30"}, {"date_of_birth": "invalid"}),
        (["address"], {**ADDRESS, "address.country_code": "usa"}, {"address.country_code": "invalid"}),
        (["name"], {"name.first": "A\u2028B", "name.last": "x" * 256}, {"name.last": "invalid"}),
        (["id_number"], {"id_number.type": "us_ssn", "id_number.value": "12"}, {"id_number.value": "invalid"}),
        (["email", "phone"], {"email": "a@shop.example", "phone": "1"}, {"phone": "invalid"}),
    ],
)
def test_a_fault_stands_beside_its_field_and_nothing_is_taken(members, form, faults):
    assert read_fields(members, form) == (User(), faults)
