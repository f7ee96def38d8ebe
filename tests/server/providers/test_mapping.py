"""From claims to attributes (protocol-rest.md section 13), and every claim of the Finnish trust network's vector."""

import json
from pathlib import Path
from typing import Any

import pytest

from accredit.server.providers.mapping import find_claim, map_claims
from accredit.server.providers.records import ProviderRecord, Rule

from .conftest import LIVE, sandbox_record

VECTORS: Any = json.loads((Path(__file__).parents[2] / "vectors" / "rest.json").read_text(encoding="utf-8"))
HETU = "070770-9019"


def oidc(profile: str = "generic", **members: Any) -> ProviderRecord:
    known = {"flows": ("redirect",), "loa": "high", "display_name": "", "settings": {"profile": profile}}
    return ProviderRecord(scope=LIVE, provider_id="p", ref="prv_1", kind="oidc", **{**known, **members})


FTN_VALUES = {
    "nin": (HETU, {"value": HETU, "issuingCountry": "FI", "type": "PERSON"}),
    "ftnHetu": (HETU, HETU),
    "dateOfBirth": ("1970-07-07", "1970-07-07"),
}


@pytest.mark.parametrize("row", [row for row in VECTORS["ftn_mapping"] if row["claim"] != "sub"], ids=lambda row: row["claim"])
def test_every_claim_of_the_finnish_network_is_an_attribute(row):
    """`sub` is the `idpId`, which is no attribute that is mapped."""
    for attribute in row["attributes"]:
        told, expected = FTN_VALUES.get(attribute, ("Väinö", "Väinö"))
        mapped = map_claims(oidc("ftn"), {row["claim"]: told, "other": "x"}, [attribute])
        assert mapped.subject == {attribute: expected}


def test_maps_the_standard_claims_of_openid_connect():
    claims = {
        "given_name": "Åse",
        "family_name": "Ødegård",
        "birthdate": "1985-03-17",
        "phone_number": "+47 (00) 00-00.01",
        "address": {"street_address": "Gate 1", "postal_code": "0150", "region": "Oslo", "country": 47},
        "email": "a@b.example",
    }
    wanted = ["firstName", "lastName", "dateOfBirth", "phoneNumber", "address", "email", "nin"]
    mapped = map_claims(oidc(), claims, wanted)
    assert mapped.subject == {
        "address": {"streetAddress": "Gate 1", "postalCode": "0150"},
        "dateOfBirth": "1985-03-17",
        "email": "a@b.example",
        "firstName": "Åse",
        "lastName": "Ødegård",
        "phoneNumber": "+4700000001",
    }
    assert mapped.left_out == ()


def test_only_what_was_asked_for():
    claims = {"given_name": "Åse", "family_name": "Ødegård", "id": "x", "idpId": "y"}
    assert map_claims(oidc(), claims, ["firstName", "id", "idpId"]).subject == {"firstName": "Åse"}
    assert map_claims(oidc(), claims, []).subject == {}


@pytest.mark.parametrize(
    ("rule", "claim", "expected"),
    [
        ({}, "text", "text"),
        ({}, "x" * 512, "x" * 512),
        ({}, "x" * 513, None),
        ({}, "", None),
        ({}, 7, None),
        ({"read_as": "bool"}, True, True),
        ({"read_as": "bool"}, "false", False),
        ({"read_as": "bool"}, "yes", None),
        ({"read_as": "bool"}, 1, None),
        ({"read_as": "date"}, "1985-03-17", "1985-03-17"),
        ({"read_as": "date"}, "19850317", "1985-03-17"),
        ({"read_as": "date"}, "17.03.1985", "1985-03-17"),
        ({"read_as": "date"}, "17.3.1985", None),
        ({"read_as": "date"}, "1985-02-30", None),
        ({"read_as": "date"}, "१९८५-०३-१७", None),
        ({"read_as": "date"}, 19850317, None),
        ({"read_as": "json"}, {"a": [1]}, {"a": [1]}),
        ({"read_as": "nin", "country": "SE"}, "1", {"value": "1", "issuingCountry": "SE", "type": "PERSON"}),
        ({"read_as": "nin", "country": "SE", "type": "BIRTH"}, "1", {"value": "1", "issuingCountry": "SE", "type": "BIRTH"}),
        ({"read_as": "nin"}, "1", None),
        ({"read_as": "nin"}, {"value": "1", "issuingCountry": "dk"}, None),
        ({"read_as": "nin"}, {"value": "1", "issuingCountry": "DK", "type": "OTHER"}, None),
        ({"read_as": "nin"}, {"value": "1", "issuingCountry": "DK"}, {"value": "1", "issuingCountry": "DK", "type": "PERSON"}),
    ],
)
def test_reads_a_claim_as_the_rule_says(rule, claim, expected):
    record = oidc(mapping={"x": Rule(claim="c", **rule)})
    mapped = map_claims(record, {"c": claim}, ["x"])
    assert mapped.subject == ({} if expected is None else {"x": expected})
    assert mapped.left_out == (("x",) if expected is None else ())


@pytest.mark.parametrize(
    ("attribute", "rule", "claim"),
    [
        ("phoneNumber", {}, "0800 123"),
        ("nationality", {}, "Norway"),
        ("nationality", {}, "no"),
        ("dateOfBirth", {}, "17.03.1985"),
        ("firstName", {"read_as": "json"}, {"a": 1}),
        ("nin", {}, "123"),
        ("address", {"read_as": "json"}, "Street 1"),
        ("address", {"read_as": "json"}, {"region": "x"}),
    ],
)
def test_what_is_known_of_an_attribute_holds_whatever_the_rule_says(attribute, rule, claim):
    record = oidc(mapping={attribute: Rule(claim="c", **rule)})
    assert map_claims(record, {"c": claim}, [attribute]).subject == {}


def test_a_constant_needs_no_claim():
    record = oidc(mapping={"source": Rule(const="eid"), "18OrOlder": Rule(const=True)})
    assert map_claims(record, {}, ["source", "18OrOlder"]).subject == {"source": "eid", "18OrOlder": True}


def test_the_record_says_more_than_the_kind():
    record = oidc(mapping={"firstName": Rule(claim="forename")})
    assert map_claims(record, {"given_name": "A", "forename": "B"}, ["firstName"]).subject == {"firstName": "B"}


def test_what_is_required_and_missing_is_told_though_nobody_asked():
    record = oidc(required_attributes=("nin", "firstName"), mapping={"nin": Rule(claim="pid", read_as="nin", country="NO")})
    assert map_claims(record, {"given_name": "Åse"}, []).missing == ("nin",)
    assert map_claims(record, {"given_name": "Åse", "pid": "1"}, []).missing == ()
    assert map_claims(record, {"given_name": "Åse", "pid": "1"}, []).subject == {}


def test_the_country_of_a_number_alone():
    nin = {"value": "1", "issuingCountry": "NO", "type": "PERSON"}
    assert map_claims(sandbox_record(), {"nin": nin}, ["nin.issuingCountry"]).subject == {"nin": {"issuingCountry": "NO"}}
    assert map_claims(sandbox_record(), {"nin": nin}, ["nin.issuingCountry", "nin"]).subject == {"nin": nin}
    assert map_claims(sandbox_record(), {}, ["nin.issuingCountry"]).subject == {}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a", {"b.c": {"d": 1}, "e": None}),
        ("a.b.c.d", 1),
        ("urn:oid:1.2.3", "x"),
        ("a.e", None),
        ("a.b", None),
        ("text.b", None),
        ("nothing", None),
    ],
)
def test_finds_a_claim_at_a_path(path, found):
    claims = {"a": {"b.c": {"d": 1}, "e": None}, "urn:oid:1.2.3": "x", "text": "y"}
    assert find_claim(claims, path) == found


def test_a_name_that_nobody_knows_stays_unanswered():
    mapped = map_claims(oidc(), {"shoeSize": "44"}, ["shoeSize"])
    assert (mapped.subject, mapped.missing, mapped.left_out) == ({}, (), ())
