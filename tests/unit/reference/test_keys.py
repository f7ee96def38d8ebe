import hmac
from typing import Any

import pytest

import accredit

API = "live_secret_" + "abcd1234" * 8
OWN = "accredit_live_reference_" + "x" * 49


def test_a_secret_is_taken_as_it_is_written() -> None:
    secret = accredit.ReferenceSecret.from_text(API, "live_key_1")
    assert (secret.octets, secret.key_id) == (API.encode(), "live_key_1")
    assert accredit.ReferenceSecret.from_text("abcd1234" * 8).octets == b"abcd1234" * 8


def test_an_api_secret_signs_tokens_under_another_key() -> None:
    """RFC 5869, written out: extract without salt, expand one block."""
    extracted = hmac.digest(bytes(32), API.encode(), "sha256")
    derived = hmac.digest(extracted, b"flow/customer-token/v2\x01", "sha256")
    assert accredit.ReferenceSecret.from_text(API).token_octets == derived
    assert derived.hex() == "b6a8440e4f7f6bbefb6f8956bd76b491051d97f775ec1626baeb7a8321ea9aee"


@pytest.mark.parametrize("text", [OWN, OWN.replace("live", "sandbox")])
def test_a_secret_for_references_alone_signs_tokens_as_it_is(text: str) -> None:
    assert accredit.ReferenceSecret.from_text(text).token_octets == text.encode()


@pytest.mark.parametrize("text", [OWN.replace("reference", "api"), OWN.replace("live", "test"), "x" + OWN])
def test_any_other_text_is_an_api_secret_s(text: str) -> None:
    assert accredit.ReferenceSecret.from_text(text).token_octets != text.encode()


@pytest.mark.parametrize(
    "text", ["", "a" * 31, "a" * 129, "a" * 31 + " ", "a" * 31 + "é", "a" * 32 + "\n", "\t" + "a" * 32, None, b"a" * 32]
)
def test_refuses_what_is_no_secret(text: Any) -> None:
    with pytest.raises(accredit.MalformedError, match="secret_malformed"):
        accredit.ReferenceSecret.from_text(text)


@pytest.mark.parametrize("key_id", ["a b", "é", "a\n", "a" * 129])
def test_refuses_what_is_no_key_id(key_id: str) -> None:
    with pytest.raises(accredit.MalformedError, match="field_invalid: key_id"):
        accredit.ReferenceSecret.from_text(API, key_id)
    made = accredit.generate_deployment_key("ES256")
    with pytest.raises(accredit.MalformedError, match="field_invalid: key_id"):
        accredit.parse_reference_key(made.public_jwk, key_id=key_id)


def test_refuses_short_octets() -> None:
    for octets in ((b"a" * 31, b"a" * 32), (b"a" * 32, b"")):
        with pytest.raises(accredit.MalformedError, match="secret_malformed"):
            accredit.ReferenceSecret(*octets)


def test_a_secret_shows_itself_to_nobody() -> None:
    shown = repr(accredit.ReferenceSecret.from_text(API, "live_key_1"))
    assert shown == "ReferenceSecret(key_id='live_key_1')"


@pytest.mark.parametrize("alg", ["ES256", "ES512", "EdDSA"])
def test_reads_public_keys(alg: str) -> None:
    made = accredit.generate_deployment_key(alg)
    key = accredit.parse_reference_key(made.public_jwk, alg, key_id="rfk_1")
    assert (key.key_id, key.alg, key.thumbprint) == ("rfk_1", alg, made.thumbprint)
    assert accredit.parse_reference_key(made.public_jwk, alg).key_id == made.thumbprint


def test_refuses_a_private_key_and_one_for_another_algorithm() -> None:
    made = accredit.generate_deployment_key("ES256")
    for jwk, alg, code in (
        (made.private_jwk, "ES256", "key_private_member"),
        (made.public_jwk, "ES512", "key_alg_mismatch"),
        (made.public_jwk, "HS256", "field_invalid"),
        ("{}", "ES256", "key_malformed"),
    ):
        with pytest.raises(accredit.MalformedError, match=code):
            accredit.parse_reference_key(jwk, alg)
