from typing import Any

import pytest

import accredit
from accredit.encoding import b64url_decode, b64url_encode
from accredit.passport import PASSPORT_ALGORITHMS, PASSPORT_ENCRYPTIONS, PUBLIC_KEY_ALGORITHMS

KTY = {"A128KW": "oct", "dir": "oct", "A128GCMKW": "oct", "RSA-OAEP-256": "RSA"}
OCT = {"kty": "oct", "k": b64url_encode(bytes(range(16)))}


def code_of(jwk: object, alg: str = "A128KW", enc: str = "A128GCM") -> tuple[str, str | None]:
    with pytest.raises(accredit.MalformedError) as error:
        accredit.parse_passport_key(jwk, alg, enc)
    return error.value.code, error.value.member


def test_the_algorithms_are_those_of_the_protocol() -> None:
    assert set(PASSPORT_ALGORITHMS) == {
        "A128KW",
        "dir",
        "A128GCMKW",
        "ECDH-ES",
        "ECDH-ES+A128KW",
        "ECDH-ES+A256KW",
        "RSA-OAEP-256",
    }
    assert set(PASSPORT_ENCRYPTIONS) == {"A128GCM", "A256GCM"}
    assert set(PASSPORT_ALGORITHMS) - {"A128KW", "dir", "A128GCMKW"} == PUBLIC_KEY_ALGORITHMS


@pytest.mark.parametrize("enc", PASSPORT_ENCRYPTIONS)
@pytest.mark.parametrize("alg", PASSPORT_ALGORITHMS)
def test_a_generated_key_is_accepted(alg: str, enc: str) -> None:
    made = accredit.generate_passport_key(alg, enc)
    assert (made.private_jwk["kty"], made.private_jwk["alg"], made.private_jwk["use"]) == (KTY.get(alg, "EC"), alg, "enc")
    assert accredit.parse_passport_key(made.private_jwk, alg, enc, key_id="k").key_id == "k"
    if alg in PUBLIC_KEY_ALGORITHMS:
        assert made.public_jwk is not None
        assert "d" not in made.public_jwk
        accredit.parse_passport_key(made.public_jwk, alg, enc)
    else:
        assert made.public_jwk is None
        assert len(b64url_decode(str(made.private_jwk["k"]))) == (32 if (alg, enc) == ("dir", "A256GCM") else 16)


@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521"])
def test_accepts_pairs_on_each_curve(curve: str) -> None:
    from joserfc.jwk import ECKey

    made = ECKey.generate_key(curve)
    for jwk in (made.as_dict(private=True), made.as_dict(private=False)):
        assert accredit.parse_passport_key(jwk, "ECDH-ES").key.key_type == "EC"


def test_what_other_libraries_write_into_a_key_does_no_harm() -> None:
    jwk = accredit.generate_passport_key("ECDH-ES").private_jwk | {"key_ops": ["deriveBits"], "ext": True, "kid": "x"}
    accredit.parse_passport_key(jwk, "ECDH-ES")
    accredit.parse_passport_key({**OCT, "alg": "A128GCM"}, "dir")


@pytest.mark.parametrize(
    ("jwk", "alg", "refusal"),
    [
        (None, "A128KW", ("key_malformed", None)),
        ([], "A128KW", ("key_malformed", None)),
        ("{}", "A128KW", ("key_malformed", None)),
        ({}, "A128KW", ("key_type_unsupported", "kty")),
        (OCT, "ECDH-ES", ("key_type_unsupported", "kty")),
        ({**OCT, "kty": ["oct"]}, "A128KW", ("key_type_unsupported", "kty")),
        ({**OCT, "use": "sig"}, "A128KW", ("key_use_invalid", "use")),
        ({**OCT, "alg": "A256KW"}, "A128KW", ("key_alg_mismatch", "alg")),
        ({**OCT, "alg": "A128GCM"}, "A128KW", ("key_alg_mismatch", "alg")),
        ({**OCT, "alg": {}}, "A128KW", ("key_alg_mismatch", "alg")),
        ({"kty": "oct"}, "A128KW", ("key_encoding_invalid", "k")),
        ({"kty": "oct", "k": 1}, "A128KW", ("key_encoding_invalid", "k")),
        ({"kty": "oct", "k": ""}, "A128KW", ("key_encoding_invalid", "k")),
        ({"kty": "oct", "k": OCT["k"] + "=="}, "A128KW", ("key_encoding_invalid", "k")),
        ({"kty": "oct", "k": b64url_encode(bytes(15))}, "A128KW", ("key_encoding_invalid", "k")),
        ({"kty": "oct", "k": b64url_encode(bytes(32))}, "A128KW", ("key_encoding_invalid", "k")),
        ({"kty": "EC", "crv": "secp256k1"}, "ECDH-ES", ("key_curve_unsupported", "crv")),
        ({"kty": "EC", "crv": []}, "ECDH-ES", ("key_curve_unsupported", "crv")),
        ({"kty": "EC", "crv": "P-256", "x": "AA"}, "ECDH-ES", ("key_encoding_invalid", "x")),
        ({"kty": "RSA", "n": "AQAB"}, "RSA-OAEP-256", ("key_encoding_invalid", "e")),
        ({"kty": "RSA", "n": "AQAB", "e": "AQAB"}, "RSA-OAEP-256", ("key_value_invalid", "n")),
        ({"kty": "RSA", "n": b64url_encode(b"\xff" * 256), "e": "Ag"}, "RSA-OAEP-256", ("key_value_invalid", None)),
        ({"kty": "RSA", "n": b64url_encode(b"\0" + b"\xff" * 255), "e": "AQAB"}, "RSA-OAEP-256", ("key_value_invalid", "n")),
    ],
)
def test_refuses_what_is_no_key_of_the_record(jwk: Any, alg: str, refusal: tuple[str, str | None]) -> None:
    assert code_of(jwk, alg) == refusal


def test_a_key_for_direct_encryption_has_the_length_of_its_content_encryption() -> None:
    long = {"kty": "oct", "k": b64url_encode(bytes(range(32)))}
    accredit.parse_passport_key(long, "dir", "A256GCM")
    assert code_of(long, "dir", "A128GCM") == ("key_encoding_invalid", "k")
    assert code_of(OCT, "dir", "A256GCM") == ("key_encoding_invalid", "k")


def test_refuses_halves_that_do_not_belong_together() -> None:
    for alg in ("ECDH-ES", "RSA-OAEP-256"):
        one, other = (accredit.generate_passport_key(alg).private_jwk for _ in range(2))
        assert code_of(one | {"d": other["d"]}, alg) == ("key_value_invalid", None)


def test_refuses_a_point_off_the_curve() -> None:
    jwk = accredit.generate_passport_key("ECDH-ES").private_jwk
    assert code_of({"kty": "EC", "crv": "P-256", "x": jwk["x"], "y": jwk["x"]}, "ECDH-ES") == ("key_value_invalid", None)


@pytest.mark.parametrize(
    ("alg", "enc", "member"), [("A256KW", "A128GCM", "alg"), ("RSA1_5", "A128GCM", "alg"), ("dir", "A128CBC-HS256", "enc")]
)
def test_an_algorithm_of_no_record_is_refused(alg: str, enc: str, member: str) -> None:
    assert code_of(OCT, alg, enc) == ("field_invalid", member)
    with pytest.raises(accredit.MalformedError, match=f"field_invalid: {member}"):
        accredit.generate_passport_key(alg, enc)
