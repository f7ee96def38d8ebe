from typing import Any

import pytest

import accredit
from accredit.encoding import b64url_encode
from accredit.keys import public_thumbprint


def code_of(jwk: object) -> tuple[str, str | None]:
    with pytest.raises(accredit.MalformedError) as error:
        accredit.parse_decryption_key(jwk)
    return error.value.code, error.value.member


@pytest.fixture(scope="module")
def rsa() -> dict[str, Any]:
    return accredit.generate_encryption_key().private_jwk


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, ("RSA", "RSA-OAEP", None)),
        ({"alg": "RSA-OAEP-256", "size": 3072}, ("RSA", "RSA-OAEP-256", None)),
        ({"alg": "ECDH-ES"}, ("EC", "ECDH-ES", "P-256")),
        ({"alg": "ECDH-ES", "crv": "P-384"}, ("EC", "ECDH-ES", "P-384")),
        ({"alg": "ECDH-ES", "crv": "P-521"}, ("EC", "ECDH-ES", "P-521")),
        ({"alg": "ECDH-ES+A256KW", "crv": "X25519"}, ("OKP", "ECDH-ES+A256KW", "X25519")),
    ],
)
def test_makes_pairs_of_every_kind(arguments: dict[str, Any], expected: tuple[str, str, str | None]) -> None:
    made = accredit.generate_encryption_key(**arguments)
    assert (made.public_jwk["kty"], made.public_jwk["alg"], made.public_jwk.get("crv")) == expected
    assert not made.public_jwk.keys() & {"d", "p", "q", "dp", "dq", "qi", "kid", "key_ops"}
    assert made.private_jwk.items() >= made.public_jwk.items()
    sealing, opening = accredit.parse_encryption_key(made.public_jwk), accredit.parse_decryption_key(made.private_jwk)
    assert made.thumbprint == sealing.thumbprint == opening.thumbprint == public_thumbprint(made.private_jwk)
    assert (opening.alg, opening.crv, opening.kid) == (*expected[1:], None)


def test_both_halves_have_the_name_that_was_given() -> None:
    made = accredit.generate_encryption_key("ECDH-ES", kid="2026")
    assert made.private_jwk["kid"] == made.public_jwk["kid"] == accredit.parse_decryption_key(made.private_jwk).kid == "2026"


@pytest.mark.parametrize(
    ("arguments", "code", "member"),
    [
        ({"alg": "RSA1_5"}, "field_invalid", "alg"),
        ({"alg": "ES256"}, "field_invalid", "alg"),
        ({"size": 1024}, "field_invalid", "size"),
        ({"size": 2049}, "field_invalid", "size"),
        ({"alg": "ECDH-ES", "crv": "P-348"}, "field_invalid", "crv"),
        ({"alg": "ECDH-ES", "crv": "Ed25519"}, "field_invalid", "crv"),
        ({"alg": "ECDH-ES", "kid": ""}, "key_malformed", "kid"),
        ({"alg": "ECDH-ES", "kid": "\ud800"}, "key_malformed", None),
    ],
)
def test_makes_no_other_pair(arguments: dict[str, Any], code: str, member: str | None) -> None:
    with pytest.raises(accredit.MalformedError) as error:
        accredit.generate_encryption_key(**arguments)
    assert (error.value.code, error.value.member) == (code, member)


def test_what_other_libraries_write_into_a_private_key_does_no_harm(rsa: dict[str, Any]) -> None:
    for change in ({"use": None}, {"key_ops": ["decrypt", "unwrapKey"], "ext": True}, {"x5c": ["AAAA"], "kid": None}):
        assert accredit.parse_decryption_key(rsa | change).kid is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"d": None}, ("key_malformed", "d")),
        ({"alg": None}, ("key_type_not_allowed", "alg")),
        ({"alg": "RSA1_5"}, ("key_type_not_allowed", "alg")),
        ({"kty": None}, ("key_type_not_allowed", "kty")),
        ({"use": "sig"}, ("key_use", "use")),
        ({"kid": 1}, ("key_malformed", "kid")),
        ({"n": "AQAB"}, ("key_size_not_allowed", "n")),
        ({"qi": None}, ("key_encoding_invalid", "qi")),
        ({"p": "AA=="}, ("key_encoding_invalid", "p")),
        ({"d": 1}, ("key_encoding_invalid", "d")),
        ({"d": "AQAB"}, ("key_value_invalid", None)),
        ({"p": "AQAB"}, ("key_value_invalid", None)),
    ],
)
def test_refuses_a_private_key_that_is_none(
    rsa: dict[str, Any], change: dict[str, Any], expected: tuple[str, str | None]
) -> None:
    assert code_of(rsa | change) == expected


@pytest.mark.parametrize("jwk", [None, [], "{}", {}, {"kty": "oct", "k": "AAAA"}])
def test_refuses_what_has_no_private_half(jwk: object) -> None:
    assert code_of(jwk) == ("key_malformed", "d")


@pytest.mark.parametrize("crv", ["P-256", "P-384", "P-521", "X25519"])
def test_refuses_halves_that_do_not_belong_together(crv: str) -> None:
    one, other = (accredit.generate_encryption_key("ECDH-ES", crv=crv).private_jwk for _ in range(2))
    assert code_of(one | {"d": other["d"]}) == ("key_value_invalid", None)
    assert code_of(one | {"d": b64url_encode(bytes(8))}) == ("key_encoding_invalid", "d")


def test_refuses_a_private_scalar_out_of_range() -> None:
    jwk = accredit.generate_encryption_key("ECDH-ES").private_jwk
    for scalar in (bytes(32), b"\xff" * 32):
        assert code_of(jwk | {"d": b64url_encode(scalar)}) == ("key_value_invalid", None)


def test_no_private_key_shows_in_a_text(rsa: dict[str, Any]) -> None:
    made = [accredit.generate_encryption_key("ECDH-ES", crv=crv).private_jwk for crv in ("P-256", "X25519")]
    for jwk in [rsa, *made]:
        shown = repr(accredit.parse_decryption_key(jwk))
        assert str(jwk["d"])[:12] not in shown
