"""Clients of the original: the code that it prints, run in Node as it stands, against this library."""

from collections.abc import Callable
from typing import Any

import pytest

import accredit

Call = Callable[..., Any]

# The body that the original prints, with values filled in.
BODY = {
    "deployer_id": "your-deployer-id",
    "integration_id": "your-integration-id",
    "owner_id": "your-owner-id",
    "uid": "user-123456",
    "data_passport": {"first_name": "Ada", "last_name": "Łóżko 🙂", "card_number": "4111 1111 1111 1111"},
}


@pytest.fixture(scope="module")
def made() -> accredit.GeneratedKey:
    return accredit.generate_deployment_key()


def test_a_client_of_the_original_is_verified(node: Call, made: accredit.GeneratedKey) -> None:
    key = accredit.parse_deployment_key(made.public_jwk)
    for _ in range(20):
        verified = accredit.verify_deployment(node("original", body=BODY, jwk=made.private_jwk), [key], now=1_700_000_000)
        assert verified.warnings == ()
        assert (verified.properties.uid, verified.properties.data_passport) == ("user-123456", BODY["data_passport"])


@pytest.mark.parametrize(
    "members", [("kty", "crv", "x", "y", "d", "alg"), ("kty", "crv", "x", "y", "d", "alg", "use", "kid", "key_ops")]
)
def test_the_original_s_code_takes_our_keys(node: Call, made: accredit.GeneratedKey, members: tuple[str, ...]) -> None:
    token = node("original", body=BODY, jwk={name: made.private_jwk[name] for name in members})
    accredit.verify_deployment(token, [accredit.parse_deployment_key(made.public_jwk)], now=1_700_000_000)


def test_our_token_has_the_shape_of_the_original_s(node: Call, made: accredit.GeneratedKey) -> None:
    theirs, ours = node("original", body=BODY, jwk=made.private_jwk), accredit.sign_deployment(BODY, made.private_jwk)
    assert ours.split(".")[:2] == theirs.split(".")[:2]
    assert len(ours) == len(theirs)


def test_a_body_that_the_original_forbids_is_refused(node: Call, made: accredit.GeneratedKey) -> None:
    token = node("original", body={**BODY, "location": "#app-container"}, jwk=made.private_jwk)
    with pytest.raises(accredit.Refused, match="location_in_signed_payload"):
        accredit.verify_deployment(token, [accredit.parse_deployment_key(made.public_jwk)], now=0)
