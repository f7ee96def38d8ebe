"""Signed requests: what was signed verifies, no other request does, and whatever headers come are read or refused in our words."""

import calendar
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import accredit
from accredit.httpsig import format_http_date, parse_http_date

NOW = 1_611_438_194
KEY_ID, SECRET = "live_key_1", "live_secret_" + "abcd1234" * 8
KEYS = {KEY_ID: ["live_secret_" + "0123cdef" * 8, SECRET]}
TARGET, URI, BODY = "/flow_sessions?a=b%20c", "https://id.example.com/flow_sessions?a=b%20c", b'{"a":1}'
SECRETS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=32, max_size=128)
TARGETS = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_categories=["Cc"]), min_size=1, max_size=60
).map(lambda text: "/" + text.replace("\xa0", ""))
METHODS = st.sampled_from(["GET", "post", "DELETE", "M-SEARCH"])
TIMES = st.integers(0, 4_000_000_000)


@given(st.integers(-62167219200, 253402300799))
@example(0)
def test_a_date_is_written_and_read_alike(seconds: int) -> None:
    text = format_http_date(seconds)
    assert parse_http_date(text) == seconds
    if int(text[12:16]) >= 1900:
        assert calendar.timegm(time.strptime(text, "%a, %d %b %Y %H:%M:%S GMT")) == seconds


@given(st.text(st.sampled_from("SunMoFriJanDec ,:0123456789GMT"), max_size=31))
def test_any_text_is_a_date_or_none(text: str) -> None:
    try:
        seconds = parse_http_date(text)
    except ValueError:
        return
    assert format_http_date(seconds) == text


@given(METHODS, TARGETS, st.binary(max_size=40), SECRETS, TIMES, st.integers(-899, 899))
def test_what_is_signed_is_verified(method: str, target: str, body: bytes, secret: str, now: int, off: int) -> None:
    headers = accredit.sign_request(method, target, body, key_id=KEY_ID, secret=secret, now=now)
    verified = accredit.verify_request(method, target, headers, body, {KEY_ID: [secret]}, now=now + off)
    assert (verified.key_id, verified.signed_at) == (KEY_ID, now)


@given(
    st.sampled_from(["GET", "POST"]), st.text(st.sampled_from("aZ09/?=%."), max_size=40), st.binary(max_size=40), SECRETS, TIMES
)
def test_so_is_what_is_signed_by_rfc_9421(method: str, path: str, body: bytes, secret: str, now: int) -> None:
    uri = f"https://id.example.com/{path}"
    headers = accredit.sign_request_v2(method, uri, body, key_id=KEY_ID, secret=secret, now=now)
    verified = accredit.verify_request_v2(method, uri, headers, body, {KEY_ID: [secret]}, now=now)
    assert (verified.key_id, verified.signed_at) == (KEY_ID, now)


V1 = accredit.sign_request("POST", TARGET, BODY, key_id=KEY_ID, secret=SECRET, now=NOW)
V2 = accredit.sign_request_v2("POST", URI, BODY, key_id=KEY_ID, secret=SECRET, now=NOW)


def refused(headers: Any, *, method: str = "POST", target: str = "", body: bytes = BODY) -> bool:
    """Whether it is refused by the form that its headers have; any exception that is not ours fails the test."""
    try:
        if "Signature-Input" in headers:
            accredit.verify_request_v2(method, target or URI, headers, body, KEYS, now=NOW)
        else:
            accredit.verify_request(method, target or TARGET, headers, body, KEYS, now=NOW)
    except accredit.Refused:
        return True
    return False


FIELDS = [(headers, name) for headers in (V1, V2) for name in headers]
EACH_FIELD = pytest.mark.parametrize(("headers", "name"), FIELDS, ids=[name for _, name in FIELDS])


@EACH_FIELD
def test_each_single_bit_of_a_header_counts(headers: dict[str, str], name: str) -> None:
    assert not refused(headers)
    octets = headers[name].encode()
    for position in range(len(octets)):
        for bit in range(8):
            flipped = bytearray(octets)
            flipped[position] ^= 1 << bit
            changed = flipped.decode("latin-1")
            assert refused(headers | {name: changed}) or says_the_same(headers, name, changed), (position, bit)


def says_the_same(headers: dict[str, str], name: str, changed: str) -> bool:
    """`Authorization` has more than one spelling, as the original's clients do; it says the same in each of them."""
    return name == "Authorization" and accredit.peek_request(headers | {name: changed}) == accredit.peek_request(headers)


@EACH_FIELD
@given(data=st.data())
def test_no_second_spelling_is_verified(headers: dict[str, str], name: str, data: st.DataObject) -> None:
    respelt = headers[name]
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(respelt)))
        removed = data.draw(st.integers(0, 2))
        new = data.draw(st.sampled_from(["", "=", '"', "\n", "\x00", "+", "0", ":", ";", "é", "\u200b", "%3D", "A"]))
        respelt = respelt[:position] + new + respelt[position + removed :]
    assert refused(headers | {name: respelt}) is (respelt != headers[name]) or says_the_same(headers, name, respelt)


@given(st.sampled_from([V1, V2]), st.integers(0, len(BODY) - 1), st.integers(0, 7))
def test_each_single_bit_of_the_body_counts(headers: dict[str, str], position: int, bit: int) -> None:
    flipped = bytearray(BODY)
    flipped[position] ^= 1 << bit
    assert refused(headers, body=bytes(flipped))


@given(st.text(max_size=8), TARGETS | st.text(min_size=1))
def test_no_other_request_line_is_verified(method: str, target: str) -> None:
    assert refused(V1, method=method, target=target) is ((method.upper(), target) != ("POST", TARGET))
    assert refused(V2, method=method, target=target) is ((method, target) != ("POST", URI))


PARTS = st.sampled_from(
    [
        "Signature ",
        "keyId=",
        '"live_key_1"',
        "headers=",
        '"(request-target) date digest"',
        "signature=",
        '"' + "A" * 43 + '="',
        ",",
        " , ",
    ]
)
VALUES = st.text(max_size=30) | st.lists(PARTS, max_size=9).map("".join) | st.sampled_from([*V1.values(), *V2.values()])
NAMES = st.sampled_from([*V1, *V2, "authorization", "DATE", "host"]) | st.text(max_size=4)


@settings(max_examples=400)
@given(st.lists(st.tuples(NAMES, VALUES), max_size=8), st.binary(max_size=9) | st.just(BODY))
def test_any_headers_are_read_or_refused(headers: list[tuple[str, str]], body: bytes) -> None:
    try:
        verified = accredit.verify_request("POST", TARGET, headers, body, KEYS, now=NOW)
    except accredit.Refused:
        pass
    else:
        assert verified.signature in V1["Authorization"]
    try:
        accredit.verify_request_v2("POST", URI, headers, body, KEYS, now=NOW)
    except accredit.Refused:
        return
    assert {(name.lower(), value) for name, value in V2.items()} <= {(name.lower(), value) for name, value in headers}
