import base64

import pytest

import accredit
from accredit.encoding import b64_decode, b64_encode

TEXT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def error_of(text: str, key_id: str = "") -> tuple[str, str | None]:
    with pytest.raises(accredit.MalformedError) as error:
        accredit.IdentitySecret.from_base64(text, key_id)
    return error.value.code, error.value.member


def test_a_secret_is_what_its_base64_stands_for() -> None:
    secret = accredit.IdentitySecret.from_base64(TEXT, "key_1")
    assert (secret.octets, secret.key_id) == (bytes(range(32)), "key_1")
    assert accredit.IdentitySecret.from_base64(TEXT).key_id == ""


@pytest.mark.parametrize("size", [16, 17, 32, 63, 64])
def test_takes_16_to_64_octets(size: int) -> None:
    assert accredit.IdentitySecret.from_base64(b64_encode(bytes(size))).octets == bytes(size)


@pytest.mark.parametrize("size", [0, 1, 15, 65, 1000])
def test_refuses_fewer_and_more(size: int) -> None:
    assert error_of(b64_encode(bytes(size))) == ("secret_malformed", None)
    with pytest.raises(accredit.MalformedError, match="secret_malformed"):
        accredit.IdentitySecret(bytes(size))


@pytest.mark.parametrize(
    "text",
    [
        *(TEXT[:-1], TEXT + "=", TEXT + "\n", " " + TEXT, TEXT[:10] + "\n" + TEXT[10:], TEXT[:-2] + "9="),
        *(base64.urlsafe_b64encode(b"\xff" * 32).decode(), "ÿ" * 44, "\ud800" * 44, bytes(range(32)).hex() + "+"),
    ],
)
def test_refuses_every_other_spelling(text: str) -> None:
    assert error_of(text) == ("secret_malformed", None)


@pytest.mark.parametrize("key_id", ["k", "a-Z_09", "k" * 64])
def test_takes_a_key_id_that_version_2_can_name(key_id: str) -> None:
    assert accredit.IdentitySecret.from_base64(TEXT, key_id).key_id == key_id


@pytest.mark.parametrize("key_id", ["k.1", "k" * 65, "k\n", "é", " k"])
def test_refuses_a_key_id_that_version_2_cannot_name(key_id: str) -> None:
    assert error_of(TEXT, key_id) == ("field_invalid", "key_id")


def test_refuses_octets_that_are_none() -> None:
    with pytest.raises(accredit.MalformedError, match="secret_malformed"):
        accredit.IdentitySecret(TEXT)  # type: ignore[arg-type]


def test_tells_nobody() -> None:
    secret = accredit.IdentitySecret.from_base64(TEXT, "key_1")
    assert repr(secret) == "IdentitySecret(key_id='key_1')"


def test_makes_32_random_octets() -> None:
    made = {accredit.generate_identity_secret() for _ in range(20)}
    assert len(made) == 20
    assert {len(text) for text in made} == {44}
    assert {len(b64_decode(text)) for text in made} == {32}
    assert all(accredit.IdentitySecret.from_base64(text) for text in made)
