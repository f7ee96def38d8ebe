import json
from typing import Any

import pytest

import accredit
from accredit.encoding import b64url_decode

NOW = 1_800_000_000
SECRET = accredit.ReferenceSecret.from_text("live_secret_" + "abcd1234" * 8, "live_key_1")


def sign(key: Any = SECRET, reference: str = "user-1", templates: Any = ("flwtmp_1",), **changes: Any) -> str:
    return accredit.sign_reference_v2(key, reference, templates, **{"environment": "live", "now": NOW, **changes})


def read(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, payload, _ = token.split(".")
    return json.loads(b64url_decode(header)), json.loads(b64url_decode(payload))


def test_signs_as_the_original_prints_it() -> None:
    assert (
        accredit.sign_reference(SECRET, "3a409367-a417-4d46-9a92-3d7bc5dc4605")
        == "yw0hqBPOIWcHPFZBsaMPnxktOrWwWkZcWP+TneV5D48="
    )


@pytest.mark.parametrize("reference", ["", "a\nb", "a" * 256, "\ud800"])
def test_signs_no_reference_that_is_none(reference: str) -> None:
    with pytest.raises(accredit.MalformedError, match="customer_reference_invalid"):
        accredit.sign_reference(SECRET, reference)
    with pytest.raises(accredit.MalformedError, match="customer_reference_invalid"):
        sign(reference=reference)


def test_a_token_says_what_it_is_good_for() -> None:
    header, claims = read(sign(jti="a" * 22))
    assert header == {"alg": "HS256", "kid": "live_key_1", "typ": "flow-user+jwt"}
    expected = {
        "aud": "flow",
        "env": "live",
        "exp": NOW + 600,
        "iat": NOW,
        "jti": "a" * 22,
        "sub": "user-1",
        "tpl": ["flwtmp_1"],
    }
    assert claims == expected
    more = {"origins": ["https://shop.example"], "session_id": "flwses_1", "user": {"email": "a@example.com"}, "lifetime_s": 60}
    _, claims = read(sign(**more))
    assert (claims["ori"], claims["sid"], claims["usr"]) == (more["origins"], "flwses_1", more["user"])
    assert claims["exp"] - claims["iat"] == 60


def test_each_token_has_an_id_of_its_own() -> None:
    made = {read(sign())[1]["jti"] for _ in range(20)}
    assert len(made) == 20
    assert all(22 <= len(jti) <= 64 for jti in made)


@pytest.mark.parametrize("alg", ["ES256", "ES512", "EdDSA"])
def test_signs_with_a_private_key(alg: str) -> None:
    made = accredit.generate_deployment_key(alg)
    header, _ = read(sign(made.private_jwk))
    assert header == {"alg": alg, "kid": made.thumbprint, "typ": "flow-user+jwt"}
    assert read(sign(made.private_jwk, kid="rfk_1"))[0]["kid"] == "rfk_1"
    unnamed = {name: value for name, value in made.private_jwk.items() if name != "kid"}
    with pytest.raises(accredit.MalformedError, match="field_missing: kid"):
        sign(unnamed)
    with pytest.raises(accredit.MalformedError, match="key_malformed"):
        sign(made.public_jwk)


def test_a_secret_without_name_needs_one() -> None:
    unnamed = accredit.ReferenceSecret.from_text("live_secret_" + "abcd1234" * 8)
    with pytest.raises(accredit.MalformedError, match="field_missing: kid"):
        sign(unnamed)
    assert read(sign(unnamed, kid="live_key_2"))[0]["kid"] == "live_key_2"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"environment": "test"}, "token_claims_invalid: env"),
        ({"templates": []}, "token_claims_invalid: tpl"),
        ({"templates": ["flwtmp_1"] * 21}, "token_claims_invalid: tpl"),
        ({"templates": ["a-b"]}, "token_claims_invalid: tpl"),
        ({"lifetime_s": 0}, "token_lifetime: exp"),
        ({"lifetime_s": 3601}, "token_lifetime: exp"),
        ({"now": NOW + 0.5}, "token_claims_invalid: (iat|exp)"),
        ({"jti": "short"}, "token_claims_invalid: jti"),
        ({"session_id": ""}, "token_claims_invalid: sid"),
        ({"user": {"a": [[[]]]}}, "jws_malformed"),
        ({"user": {"a": "x" * 8192}}, "jws_malformed"),
        ({"user": {"a": "\ud800"}}, "token_claims_invalid: usr"),
        ({"origins": ["https://a.example"] * 21}, "token_claims_invalid: ori"),
    ],
)
def test_nothing_is_signed_that_no_server_takes(change: dict[str, Any], told: str) -> None:
    with pytest.raises(accredit.Refused, match=told):
        sign(**change)


@pytest.mark.parametrize(
    "origin", ["", "shop.example", "http://shop.example", "https://Shop.example", "https://shop.example/", "null"]
)
def test_no_origin_is_signed_that_no_page_has(origin: str) -> None:
    with pytest.raises(accredit.MalformedError, match="field_invalid: origins"):
        sign(origins=["https://shop.example", origin])


def test_origins_of_pages() -> None:
    origins = ["https://shop.example", "https://shop.example:8443", "http://localhost:3000", "http://127.0.0.1"]
    assert read(sign(origins=origins))[1]["ori"] == origins
