"""By shape alone: the original's signature, a token, or neither."""

import json
from typing import Any

import pytest

import accredit
from accredit.encoding import b64_encode, b64url_encode

V1 = b64_encode(bytes(range(32)))
HEADER = {"alg": "HS256", "kid": "live_key_1", "typ": "flow-user+jwt"}


def token(header: Any = HEADER, payload: Any = None, signature: bytes = bytes(32)) -> str:
    texts = (each if isinstance(each, str) else json.dumps(each) for each in (header, {} if payload is None else payload))
    return ".".join([*(b64url_encode(text.encode()) for text in texts), b64url_encode(signature)])


def code_of(signature: Any) -> str:
    with pytest.raises(accredit.Refused) as refusal:
        accredit.peek_reference(signature)
    assert refusal.value.member == "signature"
    return refusal.value.code


def test_44_characters_are_the_original_s() -> None:
    peeked = accredit.peek_reference(V1)
    assert (peeked.version, peeked.key_id, peeked.signature) == (1, None, bytes(range(32)))
    assert (peeked.alg, peeked.payload, peeked.signing_input) == ("", {}, b"")


def test_three_parts_are_a_token() -> None:
    peeked = accredit.peek_reference(token(payload={"sub": "user-1"}))
    assert (peeked.version, peeked.key_id, peeked.alg) == (2, "live_key_1", "HS256")
    assert (peeked.payload, peeked.signature) == ({"sub": "user-1"}, bytes(32))
    assert peeked.signing_input.decode() == token(payload={"sub": "user-1"}).rpartition(".")[0]


def test_nothing_of_it_is_shown() -> None:
    assert "user-1" not in repr(accredit.peek_reference(token(payload={"sub": "user-1"})))
    assert V1 not in repr(accredit.peek_reference(V1))


@pytest.mark.parametrize(
    "signature",
    ["", "a", "a.b", "a.b.c.d", V1[:-1], V1 + "=", V1 + "\n", " " + V1, V1[:-2] + "9=", V1.replace("A", "-"), bytes(range(32)).hex(),
     V1[:-4], "v2." + V1, None, 42, b"a", "é" * 44],
)  # fmt: skip
def test_all_else_is_neither(signature: Any) -> None:
    assert code_of(signature) == "signature_malformed"


@pytest.mark.parametrize(
    "text",
    [
        "..",
        "a..b",
        ".a.b",
        "é.é.é",
        token() + "=",
        token()[:-1] + "B",
        " " + token(),
        token().replace(".", ".\n", 1),
        token("[]"),
        token('"a"'),
        token("{"),
        token(payload="[]"),
        token(payload="null"),
        token(payload='{"a":NaN}'),
        token(payload='{"a":1,"a":1}'),
        token('{"alg":"HS256","alg":"HS256","kid":"k","typ":"flow-user+jwt"}'),
        token(payload={"a": [[[[]]]]}),
        token(payload={"a": "\ud800"}),
        token(payload={"a": "x" * 6200}),
    ],
)
def test_a_token_has_one_form(text: str) -> None:
    assert code_of(text) == "jws_malformed"


def test_a_token_has_at_most_8192_characters_and_four_levels() -> None:
    room = 8192 - len(token(payload={"a": ""}))
    assert len(token(payload={"a": "x" * (room // 4 * 3)})) <= 8192
    accredit.peek_reference(token(payload={"a": "x" * (room // 4 * 3)}))
    accredit.peek_reference(token(payload={"a": [[[]]]}))


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"alg": "HS256", "typ": "flow-user+jwt"},
        HEADER | {"typ": "JWT"},
        HEADER | {"typ": None},
        HEADER | {"kid": 1},
        HEADER | {"kid": None},
        HEADER | {"crit": ["exp"]},
        HEADER | {"b64": False},
        {"kid": "k", "typ": "flow-user+jwt"},
    ],
)
def test_a_header_has_three_members(header: dict[str, Any]) -> None:
    assert code_of(token(header)) == "jws_header_not_allowed"


@pytest.mark.parametrize("alg", ["none", "HS512", "RS256", "PS256", "ES384", "hs256", "", None, 1, ["HS256"]])
def test_takes_four_algorithms(alg: Any) -> None:
    assert code_of(token(HEADER | {"alg": alg})) == "jws_alg_not_allowed"


@pytest.mark.parametrize("alg", ["HS256", "ES256", "ES512", "EdDSA"])
def test_takes_these(alg: str) -> None:
    assert accredit.peek_reference(token(HEADER | {"alg": alg})).alg == alg
