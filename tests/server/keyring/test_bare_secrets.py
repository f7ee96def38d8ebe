"""Which runs of base64 in a text are worth a look-up, and what looking costs."""

import base64
import json
import time
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.deployment import sign_deployment
from accredit.identity import IdentitySecret, sign_identity, sign_identity_v2
from accredit.keys import generate_deployment_key
from accredit.server.keyring.bare_secrets import find_bare_secrets, find_written_secrets

# Its base64 holds a plus and a slash.
OCTETS = bytes(range(224, 256))
TEXT = base64.b64encode(OCTETS).decode()
SECRET = IdentitySecret(OCTETS, "key_1")
ISSUED = frozenset({32})
IDS = {"deployer_id": "shop", "integration_id": "int_1", "owner_id": "acc_1"}


def text_of(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def test_the_text_has_what_others_escape() -> None:
    assert {"+", "/", "="} <= set(TEXT)


@pytest.mark.parametrize(
    "wrap",
    [
        "{}".format,
        " {}\n".format,
        '"{}"'.format,
        "SECRET={}".format,
        "https://shop.example/keys/{}".format,
        "4{}".format,
        "é{}é\ud800".format,
        "{} and so on".format,
        lambda text: json.dumps({"a": [{"b": f"secret: {text}"}]}),
        lambda text: json.dumps({"a": text}).replace("/", "\\/"),
        lambda text: json.dumps({"a": text}).replace("=", "\\u003d").replace("+", "\\u002B"),
        lambda text: f"?secret={quote(text, safe='')}",
        lambda text: text.replace("+", "%2b").replace("/", "%2f").replace("=", "%3d"),
        # A form in which nobody escaped the plus signs.
        lambda text: text.replace("+", " "),
        lambda text: json.dumps([sign_identity(SECRET, "cp_1", "cpd_1", "", now=1_700_000_000), text]),
    ],
    ids=range(15),
)
def test_finds_a_secret_wherever_it_stands(wrap: Any) -> None:
    assert OCTETS in find_bare_secrets(["nothing", wrap(TEXT)], ISSUED)


@pytest.mark.parametrize("size", range(16, 65))
def test_finds_secrets_of_every_size(size: int) -> None:
    octets = bytes(range(100, 100 + size))
    assert find_bare_secrets([f'{{"a":"{text_of(octets)}"}}'], frozenset({size})) == [octets]


@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT[:-1],
        TEXT[1:],
        TEXT.replace("/", "_").replace("+", "-"),
        f"{TEXT[:-2]}{chr(ord(TEXT[-2]) + 1)}=",
        f"{TEXT[:20]}.{TEXT[20:]}",
        text_of(OCTETS[:31]),
        text_of(OCTETS + b"!"),
        "A" * 44,
        "jane@example.com",
        "0123456789abcdef0123456789abcdef",
    ],
)
def test_finds_nothing_where_no_secret_in_use_could_be(text: str) -> None:
    assert find_bare_secrets([text], ISSUED) == []


def test_finds_nothing_where_no_secret_is_in_use() -> None:
    assert find_bare_secrets([TEXT], frozenset()) == []


@pytest.mark.parametrize(
    "proof",
    [
        sign_identity(SECRET, "cp_1", "cpd_1", "jane@example.com", now=1_700_000_000),
        sign_identity_v2(SECRET, "cp_1", "cpd_1", {"email": "jane@example.com"}, now=1_700_000_000),
        sign_identity(SECRET, "cp_1", "cpd_1", "", now=1_700_000_000, nonce=f"{'Aa+/' * 8}!"),
        sign_deployment({**IDS, "data_passport": {"a": "user" * 400}}, generate_deployment_key().private_jwk),
    ],
    ids=["v1", "v2", "v1 with a nonce of other characters", "token"],
)
def test_a_proof_is_no_secret(proof: str) -> None:
    """They come with every request, and their parts may have the very form of a secret."""
    assert find_bare_secrets([proof, json.dumps({"signature": proof})], ISSUED) == []
    assert find_bare_secrets([proof], frozenset(range(16, 65))) == []


def test_bounds_how_many_are_looked_up() -> None:
    secrets = [bytes([number]) * 32 for number in range(40)]
    assert find_bare_secrets([" ".join(map(text_of, secrets[:20])), *map(text_of, secrets[20:])], ISSUED) == secrets[:32]
    assert find_bare_secrets([TEXT] * 40, ISSUED) == [OCTETS]


@given(st.text(st.sampled_from("AZaz09+/= .:\\%v2eyJu00d3é\ud800")), st.sets(st.integers(16, 64)))
def test_reads_any_text(text: str, sizes: set[int]) -> None:
    for octets in find_bare_secrets([text * 3, f"{text}{TEXT}{text}"], sizes):
        assert len(octets) in sizes


@given(st.binary(min_size=16, max_size=64), st.text(st.sampled_from('"{}: .,é')))
def test_finds_whatever_stands_between_other_characters(octets: bytes, around: str) -> None:
    assert octets in find_bare_secrets([f"{around} {text_of(octets)} {around}x"], {len(octets)})


@pytest.mark.parametrize(
    "piece", ["A" * 21 + "=", "A" * 43 + "=", "a=", "-", "%2B", "\\u003d", "1700000000:", "1700000000:=:", "v2.a.", "eyJ"]
)
def test_costs_a_few_passes_over_the_largest_body(piece: str) -> None:
    """In the time of a hundred passes and more, so that a slow machine does not matter and a square would."""
    body = (piece * (131_072 // len(piece))) + "="
    began = time.process_time()
    find_bare_secrets([body], frozenset(range(16, 65)))
    assert time.process_time() - began < 0.5


@given(st.text(st.sampled_from("ab1 =\"'\n&{}[]\\eyJ\u00e9\ud800")), st.sets(st.integers(32, 128)))
def test_reads_any_text_for_secrets_as_written(text: str, sizes: set[int]) -> None:
    for found in find_written_secrets([text * 3, f"{text}{'x' * 40}{text}"], sizes):
        assert len(found) in sizes
        assert found.isascii()


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=32, max_size=128))
def test_finds_a_secret_as_written_that_is_a_whole_text(secret: str) -> None:
    assert find_written_secrets(["", secret], {len(secret)}) == [secret]


def test_bounds_how_many_secrets_as_written_are_looked_up() -> None:
    texts = [f"{number:040}" for number in range(50)]
    assert find_written_secrets([" ".join(texts[:20]), *texts[20:]], {40}) == texts[:32]
    assert find_written_secrets(texts, set()) == []
    assert find_written_secrets(["eyJ" + "x" * 40], {43}) == ["eyJ" + "x" * 40]


@pytest.mark.parametrize("piece", ["x", "x ", '"' + "x" * 40, "é", "=" * 33])
def test_secrets_as_written_cost_a_few_passes(piece: str) -> None:
    body = piece * (131_072 // len(piece))
    began = time.process_time()
    find_written_secrets([body], frozenset(range(32, 129)))
    assert time.process_time() - began < 0.5
