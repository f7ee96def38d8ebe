"""The vectors of the embed door, every one of them, through the library as its users call it."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import accredit
from accredit.passport import Passport

VECTORS: dict[str, Any] = json.loads(Path(__file__).with_name("embed.json").read_text(encoding="utf-8"))
CASES: list[dict[str, Any]] = VECTORS["cases"]


def cases_of(kind: str) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in CASES if case["kind"] == kind]


def test_knows_the_kind_of_every_case() -> None:
    assert Counter(case["kind"] for case in CASES) == {"deployment_token": 59, "encrypted_passport": 15, "deployment_key": 8}


@pytest.mark.parametrize("case", cases_of("deployment_token"))
def test_deployment_token(case: dict[str, Any]) -> None:
    if case["expect"] == "valid":
        properties, passport = admit(case["inputs"])
        assert {
            "deployer_id": properties.deployer_id,
            "integration_id": properties.integration_id,
            "owner_id": properties.owner_id,
            "uid": properties.uid,
            "data_passport": passport.values,
            "view_id": properties.view_id,
            "warnings": list(passport.warnings),
        } == case["result"]
    else:
        with pytest.raises(accredit.Refused) as refusal:
            admit(case["inputs"])
        assert refusal.value.code == case["expect"]


def admit(inputs: dict[str, Any]) -> tuple[accredit.Properties, accredit.CheckedPassport]:
    """What a server does with a token: the steps of protocol-embed.md section 7 that need no more than the library."""
    integration = inputs["integration"]
    peeked = accredit.peek_deployment(inputs["token"])
    if peeked.deployer_id != integration["deployer_id"]:
        raise accredit.Refused("deployer_mismatch")
    properties = accredit.verify_deployment(
        peeked,
        [accredit.parse_deployment_key(VECTORS["keys"][name]["jwk"], VECTORS["keys"][name]["alg"]) for name in inputs["keys"]],
        now=inputs["now"],
        policy=accredit.TokenPolicy(**{name.removeprefix("token_"): value for name, value in inputs["policy"].items()}),
        audience=inputs["issuer"],
        origin=inputs["origin"],
        direct=accredit.DirectProperties(**inputs["direct"]),
    ).properties
    if properties.owner_id != integration["owner_id"]:
        raise accredit.Refused("owner_mismatch")
    schema = inputs.get("schema")
    rules = accredit.PassportRules(
        schema=None if schema is None else tuple(accredit.PassportKeyRule(**rule) for rule in schema),
        strict=inputs.get("strict_passport", False),
    )
    return properties, accredit.check_passport(properties.data_passport, {}, rules)


@pytest.mark.parametrize("case", cases_of("encrypted_passport"))
def test_encrypted_passport(case: dict[str, Any]) -> None:
    if case["expect"] == "valid":
        opened, key_id = open_passport(case["inputs"])
        assert (opened, key_id) == (case["result"]["passport"], "k1")
        assert [type(value) for value in opened.values()] == [type(value) for value in case["result"]["passport"].values()]
    else:
        with pytest.raises(accredit.Refused) as refusal:
            open_passport(case["inputs"])
        assert refusal.value.code == case["expect"]


def open_passport(inputs: dict[str, Any]) -> tuple[Passport, str]:
    key = inputs["key"]
    opened = accredit.open_passport(
        inputs["encrypted_passport"],
        [accredit.parse_passport_key(key["jwk"], key["alg"], key["enc"], key_id="k1")],
        integration_id=inputs["integration_id"],
        uid=inputs["uid"],
        now=inputs["now"],
        envelope=inputs.get("passport_envelope", "off"),
    )
    assert not opened.warnings
    return opened.passport, opened.key_id


@pytest.mark.parametrize("case", cases_of("deployment_key"))
def test_deployment_key(case: dict[str, Any]) -> None:
    if case["expect"] == "valid":
        key = accredit.parse_deployment_key(case["inputs"]["jwk"], case["inputs"]["alg"])
        assert key.thumbprint == case["result"]["thumbprint"]
    else:
        with pytest.raises(accredit.MalformedError) as error:
            accredit.parse_deployment_key(case["inputs"]["jwk"], case["inputs"]["alg"])
        assert error.value.code == case["expect"]


@pytest.mark.parametrize("name", VECTORS["keys"])
def test_each_private_key_signs_what_its_public_half_verifies(name: str) -> None:
    key = VECTORS["keys"][name]
    properties = {"deployer_id": "d", "integration_id": "i", "owner_id": "o"}
    token = accredit.sign_deployment(properties, key["private_jwk"])
    verified = accredit.verify_deployment(token, [accredit.parse_deployment_key(key["jwk"], key["alg"])], now=0)
    assert verified.key_id == key["thumbprint"]
