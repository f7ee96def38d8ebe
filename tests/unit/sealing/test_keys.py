import math
import pickle
from typing import Any

import pytest

import accredit
from accredit.encoding import b64url_decode, b64url_encode
from accredit.sealing import ENCRYPTION_ALGORITHMS, PUBLISHED_KEYS

P = 2**255 - 19


@pytest.fixture(scope="module")
def rsa() -> dict[str, Any]:
    return accredit.generate_encryption_key().public_jwk


@pytest.fixture(scope="module")
def ec() -> dict[str, Any]:
    return accredit.generate_encryption_key("ECDH-ES", crv="P-256").public_jwk


@pytest.fixture(scope="module")
def okp() -> dict[str, Any]:
    return accredit.generate_encryption_key("ECDH-ES", crv="X25519").public_jwk


def fault_of(jwk: object, **arguments: Any) -> tuple[str, str | None]:
    with pytest.raises(accredit.EncryptionKeyError) as error:
        accredit.parse_encryption_key(jwk, **arguments)
    assert len(error.value.reason) > 10
    return error.value.code, error.value.member


def number(value: int) -> str:
    return b64url_encode(value.to_bytes((value.bit_length() + 7) // 8))


def test_the_algorithms_are_those_of_the_protocol() -> None:
    assert ENCRYPTION_ALGORITHMS == ("RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A256KW")


def test_what_was_taken_is_taken_again(rsa: dict[str, Any], ec: dict[str, Any], okp: dict[str, Any]) -> None:
    """A session's row keeps the members that count, and reads them again when it finishes."""
    for jwk in (rsa, ec, okp):
        once = accredit.parse_encryption_key(jwk | {"kid": "ключ-1", "x5u": "https://elsewhere.example", "key_ops": []})
        again = accredit.parse_encryption_key(once.public_jwk)
        assert (again.alg, again.kid, again.thumbprint, again.public_jwk) == (
            once.alg,
            "ключ-1",
            once.thumbprint,
            once.public_jwk,
        )
        assert once.public_jwk.keys() == jwk.keys() | {"kid"}
        assert again.parsed == once.parsed


def test_a_private_part_is_seen_before_all_else(rsa: dict[str, Any]) -> None:
    for member in ("d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"):
        assert fault_of({"kty": "unknown", member: ""}) == ("key_private_part", member)
        assert fault_of(rsa | {member: []}) == ("key_private_part", member)
        accredit.parse_encryption_key(rsa | {member: None})
    assert fault_of(rsa | {"k": "x", "d": "x"}) == ("key_private_part", "d")


def test_no_error_holds_a_value_of_the_key(rsa: dict[str, Any]) -> None:
    with pytest.raises(accredit.EncryptionKeyError) as error:
        accredit.parse_encryption_key(rsa | {"d": "SECRET-SECRET"})
    assert "SECRET" not in repr(error.value) + str(error.value) + error.value.reason
    with pytest.raises(accredit.EncryptionKeyError) as error:
        accredit.parse_encryption_key(rsa | {"alg": "SECRET-SECRET"})
    assert "SECRET" not in repr(error.value) + str(error.value) + error.value.reason


def test_the_checks_stand_in_their_order(rsa: dict[str, Any]) -> None:
    """Each fault is put right in turn, and the next one shows."""
    wrong = {"kty": "oct", "use": "sig", "alg": "dir", "key_ops": ["sign"], "kid": "", "n": "AA==", "e": "Ag"}
    right = [("kty", "key_type_not_allowed"), ("use", "key_use"), ("alg", "key_type_not_allowed"), ("key_ops", "key_use")]
    right += [("kid", "key_malformed"), ("n", "key_malformed"), ("e", "key_malformed")]
    sound = rsa | {"key_ops": ["wrapKey"], "kid": "k"}
    for member, code in right:
        assert fault_of(wrong) == (code, member)
        wrong[member] = sound[member]
    accredit.parse_encryption_key(wrong)


@pytest.mark.parametrize(
    "jwk", [None, [], "{}", 1, True, {"kty": math.nan}, {"kid": "\ud800"}, {"x": "A" * 9000}, {"x": object()}]
)
def test_what_is_no_object_or_too_large(jwk: object) -> None:
    assert fault_of(jwk) == ("key_malformed", None)


def test_eight_kibibytes_are_taken_and_no_more(ec: dict[str, Any]) -> None:
    room = 8 * 1024 - len(str(ec).replace(" ", "")) - len(',"x5t":""')
    accredit.parse_encryption_key(ec | {"x5t": "A" * room})
    assert fault_of(ec | {"x5t": "A" * (room + 1)}) == ("key_malformed", None)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"kty": None}, ("key_type_not_allowed", "kty")),
        ({"kty": "ec"}, ("key_type_not_allowed", "kty")),
        ({"kty": ["EC"]}, ("key_type_not_allowed", "kty")),
        ({"kty": "OKP"}, ("key_type_not_allowed", "crv")),
        ({"kty": "RSA"}, ("key_type_not_allowed", "alg")),
        ({"use": None}, ("key_use", "use")),
        ({"use": "ENC"}, ("key_use", "use")),
        ({"use": ["enc"]}, ("key_use", "use")),
        ({"alg": None}, ("key_type_not_allowed", "alg")),
        ({"alg": ["ECDH-ES"]}, ("key_type_not_allowed", "alg")),
        ({"alg": "ecdh-es"}, ("key_type_not_allowed", "alg")),
        ({"alg": "ECDH-ES+A192KW"}, ("key_type_not_allowed", "alg")),
        ({"key_ops": "deriveKey"}, ("key_use", "key_ops")),
        ({"key_ops": {}}, ("key_use", "key_ops")),
        ({"key_ops": ["deriveKey", "deriveKey"]}, ("key_use", "key_ops")),
        ({"key_ops": ["deriveKey", 1]}, ("key_use", "key_ops")),
        ({"key_ops": [["deriveKey"]]}, ("key_use", "key_ops")),
        ({"key_ops": ["encrypt"]}, ("key_use", "key_ops")),
        ({"kid": ""}, ("key_malformed", "kid")),
        ({"kid": 1}, ("key_malformed", "kid")),
        ({"kid": "k" * 257}, ("key_malformed", "kid")),
        ({"kid": "a\nb"}, ("key_malformed", "kid")),
        ({"kid": "a\x7f"}, ("key_malformed", "kid")),
        ({"kid": "a\x85"}, ("key_malformed", "kid")),
        ({"crv": None}, ("key_type_not_allowed", "crv")),
        ({"crv": []}, ("key_type_not_allowed", "crv")),
        ({"crv": "p-256"}, ("key_type_not_allowed", "crv")),
        ({"crv": "X25519"}, ("key_type_not_allowed", "crv")),
        ({"crv": "P-384"}, ("key_malformed", "x")),
        ({"x": None}, ("key_malformed", "x")),
        ({"x": ""}, ("key_malformed", "x")),
        ({"x": 1}, ("key_malformed", "x")),
        ({"x": b64url_encode(bytes(31))}, ("key_malformed", "x")),
        ({"x": b64url_encode(bytes(33))}, ("key_malformed", "x")),
        ({"x": b64url_encode(bytes(32)) + "="}, ("key_malformed", "x")),
        ({"x": b64url_encode(bytes(32))[:-1] + "B"}, ("key_malformed", "x")),
        ({"y": b64url_encode(bytes(31))}, ("key_malformed", "y")),
        ({"x": b64url_encode(bytes(32)), "y": b64url_encode(bytes(32))}, ("key_malformed", "x")),
        ({"x": b64url_encode(b"\xff" * 32)}, ("key_malformed", "x")),
    ],
)
def test_refuses_a_key_on_a_curve(ec: dict[str, Any], change: dict[str, Any], expected: tuple[str, str]) -> None:
    assert fault_of(ec | change) == expected


@pytest.mark.parametrize(
    "operations", [[], ["deriveKey"], ["deriveBits"], ["deriveBits", "deriveKey"], ["deriveKey", "verify"]]
)
def test_takes_operations_that_fit(ec: dict[str, Any], operations: list[str]) -> None:
    accredit.parse_encryption_key(ec | {"key_ops": operations})


def test_a_modulus_has_one_of_three_sizes_and_no_small_factor(rsa: dict[str, Any]) -> None:
    n = int.from_bytes(b64url_decode(str(rsa["n"])))
    for size in (512, 1024, 2047, 2049, 3071, 4095, 4097, 8192):
        assert fault_of(rsa | {"n": number(2 ** (size - 1) + 1)}) == ("key_size_not_allowed", "n")
    for factor in (2, 3, 5, 101, 991, 997):
        multiple = n - n % factor
        assert fault_of(rsa | {"n": number(multiple)}) == ("key_malformed", "n")
    assert fault_of(rsa | {"n": b64url_encode(b"\0" + b64url_decode(str(rsa["n"])))}) == ("key_malformed", "n")


@pytest.mark.parametrize("exponent", [1, 2, 3, 17, 65535, 65536, 65538, 2**32, 2**32 + 1, 2**64 + 1])
def test_an_exponent_that_is_not_taken(rsa: dict[str, Any], exponent: int) -> None:
    assert fault_of(rsa | {"e": number(exponent)}) == ("key_malformed", "e")


def test_an_exponent_is_odd_and_of_thirty_two_bits(rsa: dict[str, Any]) -> None:
    for exponent in (65537, 65539, 2**32 - 1):
        accredit.parse_encryption_key(rsa | {"e": number(exponent)})
    assert fault_of(rsa | {"e": "AAEAAQ"}) == ("key_malformed", "e")


LOW_ORDER = [
    0,
    1,
    P - 1,
    P,
    P + 1,
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
]


@pytest.mark.parametrize("u", [*LOW_ORDER, *(low + 2**255 for low in LOW_ORDER), P + 9, 2**255 - 1, 2**255 + 9, 2**256 - 1])
def test_a_point_of_low_order_or_in_a_second_spelling(okp: dict[str, Any], u: int) -> None:
    """RFC 7748 section 6.1; the top bit and what lies beyond the field are masked and reduced by the function itself."""
    assert fault_of(okp | {"x": b64url_encode(u.to_bytes(32, "little"))}) == ("key_malformed", "x")


def test_the_twist_is_as_good_as_the_curve(okp: dict[str, Any]) -> None:
    accredit.parse_encryption_key(okp | {"x": b64url_encode((9).to_bytes(32, "little"))})
    accredit.parse_encryption_key(okp | {"x": b64url_encode((2).to_bytes(32, "little"))})


def test_lists_of_thumbprints_come_last(rsa: dict[str, Any], ec: dict[str, Any]) -> None:
    key, other = accredit.parse_encryption_key(rsa), accredit.parse_encryption_key(ec)
    assert fault_of(rsa, denied={key.thumbprint}) == ("key_denied", None)
    assert fault_of(rsa, denied={key.thumbprint}, registered={key.thumbprint}) == ("key_denied", None)
    assert fault_of(rsa, registered={other.thumbprint}) == ("key_not_registered", None)
    assert fault_of(rsa, registered=()) == ("key_not_registered", None)
    assert fault_of(rsa | {"e": "Aw"}, denied={key.thumbprint}) == ("key_malformed", "e")
    accredit.parse_encryption_key(rsa, denied={other.thumbprint}, registered=[key.thumbprint])


def test_a_policy_narrows_the_algorithms(rsa: dict[str, Any], ec: dict[str, Any]) -> None:
    assert fault_of(rsa, allowed_alg=("RSA-OAEP-256", "ECDH-ES")) == ("key_type_not_allowed", "alg")
    accredit.parse_encryption_key(ec, allowed_alg=("RSA-OAEP-256", "ECDH-ES"))
    with pytest.raises(accredit.EncryptionKeyError) as error:
        accredit.parse_encryption_key(rsa, allowed_alg=("RSA-OAEP-256", "ECDH-ES"))
    assert error.value.reason == "For this kty, alg must be one of: RSA-OAEP-256."
    # A policy cannot widen them.
    assert fault_of(rsa | {"alg": "RSA1_5"}, allowed_alg=("RSA1_5",)) == ("key_type_not_allowed", "alg")


def test_the_published_key_is_told_by_its_thumbprint() -> None:
    assert frozenset(("NlEMoO936qCU5rJ2NLb5PTVMmx4aqwGALyKzBxooU_Y",)) == PUBLISHED_KEYS


def test_an_error_survives_the_way_to_another_process(rsa: dict[str, Any]) -> None:
    with pytest.raises(accredit.EncryptionKeyError) as error:
        accredit.parse_encryption_key(rsa | {"use": "sig"})
    again = pickle.loads(pickle.dumps(error.value))
    assert (type(again), again.code, again.member) == (accredit.EncryptionKeyError, "key_use", "use")
    assert again.reason == error.value.reason
