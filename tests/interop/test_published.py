"""Published examples of JOSE against the reader of sealed answers: RFC 7515, 7516, 7518, 7520 and 8037, some as jwcrypto ships them.

What is of the profile opens, all else is refused: no example is opened that uses another algorithm, form or key.
"""

import hashlib
import importlib.util
import json
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import jwcrypto
import pytest

from accredit.encoding import b64url_decode, b64url_encode
from accredit.errors import MalformedError
from accredit.sealing import ENCRYPTIONS, DecryptionKey, ServerKey, parse_decryption_key, parse_server_key
from accredit.sealing.agreement import Parties, recover_content_key
from accredit.sealing.algorithms import CONTENT_ENCRYPTIONS
from accredit.sealing.compact import UnopenedError, open_octets
from accredit.sealing.content import Encrypted, decrypt_content, encrypt_content
from accredit.sealing.keys import public_point

# Deprecated names, which jwcrypto warns of, are among the examples.
pytestmark = pytest.mark.filterwarnings("ignore")


@cache
def shipped(name: str) -> ModuleType:
    """A module of jwcrypto's tests, by its file: one of them has a name that no import statement can hold."""
    path = Path(jwcrypto.__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(name.replace("-", "_"), path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def opened(compact: str, key: DecryptionKey) -> bytes:
    return open_octets(compact, [key], enc=ENCRYPTIONS, max_bytes=99_999).plaintext


def test_rfc_7516_appendix_a_1() -> None:
    rfc = shipped("tests")
    key = parse_decryption_key(rfc.E_A1_key | {"alg": "RSA-OAEP"})
    assert opened(rfc.E_A1_vector, key) == bytes(rfc.E_A1_plaintext)


@pytest.mark.parametrize(
    ("compact", "key"), [("JWE_compact_5_2_5", "RSA_key_5_2_1"), ("JWE_compact_5_5_5", "EC_key_5_5_1")], ids=["5.2", "5.5"]
)
def test_rfc_7520_sections_5_2_and_5_5(compact: str, key: str) -> None:
    book = shipped("tests-cookbook")
    private = getattr(book, key) | {"alg": "RSA-OAEP" if key.startswith("RSA") else "ECDH-ES", "use": "enc"}
    assert opened(getattr(book, compact), parse_decryption_key(private)) == book.Payload_plaintext_5


@cache
def keys_of_the_examples() -> list[DecryptionKey]:
    """Every key of the examples that is a key at all, under each algorithm that it could be for."""
    found = []
    for module in (shipped("tests"), shipped("tests-cookbook")):
        for jwk in vars(module).values():
            if isinstance(jwk, dict) and "d" in jwk and "kty" in jwk:
                for alg in ("RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A256KW"):
                    try:
                        found.append(parse_decryption_key(jwk | {"alg": alg, "use": "enc", "kid": None, "key_ops": None}))
                    except MalformedError:
                        continue
    return found


def examples_of_others() -> list[Any]:
    """Compact and JSON forms that are not of the profile."""
    book, rfc = vars(shipped("tests-cookbook")), vars(shipped("tests"))
    texts = {
        name: text
        for name, text in (book | rfc).items()
        if isinstance(text, str | dict) and ("JWE_" in name or "vector" in name)
    }
    texts = {name: text if isinstance(text, str) else json.dumps(text) for name, text in texts.items()}
    taken = ("E_A1_vector", "JWE_compact_5_2_5", "JWE_compact_5_5_5")
    return [pytest.param(text, id=name) for name, text in texts.items() if name not in taken]


@pytest.mark.parametrize("text", examples_of_others())
def test_no_other_example_is_opened(text: str) -> None:
    assert len(keys_of_the_examples()) >= 14
    for key in keys_of_the_examples():
        with pytest.raises(UnopenedError):
            opened(text, key)


# RFC 7518 appendix C; the ephemeral key is Alice's, the key is Bob's.
ALICE = ("gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0", "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps")
BOB = {
    "kty": "EC",
    "crv": "P-256",
    "x": "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
    "y": "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
    "d": "VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw",
    "alg": "ECDH-ES",
}


def test_rfc_7518_appendix_c() -> None:
    epk = public_point("P-256", [b64url_decode(text) for text in ALICE])
    derived = recover_content_key(parse_decryption_key(BOB), "A128GCM", b"", epk, Parties(b"Alice", b"Bob"))
    assert b64url_encode(derived) == "VqqN6vgjbSBcIijNcacQGg"


def test_rfc_8037_appendix_a_6() -> None:
    """The shared secret is the appendix's; RFC 7518 section 4.6.2 is computed here once more, by hand."""
    private = {
        "kty": "OKP",
        "crv": "X25519",
        "d": b64url_encode(bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")),
        "x": "3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08",
        "alg": "ECDH-ES",
    }
    ephemeral = bytes.fromhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
    shared = bytes.fromhex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
    info = b"\0\0\0\x07A128GCM" + b"\0\0\0\0" * 2 + b"\0\0\0\x80"
    derived = recover_content_key(parse_decryption_key(private), "A128GCM", b"", public_point("X25519", [ephemeral]), Parties())
    assert derived == hashlib.sha256(b"\0\0\0\x01" + shared + info).digest()[:16]


KERCKHOFFS = (
    b"A cipher system must not be required to be secret, and it must be able to fall into the hands of the enemy "
    b"without inconvenience"
)


@pytest.mark.parametrize(
    ("enc", "begins", "tag"),
    [
        ("A128CBC-HS256", "c80edfa32ddf39d5ef00c0b468834279", "652c3fa36b0a7c5b3219fab3a30bc1c4"),
        (
            "A256CBC-HS512",
            "4affaaadb78c31c5da4b1b590d10ffbd",
            "4dd3b4c088a7f45c216839645b2012bf2e6269a8c56a816dbc1b267761955bc5",
        ),
    ],
)
def test_rfc_7518_appendix_b(enc: str, begins: str, tag: str) -> None:
    row, aad = CONTENT_ENCRYPTIONS[enc], b"The second principle of Auguste Kerckhoffs"
    key, iv = bytes(range(row.cek_bytes)), bytes.fromhex("1af38c2dc2b96ffdd86694092341bc04")
    content = encrypt_content(row, key, iv, KERCKHOFFS, aad)
    assert (content.ciphertext[:16].hex(), content.tag.hex(), len(content.ciphertext)) == (begins, tag, 144)
    assert decrypt_content(row, key, content, aad) == KERCKHOFFS
    for other in (Encrypted(bytes(16), content.ciphertext, content.tag), Encrypted(iv, bytes(144), content.tag)):
        with pytest.raises(ValueError, match="tag"):
            decrypt_content(row, key, other, aad)
    with pytest.raises(ValueError, match="tag"):
        decrypt_content(row, key, content, aad + b".")


def test_rfc_7515_appendices_a_2_and_a_3() -> None:
    rfc = shipped("tests")
    for example, alg in ((rfc.A2_example, "RS256"), (rfc.A3_example, "ES256")):
        key = server_key(example["key"], alg)
        signing_input = f"{b64url_encode(example['protected'].encode())}.{b64url_encode(bytes(example['payload']))}".encode()
        signature = bytes(example["signature"])
        assert key.is_signed(signing_input, signature)
        assert not key.is_signed(signing_input + b" ", signature)
        assert not key.is_signed(signing_input, signature + b"\0")
        assert not key.is_signed(signing_input, bytes(len(signature)))


def server_key(jwk: dict[str, Any], alg: str) -> ServerKey:
    return parse_server_key({name: text for name, text in jwk.items() if name != "d"} | {"alg": alg, "kid": "k"})
