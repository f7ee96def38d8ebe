from typing import Any

import pytest

import accredit
from accredit.encoding import b64_decode, b64_encode, b64url_decode
from accredit.webhooks.keys import WebhookSigningKey

TEXT = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_a_secret_is_what_stands_behind_the_prefix() -> None:
    assert accredit.WebhookSecret.from_text(TEXT).octets == b64_decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    for length in (24, 32, 64):
        octets = bytes(range(length))
        assert accredit.WebhookSecret.from_text(f"whsec_{b64_encode(octets)}").octets == octets


@pytest.mark.parametrize(
    "text",
    ["", "whsec_", TEXT[6:], TEXT.upper(), TEXT + "\n", TEXT + "=", TEXT[:-1], TEXT[:-4], "whpk_" + TEXT[6:], None, b"whsec_", 1,
     "whsec_" + b64_encode(bytes(23)), "whsec_" + b64_encode(bytes(65)), "whsec_" + "é" * 32, "whsec_" + "_" * 32],
)  # fmt: skip
def test_refuses_what_is_no_secret(text: Any) -> None:
    with pytest.raises(accredit.MalformedError, match="secret_malformed"):
        accredit.WebhookSecret.from_text(text)


def test_makes_secrets() -> None:
    made = accredit.generate_webhook_secret()
    assert (len(made), len(accredit.WebhookSecret.from_text(made).octets)) == (50, 32)
    assert made != accredit.generate_webhook_secret()


def test_a_secret_shows_itself_to_nobody() -> None:
    assert repr(accredit.WebhookSecret.from_text(TEXT)) == "WebhookSecret()"
    signing = accredit.parse_webhook_signing_key(accredit.generate_deployment_key("EdDSA").private_jwk)
    assert repr(signing) == f"WebhookSigningKey(public_text='{signing.public_text}')"


def test_the_two_forms_of_a_public_key_are_one() -> None:
    made = accredit.generate_deployment_key("EdDSA")
    signing = accredit.parse_webhook_signing_key(made.private_jwk)
    assert isinstance(signing, WebhookSigningKey)
    assert signing.public_text == "whpk_" + b64_encode(b64url_decode(str(made.public_jwk["x"])))
    published = made.public_jwk | {"kid": "whk_1", "account_id": "acc_1", "environment": "live"}
    for form in (signing.public_text, made.public_jwk, published):
        key = accredit.parse_webhook_key(form)
        assert (key.thumbprint, key.alg) == (made.thumbprint, "EdDSA")
        assert key.is_signed(b"octets", signing.sign(b"octets"))
        assert not key.is_signed(b"octets.", signing.sign(b"octets"))


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("", "key_malformed"),
        ("whsec_" + b64_encode(bytes(32)), "key_malformed"),
        ("whpk_!", "key_malformed"),
        ("whpk_" + b64_encode(bytes(31)), "key_encoding_invalid"),
        # Of small order: anybody could sign for it.
        ("whpk_" + b64_encode(bytes(32)), "key_value_invalid"),
        (None, "key_malformed"),
        ({"kty": "OKP"}, "key_curve_unsupported"),
    ],
)
def test_refuses_what_is_no_public_key(key: Any, code: str) -> None:
    with pytest.raises(accredit.MalformedError, match=code):
        accredit.parse_webhook_key(key)


def test_refuses_keys_of_other_kinds() -> None:
    made = accredit.generate_deployment_key("EdDSA")
    with pytest.raises(accredit.MalformedError, match="key_private_member"):
        accredit.parse_webhook_key(made.private_jwk)
    with pytest.raises(accredit.MalformedError, match="key_malformed"):
        accredit.parse_webhook_signing_key(made.public_jwk)
    with pytest.raises(accredit.MalformedError, match="key_alg_mismatch"):
        accredit.parse_webhook_signing_key(accredit.generate_deployment_key("ES256").private_jwk)
