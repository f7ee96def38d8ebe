import hashlib
from typing import Any

import pytest

import accredit
from accredit.encoding import b64url_decode, b64url_encode
from accredit.keys import (
    PRIVATE_MEMBERS,
    SIGNATURE_ALGORITHMS,
    generate_secret,
    has_secret_form,
    jwk_thumbprint,
    parse_signing_key,
    public_thumbprint,
    secret_hash,
    verify_signature,
)

EACH_ALGORITHM = pytest.mark.parametrize("alg", SIGNATURE_ALGORITHMS)


def code_of(jwk: object, alg: str = "ES512") -> tuple[str, str | None]:
    with pytest.raises(accredit.MalformedError) as error:
        accredit.parse_deployment_key(jwk, alg)
    return error.value.code, error.value.member


@EACH_ALGORITHM
def test_a_generated_key_has_the_documented_members(alg: str) -> None:
    made = accredit.generate_deployment_key(alg)
    row = SIGNATURE_ALGORITHMS[alg]
    assert made.private_jwk.keys() == {"kty", "crv", *row.coordinates, "d", "alg", "use", "key_ops", "kid"}
    assert made.public_jwk.keys() == made.private_jwk.keys() - {"d"}
    assert (made.private_jwk["key_ops"], made.public_jwk["key_ops"]) == (["sign"], ["verify"])
    assert made.private_jwk["kid"] == made.public_jwk["kid"] == made.thumbprint
    assert (made.private_jwk["alg"], made.private_jwk["use"]) == (alg, "sig")


@EACH_ALGORITHM
def test_a_generated_key_keeps_leading_zeros(alg: str) -> None:
    row = SIGNATURE_ALGORITHMS[alg]
    for _ in range(40):
        private = accredit.generate_deployment_key(alg).private_jwk
        assert {len(b64url_decode(str(private[name]))) for name in (*row.coordinates, "d")} == {row.coordinate_bytes}


@EACH_ALGORITHM
def test_a_generated_public_half_is_accepted(alg: str) -> None:
    made = accredit.generate_deployment_key(alg)
    key = accredit.parse_deployment_key(made.public_jwk, alg)
    assert (key.key_id, key.alg, key.thumbprint) == (made.thumbprint, alg, made.thumbprint)
    assert key.kids == {made.thumbprint}


def test_a_key_may_be_called_by_its_registered_name(made: accredit.GeneratedKey) -> None:
    key = accredit.parse_deployment_key(made.public_jwk, key_id="key_1", kid="shop-2026")
    assert key.key_id == "key_1"
    assert key.kids == {made.thumbprint, "shop-2026"}


def test_an_unknown_algorithm_is_no_record() -> None:
    assert code_of({}, "RS256") == ("field_invalid", "alg")
    with pytest.raises(accredit.MalformedError, match="field_invalid: alg"):
        accredit.generate_deployment_key("HS256")


@pytest.mark.parametrize("jwk", [None, [], "{}", 1, b"{}"])
def test_refuses_a_key_that_is_no_object(jwk: object) -> None:
    assert code_of(jwk) == ("key_malformed", None)


@pytest.mark.parametrize("member", PRIVATE_MEMBERS)
def test_refuses_every_private_member_before_anything_else(member: str) -> None:
    assert code_of({"kty": "nonsense", member: "AQAB"}) == ("key_private_member", None)


def test_refuses_in_the_documented_order(made: accredit.GeneratedKey) -> None:
    jwk: dict[str, Any] = {"kty": "RSA", "use": "enc", "alg": "ES256", "crv": "P-256", "x": "A=", "y": "A="}
    expected: list[tuple[str, str | None, dict[str, Any]]] = [
        ("key_type_unsupported", "kty", {"kty": "EC"}),
        ("key_use_invalid", "use", {"use": "sig", "key_ops": ["sign"]}),
        ("key_use_invalid", "key_ops", {"key_ops": ["verify"]}),
        ("key_alg_mismatch", "alg", {"alg": "ES512"}),
        ("key_curve_unsupported", "crv", {"crv": "P-521"}),
        ("key_encoding_invalid", "x", {"x": made.public_jwk["x"]}),
        ("key_encoding_invalid", "y", {"y": made.public_jwk["x"]}),
        ("key_value_invalid", None, {"y": made.public_jwk["y"]}),
    ]
    for code, member, mended in expected:
        assert code_of(jwk) == (code, member)
        jwk |= mended
    assert accredit.parse_deployment_key(jwk).thumbprint == made.thumbprint


@pytest.mark.parametrize(
    "change",
    [
        {"key_ops": ["verify", "sign"]},
        {"key_ops": []},
        {"key_ops": "verify"},
        {"use": "ENC"},
        {"use": ["sig"]},
        {"use": ""},
    ],
)
def test_refuses_a_key_for_another_use(made: accredit.GeneratedKey, change: dict[str, Any]) -> None:
    assert code_of(made.public_jwk | change)[0] == "key_use_invalid"


@pytest.mark.parametrize("name", ["x", "y"])
@pytest.mark.parametrize("respell", ["strip", "pad", "extend", "longer", "standard", "number", "none", "empty"])
def test_refuses_a_coordinate_of_another_spelling(made: accredit.GeneratedKey, name: str, respell: str) -> None:
    text = str(made.public_jwk[name])
    respelt = {
        "strip": b64url_encode(b64url_decode(text)[1:]),
        "pad": text + "==",
        "extend": b64url_encode(b"\0" + b64url_decode(text)),
        "longer": text + "A",
        "standard": "+" + text[1:],
        "number": 5,
        "none": None,
        "empty": "",
    }[respell]
    assert code_of(made.public_jwk | {name: respelt}) == ("key_encoding_invalid", name)


def test_refuses_a_coordinate_with_spare_bits() -> None:
    jwk = accredit.generate_deployment_key("ES256").public_jwk
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    text = str(jwk["x"])
    respelt = text[:-1] + alphabet[alphabet.index(text[-1]) + 1]
    assert code_of(jwk | {"x": respelt}, "ES256") == ("key_encoding_invalid", "x")


@pytest.mark.parametrize("alg", ["ES512", "ES256"])
def test_refuses_points_off_the_curve(alg: str) -> None:
    jwk = accredit.generate_deployment_key(alg).public_jwk
    size = SIGNATURE_ALGORITHMS[alg].coordinate_bytes
    for x, y in (("x", "x"), ("y", "x")):
        assert code_of(jwk | {"x": jwk[x], "y": jwk[y]}, alg) == ("key_value_invalid", None)
    for octets in (bytes(size), b"\xff" * size):
        assert code_of(jwk | {"x": b64url_encode(octets), "y": b64url_encode(octets)}, alg) == ("key_value_invalid", None)


P25519 = 2**255 - 19


def ed25519_jwk(number: int) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "x": b64url_encode(number.to_bytes(32, "little"))}


@pytest.mark.parametrize("sign", [0, 1 << 255])
@pytest.mark.parametrize("y", [1, P25519 - 1, 0])
def test_refuses_ed25519_keys_that_anybody_could_sign_for(y: int, sign: int) -> None:
    assert code_of(ed25519_jwk(y | sign), "EdDSA") == ("key_value_invalid", None)


def test_refuses_ed25519_points_of_order_8() -> None:
    ys = points_of_order_8()
    assert len(ys) == 2
    for y in ys:
        for sign in (0, 1 << 255):
            assert code_of(ed25519_jwk(y | sign), "EdDSA") == ("key_value_invalid", None)


def points_of_order_8() -> list[int]:
    # Doubling a point of order 8 gives y = 0, so y^2 = -x^2, and with the curve's equation d*y^4 + 2*y^2 - 1 = 0.
    d = -121665 * pow(121666, -1, P25519) % P25519
    root = square_root(1 + d)
    squares = [(-1 + sign * root) * pow(d, -1, P25519) % P25519 for sign in (1, -1)]
    found = [square_root(each) for each in squares if pow(each, (P25519 - 1) // 2, P25519) == 1]
    return [value for root in found for value in (root, P25519 - root)]


def square_root(number: int) -> int:
    root = pow(number, (P25519 + 3) // 8, P25519)
    if root * root % P25519 != number % P25519:
        root = root * pow(2, (P25519 - 1) // 4, P25519) % P25519
    assert root * root % P25519 == number % P25519
    return root


@pytest.mark.parametrize("number", [P25519, P25519 + 3, 2**255 - 1, 2])
def test_refuses_ed25519_octets_that_are_no_point(number: int) -> None:
    assert code_of(ed25519_jwk(number), "EdDSA") == ("key_value_invalid", None)


def test_thumbprint_is_that_of_rfc_8037() -> None:
    """RFC 8037 appendix A.3."""
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert jwk_thumbprint(jwk) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert accredit.parse_deployment_key(jwk, "EdDSA").thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_thumbprint_of_any_jwk_is_that_of_its_public_half(made: accredit.GeneratedKey) -> None:
    assert public_thumbprint(made.private_jwk) == made.thumbprint
    assert public_thumbprint({"kty": "RSA", "n": "AQAB", "e": "AQAB", "d": "x"}) == jwk_thumbprint(
        {"e": "AQAB", "kty": "RSA", "n": "AQAB"}
    )
    for halfless in ({}, {"kty": "oct", "k": "AQAB"}, {"kty": "EC", "crv": "P-256", "x": 1, "y": "A"}, {"kty": ["EC"]}):
        assert public_thumbprint(halfless) is None


@EACH_ALGORITHM
def test_a_private_key_signs_by_the_algorithm_of_its_curve(alg: str) -> None:
    private = accredit.generate_deployment_key(alg).private_jwk
    for members in (private, {name: value for name, value in private.items() if name != "alg"}):
        assert parse_signing_key(members)[0] == alg


@EACH_ALGORITHM
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"d": None}, "key_malformed"),
        ({"d": 5}, "key_malformed"),
        ({"crv": "P-384"}, "key_curve_unsupported"),
        ({"crv": ["P-521"]}, "key_curve_unsupported"),
        ({"kty": "RSA"}, "key_curve_unsupported"),
        ({"alg": "RS256"}, "key_alg_mismatch"),
        ({"alg": {}}, "key_alg_mismatch"),
        ({"x": None}, "key_encoding_invalid"),
        ({"x": "None"}, "key_encoding_invalid"),
        ({"d": "AQAB"}, "key_encoding_invalid"),
        ({"d": "="}, "key_encoding_invalid"),
    ],
)
def test_refuses_a_private_key_that_cannot_sign(alg: str, change: dict[str, Any], code: str) -> None:
    with pytest.raises(accredit.MalformedError) as error:
        parse_signing_key(accredit.generate_deployment_key(alg).private_jwk | change)
    assert error.value.code == code


@EACH_ALGORITHM
def test_refuses_halves_that_do_not_belong_together(alg: str) -> None:
    one, other = (accredit.generate_deployment_key(alg).private_jwk for _ in range(2))
    with pytest.raises(accredit.MalformedError, match="key_value_invalid"):
        parse_signing_key(one | {"d": other["d"]})


@pytest.mark.parametrize("jwk", [None, [], "x", 1])
def test_refuses_to_sign_with_what_is_no_key(jwk: object) -> None:
    with pytest.raises(accredit.MalformedError, match="key_malformed"):
        parse_signing_key(jwk)


ED25519 = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
RFC_8037_SIGNING_INPUT = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
RFC_8037_SIGNATURE = b64url_decode("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")


def test_verifies_the_signature_of_rfc_8037() -> None:
    """RFC 8037 appendix A.4."""
    verify_signature(accredit.parse_deployment_key(ED25519, "EdDSA"), RFC_8037_SIGNING_INPUT, RFC_8037_SIGNATURE)


def test_verifies_the_signature_of_rfc_7515() -> None:
    """RFC 7515 appendix A.4: ES512."""
    jwk = {
        "kty": "EC",
        "crv": "P-521",
        "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
        "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2",
    }
    signature = b64url_decode(
        "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7Xdt"
        "AG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn"
    )
    verify_signature(accredit.parse_deployment_key(jwk), b"eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA", signature)


@EACH_ALGORITHM
def test_refuses_signatures_of_another_length_or_value(alg: str) -> None:
    made = accredit.generate_deployment_key(alg)
    key = accredit.parse_deployment_key(made.public_jwk, alg)
    size = SIGNATURE_ALGORITHMS[alg].signature_bytes
    half = b"\x01" * (size // 2)
    zero = bytes(size // 2)
    for signature in (b"", b"\x01" * (size - 1), b"\x01" * (size + 1), zero + zero, half + zero, zero + half, b"\xff" * size):
        with pytest.raises(accredit.Refused, match="jws_signature_invalid"):
            verify_signature(key, b"input", signature)


@pytest.mark.parametrize(("environment", "purpose"), [("live", "api"), ("sandbox", "reference")])
def test_a_secret_has_a_form_that_is_recognised(environment: str, purpose: str) -> None:
    secret = generate_secret(environment, purpose)
    assert secret.startswith(f"accredit_{environment}_{purpose}_")
    assert len(secret) == len(f"accredit_{environment}_{purpose}_") + 43 + 6
    assert has_secret_form(secret)
    assert generate_secret(environment, purpose) != secret


def test_a_mistyped_secret_is_not_recognised() -> None:
    secret = generate_secret("live", "api")
    for position in range(0, len(secret), 5):
        swapped = "A" if secret[position] != "A" else "B"
        assert not has_secret_form(secret[:position] + swapped + secret[position + 1 :])
    for text in (
        "",
        "accredit_live_",
        "accredit_live_api_",
        secret[:-1],
        secret + "A",
        "accredit_live_" + "x" * 9000,
        "\ud800",
    ):
        assert not has_secret_form(text)


def test_a_secret_is_found_by_its_digest() -> None:
    assert secret_hash("accredit_live_api_x") == hashlib.sha256(b"accredit_live_api_x").digest()
    assert len(secret_hash("\ud800")) == 32
