"""The vectors of the rest door that are the library's, every one of them, as its users call it; the others need a server."""

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import accredit
from accredit.encoding import b64url_encode
from accredit.sealing import PUBLISHED_KEYS

VECTORS: dict[str, Any] = json.loads(Path(__file__).with_name("rest.json").read_text(encoding="utf-8"))
CASES: list[dict[str, Any]] = VECTORS["cases"]
OF_THE_LIBRARY = {"open": 43, "open_signed": 16, "request_key": 47, "header": 1}
OF_THE_SERVER = {"create": 53, "callback": 16, "subject_id": 3}


def cases_of(*kinds: str) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in CASES if case["kind"] in kinds]


def test_knows_the_kind_of_every_case() -> None:
    assert Counter(case["kind"] for case in CASES) == OF_THE_LIBRARY | OF_THE_SERVER


@pytest.mark.parametrize("case", cases_of("open", "open_signed"))
def test_open(case: dict[str, Any]) -> None:
    if case["expect"] == "valid":
        assert open_case(case["inputs"]) == json.loads(VECTORS["plaintexts"][case["plaintext"]])
    else:
        with pytest.raises(accredit.SealedError) as refusal:
            open_case(case["inputs"])
        assert refusal.value.code == case["expect"]
        # One text, and no trace of what it was.
        assert str(refusal.value) == "sealed_invalid"
        assert refusal.value.__cause__ is None


@cache
def reading_key(name: str) -> accredit.DecryptionKey:
    return accredit.parse_decryption_key(VECTORS["keys"][name]["private"])


def open_case(inputs: dict[str, Any]) -> dict[str, Any]:
    keys = [reading_key(name) for name in inputs["keys"]]
    signer = accredit.Signer(VECTORS["jwks"], **inputs["signer"]) if "signer" in inputs else None
    return dict(accredit.open_sealed(inputs["jwe"], keys, signer=signer))


@pytest.mark.parametrize("case", cases_of("request_key"))
def test_request_key(case: dict[str, Any]) -> None:
    denied = VECTORS["deny"][case["inputs"]["environment"]]
    if case["expect"] == "valid":
        key = accredit.parse_encryption_key(case["inputs"]["jwk"], denied=denied)
        assert key.thumbprint == case["thumbprint"]
    else:
        with pytest.raises(accredit.EncryptionKeyError) as error:
            accredit.parse_encryption_key(case["inputs"]["jwk"], denied=denied)
        member = f".{error.value.member}" if error.value.member else ""
        assert (error.value.code, f"encryptionPublicKey{member}") == (case["expect"], case["member"])


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("crv_p348", "P-384"),
        ("n_leading_zero", "zero octet"),
        ("private_rsa", "make a new pair"),
        ("sample_key_in_live", "make a new pair"),
        ("rsa_1024", "2048, 3072 or 4096"),
        ("alg_rsa1_5", "RSA-OAEP"),
    ],
)
def test_a_fault_of_a_key_says_how_to_mend_it(name: str, hint: str) -> None:
    inputs = next(case["inputs"] for case in CASES if (case["kind"], case["name"]) == ("request_key", name))
    with pytest.raises(accredit.EncryptionKeyError) as error:
        accredit.parse_encryption_key(inputs["jwk"], denied=PUBLISHED_KEYS)
    assert hint in error.value.reason


def test_the_deny_list_of_live_is_that_of_the_vectors() -> None:
    assert frozenset(VECTORS["deny"]["live"]) == PUBLISHED_KEYS
    assert VECTORS["keys"]["sample"]["thumbprint"] in PUBLISHED_KEYS


@pytest.mark.parametrize("case", cases_of("header"))
def test_header(case: dict[str, Any]) -> None:
    assert case["inputs"] == {"alg": "RSA-OAEP", "enc": "A128CBC-HS256", "kid": None}
    key = accredit.parse_encryption_key(accredit.generate_encryption_key().public_jwk)
    header = accredit.seal_response(b"{}", key).decode().split(".")[0]
    assert header == case["result"]["encoded"] == b64url_encode(case["result"]["text"].encode())
    assert len(case["result"]["text"]) == case["result"]["octets"]


@pytest.mark.parametrize("name", VECTORS["keys"])
def test_each_private_key_opens_what_is_sealed_to_its_public_half(name: str) -> None:
    private = VECTORS["keys"][name]["private"]
    public = accredit.parse_encryption_key(
        {member: private.get(member) for member in ("kty", "crv", "x", "y", "n", "e", "alg", "kid", "use")}
    )
    assert public.thumbprint == VECTORS["keys"][name]["thumbprint"]
    for plaintext in VECTORS["plaintexts"].values():
        body = accredit.seal_response(plaintext.encode(), public)
        assert accredit.open_sealed(body, [reading_key(name)]) == json.loads(plaintext)
