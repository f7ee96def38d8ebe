from collections.abc import Callable
from typing import Any

import pytest

import accredit
from accredit.deployment import MAX_TOKEN_BYTES, TOKEN_TYPE
from accredit.encoding import b64url_encode

IDS = {"deployer_id": "d", "integration_id": "i"}
PAYLOAD = {**IDS, "owner_id": "o", "uid": "u"}
Write = Callable[..., str]


def refusal_of(token: str) -> str:
    with pytest.raises(accredit.Refused) as refusal:
        accredit.peek_deployment(token)
    return refusal.value.code


def test_peeks_at_what_is_claimed(write: Write) -> None:
    peeked = accredit.peek_deployment(write(PAYLOAD))
    assert (peeked.deployer_id, peeked.integration_id, peeked.payload) == ("d", "i", PAYLOAD)
    assert (peeked.alg, peeked.kid, peeked.typ, len(peeked.signature)) == ("ES512", None, None, 132)


def test_peeks_at_an_extended_header(write: Write) -> None:
    peeked = accredit.peek_deployment(write(PAYLOAD, {"typ": TOKEN_TYPE, "kid": "k", "alg": "ES512"}))
    assert (peeked.kid, peeked.typ) == ("k", TOKEN_TYPE)


@pytest.mark.parametrize(
    "respell",
    [
        lambda token: token + ".",
        lambda token: "." + token,
        lambda token: token.rsplit(".", 1)[0],
        lambda token: token.rsplit(".", 1)[0] + ".",
        lambda token: token.replace(".", "..", 1),
        lambda token: token + "=",
        lambda token: token.replace(".", "=.", 1),
        lambda token: token + "\n",
        lambda token: " " + token,
        lambda token: token.replace(".", ". ", 1),
        lambda token: token[:-1] + "+",
        lambda token: token[:-1] + "é",
        lambda token: token[:-3],
        lambda _token: "",
        lambda _token: "..",
        lambda _token: "a.b.c",
        lambda _token: "e30.e30.AA\x00",
    ],
)
def test_refuses_texts_of_another_shape(write: Write, respell: Callable[[str], str]) -> None:
    assert refusal_of(respell(write(PAYLOAD))) == "jws_malformed"


def test_a_token_has_64_kib(write: Write) -> None:
    room = MAX_TOKEN_BYTES - len(write({**IDS, "x": ""}))
    longest = write({**IDS, "x": "x" * (room * 3 // 4)})
    assert MAX_TOKEN_BYTES - 4 < len(longest) <= MAX_TOKEN_BYTES
    accredit.peek_deployment(longest)
    assert refusal_of(write({**IDS, "x": "x" * (room * 3 // 4 + 4)})) == "jws_malformed"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (b"[]", "jws_malformed"),
        (b'"ES512"', "jws_malformed"),
        (b"{", "jws_malformed"),
        (b'{"alg":"ES512"}x', "jws_malformed"),
        (b'{"alg":"ES512","alg":"ES512"}', "jws_malformed"),
        (b'{"alg":"none","\\u0061lg":"ES512"}', "jws_malformed"),
        (b'{"alg":"\xff"}', "jws_malformed"),
        ({"alg": "ES512", "kid": None}, "jws_header_not_allowed"),
        ({"alg": "ES512", "typ": None}, "jws_header_not_allowed"),
        ({"alg": "ES512", "kid": 1}, "jws_header_not_allowed"),
        ({"alg": "ES512", "kid": ["k"]}, "jws_header_not_allowed"),
        ({"alg": "ES512", "typ": "JWT"}, "jws_header_not_allowed"),
        ({"alg": "ES512", "typ": ""}, "jws_header_not_allowed"),
        ({"alg": "ES512", "typ": TOKEN_TYPE.upper()}, "jws_header_not_allowed"),
        ({"alg": "ES512", "crit": []}, "jws_header_not_allowed"),
        ({"alg": "ES512", "b64": False, "crit": ["b64"]}, "jws_header_not_allowed"),
        ({"alg": "ES512", "jwk": {}}, "jws_header_not_allowed"),
        ({"alg": "ES512", "jku": "https://evil.example"}, "jws_header_not_allowed"),
        ({"alg": "ES512", "x5c": []}, "jws_header_not_allowed"),
        ({"alg": "ES512", "zip": "DEF"}, "jws_header_not_allowed"),
        ({"alg": "none"}, "jws_alg_not_allowed"),
        ({"alg": "HS512"}, "jws_alg_not_allowed"),
        ({"alg": "ES384"}, "jws_alg_not_allowed"),
        ({"alg": "es512"}, "jws_alg_not_allowed"),
        ({"alg": None}, "jws_alg_not_allowed"),
        ({"alg": ["ES512"]}, "jws_alg_not_allowed"),
        ({"kid": "k"}, "jws_alg_not_allowed"),
    ],
)
def test_refuses_other_headers(write: Write, header: Any, code: str) -> None:
    assert refusal_of(write(PAYLOAD, header)) == code


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"not json", "payload_malformed"),
        (b'{"deployer_id":"d","integration_id":"i","a":NaN}', "payload_malformed"),
        (b'{"deployer_id":"d","integration_id":"i","a":1e999}', "payload_malformed"),
        (b'{"deployer_id":"d","integration_id":"i","a":"\\ud800"}', "payload_malformed"),
        (b'\xef\xbb\xbf{"deployer_id":"d","integration_id":"i"}', "payload_malformed"),
        ({**IDS, "a": {"b": {"c": {}}}}, "payload_malformed"),
        (b'{"deployer_id":"d","integration_id":"i","deployer_id":"d"}', "payload_duplicate_member"),
        (b'{"deployer_id":"d","integration_id":"i","a":{"b":1,"b":1}}', "payload_duplicate_member"),
        ([IDS], "payload_not_object"),
        ("text", "payload_not_object"),
        (None, "payload_not_object"),
        ({}, "missing_required_property"),
        ({"deployer_id": "d"}, "missing_required_property"),
        ({**IDS, "deployer_id": "a:b"}, "missing_required_property"),
        ({**IDS, "deployer_id": None}, "missing_required_property"),
        ({**IDS, "integration_id": 7}, "missing_required_property"),
        ({**IDS, "integration_id": "i" * 129}, "missing_required_property"),
    ],
)
def test_refuses_other_payloads(write: Write, payload: Any, code: str) -> None:
    assert refusal_of(write(payload)) == code


def test_judges_the_header_before_the_payload(write: Write) -> None:
    assert refusal_of(write(b"not json", {"alg": "none"})) == "jws_alg_not_allowed"
    assert refusal_of(write(b"not json", {"alg": "none", "crit": []})) == "jws_header_not_allowed"


def test_three_levels_are_enough_for_a_token(write: Write) -> None:
    accredit.peek_deployment(write({**IDS, "origins": ["https://a.example"], "a": {"b": {}}}))


def test_an_empty_segment_is_no_segment() -> None:
    assert refusal_of(f"{b64url_encode(b'{}')}..AA") == "jws_malformed"
