from typing import Any

import pytest

import accredit
from accredit.deployment import TOKEN_TYPE
from accredit.encoding import b64url_decode, parse_json

NOW = 1_700_000_000
PROPERTIES = {"deployer_id": "d", "integration_id": "i", "owner_id": "o", "uid": "u", "data_passport": {"a": 1, "b": True}}
STRICTEST = accredit.TokenPolicy("require", "require", "require", "require", "require")


def header_of(token: str) -> Any:
    return parse_json(b64url_decode(token.split(".")[0]), max_depth=2)


def refusal_of(properties: Any, made: accredit.GeneratedKey, **arguments: Any) -> tuple[str, str | None]:
    with pytest.raises(accredit.Refused) as refusal:
        accredit.sign_deployment(properties, made.private_jwk, **arguments)
    return refusal.value.code, refusal.value.member


def test_signs_as_the_original_does(made: accredit.GeneratedKey, key: accredit.DeploymentKey) -> None:
    token = accredit.sign_deployment(PROPERTIES, made.private_jwk)
    assert token.startswith("eyJhbGciOiJFUzUxMiJ9.")
    assert len(token.split(".")[2]) == 176
    assert accredit.peek_deployment(token).payload == PROPERTIES
    assert accredit.verify_deployment(token, [key], now=NOW).properties.data_passport == {"a": 1, "b": True}


def test_an_extended_token_passes_the_strictest_policy(made: accredit.GeneratedKey, key: accredit.DeploymentKey) -> None:
    token = accredit.sign_deployment(
        PROPERTIES, made.private_jwk, now=NOW, audience="https://id.example", origins=["https://shop.example"]
    )
    assert header_of(token) == {"alg": "ES512", "kid": made.thumbprint, "typ": TOKEN_TYPE}
    verified = accredit.verify_deployment(
        token, [key], now=NOW, policy=STRICTEST, audience="https://id.example", origin="https://shop.example"
    )
    assert (verified.expires, verified.warnings) == (NOW + 300, ())
    assert verified.jti is not None


def test_each_extended_token_is_another(made: accredit.GeneratedKey) -> None:
    peeked = [accredit.peek_deployment(accredit.sign_deployment(PROPERTIES, made.private_jwk, now=NOW)) for _ in range(9)]
    assert len({str(each.payload["jti"]) for each in peeked}) == 9


def test_a_token_for_many_views_has_no_jti(made: accredit.GeneratedKey) -> None:
    token = accredit.sign_deployment(PROPERTIES, made.private_jwk, now=NOW, lifetime_s=60, single_use=False, kid="shop-2026")
    assert accredit.peek_deployment(token).payload == PROPERTIES | {"iat": NOW, "exp": NOW + 60}
    assert header_of(token)["kid"] == "shop-2026"


def test_leaves_the_caller_s_values_alone(made: accredit.GeneratedKey) -> None:
    properties, private = dict(PROPERTIES), dict(made.private_jwk)
    accredit.sign_deployment(properties, private, now=NOW)
    assert (properties, private) == (PROPERTIES, made.private_jwk)


def test_owner_and_view_may_be_left_to_the_page(made: accredit.GeneratedKey) -> None:
    accredit.sign_deployment({"deployer_id": "d", "integration_id": "i"}, made.private_jwk)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"deployer_id": None}, ("missing_required_property", "deployer_id")),
        ({"integration_id": "a:b"}, ("missing_required_property", "integration_id")),
        ({"location": "#app"}, ("location_in_signed_payload", "location")),
        ({"signed_deployment": "x"}, ("nested_signed_deployment", "signed_deployment")),
        ({"uid": ""}, ("uid_invalid", "uid")),
        ({"uid": 7}, ("uid_invalid", "uid")),
        ({"view_id": "a b"}, ("view_unknown", "view_id")),
        ({"data_passport": {"a": []}}, ("passport_value_type", "a")),
        ({"data_passport": {"a": 2**53}}, ("passport_value_type", "a")),
        ({"data_passport": {"a": 10**400}}, ("payload_malformed", None)),
        ({"data_passport": {"a": float("nan")}}, ("payload_malformed", None)),
        ({"data_passport": {"a": "\ud800"}}, ("payload_malformed", None)),
        ({"data_passport": {"a": b"x"}}, ("payload_malformed", None)),
        ({"data_passport": {1: "a", "1": "b"}}, ("payload_duplicate_member", None)),
        ({"data_passport": {f"k{number}": 1 for number in range(101)}}, ("passport_too_large", "data_passport")),
        ({"x": "x" * 65536}, ("jws_malformed", None)),
        ({"x": {"y": {"z": {}}}}, ("payload_malformed", None)),
        ({"exp": None}, ("token_claims_invalid", "exp")),
        ({"jti": "j" * 16}, ("token_claims_invalid", "jti")),
    ],
)
def test_refuses_to_sign_what_no_server_takes(
    made: accredit.GeneratedKey, change: dict[str, Any], refusal: tuple[str, str | None]
) -> None:
    assert refusal_of(PROPERTIES | change, made) == refusal


@pytest.mark.parametrize("lifetime_s", [0, -1, 301])
def test_refuses_a_life_that_no_strict_server_takes(made: accredit.GeneratedKey, lifetime_s: int) -> None:
    assert refusal_of(PROPERTIES, made, now=NOW, lifetime_s=lifetime_s) == ("token_lifetime", "exp")


def test_refuses_a_time_that_is_no_integer(made: accredit.GeneratedKey) -> None:
    assert refusal_of(PROPERTIES, made, now=float(NOW)) == ("token_claims_invalid", "iat")
    assert refusal_of(PROPERTIES, made, now=NOW, origins=["x"] * 21) == ("token_claims_invalid", "origins")


def test_refuses_a_key_that_is_none(made: accredit.GeneratedKey) -> None:
    for jwk, code in (
        ({}, "key_malformed"),
        (made.public_jwk, "key_malformed"),
        (made.private_jwk | {"alg": "ES256"}, "key_alg_mismatch"),
        (made.private_jwk | {"d": made.private_jwk["x"]}, "key_value_invalid"),
    ):
        with pytest.raises(accredit.MalformedError) as error:
            accredit.sign_deployment(PROPERTIES, jwk)
        assert error.value.code == code
