import math
import time
from typing import Any

import pytest

from accredit.encoding import (
    DuplicateMemberError,
    JsonError,
    b64_decode,
    b64_encode,
    b64url_decode,
    b64url_encode,
    compact_json,
    parse_json,
)

# RFC 4648 section 10, without and with padding.
RFC_4648 = [(b"", ""), (b"f", "Zg"), (b"fo", "Zm8"), (b"foo", "Zm9v"), (b"foob", "Zm9vYg"), (b"fooba", "Zm9vYmE")]


@pytest.mark.parametrize(("octets", "text"), [*RFC_4648, (b"\xfb\xef\xff", "--__")])
def test_base64url_has_no_padding(octets: bytes, text: str) -> None:
    assert b64url_encode(octets) == text
    assert b64url_decode(text) == octets


@pytest.mark.parametrize(("octets", "text"), [*RFC_4648, (b"\xfb\xef\xff", "++//")])
def test_base64_has_padding(octets: bytes, text: str) -> None:
    padded = text + "=" * (-len(text) % 4)
    assert b64_encode(octets) == padded
    assert b64_decode(padded) == octets


@pytest.mark.parametrize(
    "text",
    [
        "Zg==",
        "Zg=",
        "Zh",
        "Zm9",
        "Z",
        "Zm9vY",
        "Zm8 ",
        " Zm8",
        "Zm\n8",
        "Zm8\n",
        "++//",
        "Zm/v",
        "Zm9v=",
        "=",
        "Z\x00",
        "Zé",
        "Ｚｇ",
    ],
)
def test_base64url_has_one_spelling(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any ValueError is the promise
        b64url_decode(text)


@pytest.mark.parametrize(
    "text",
    ["Zg", "Zg=", "Zh==", "Zm9=", "Zg===", "Zm9v=", "Zg==\n", " Zg==", "Z g==", "--__", "Zg==Zg==", "=", "Zé==", "Z\x00=="],
)
def test_base64_has_one_spelling(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any ValueError is the promise
        b64_decode(text)


@pytest.mark.parametrize(
    ("octets", "value"),
    [
        (b"{}", {}),
        (b' \t\r\n{ "a" : [ 1 , -2.5e3 , true , null ] } ', {"a": [1, -2500.0, True, None]}),
        ('{"ö":"\U0001f642"}'.encode(), {"ö": "\U0001f642"}),
        (rb'"\ud83d\ude42\u0000\/"', "\U0001f642\x00/"),
        (b"9007199254740993", 9007199254740993),
        (b"-0", 0),
        (b"1e-400", 0.0),
        (b'{"a":{"a":1},"b":{"a":2}}', {"a": {"a": 1}, "b": {"a": 2}}),
        (b'{"[[[[":"]]]]{{{{\\"[[[["}', {"[[[[": ']]]]{{{{"[[[['}),
    ],
)
def test_reads_json(octets: bytes, value: Any) -> None:
    assert parse_json(octets, max_depth=3) == value


@pytest.mark.parametrize("octets", [b'{"a":1,"a":1}', b'[{"a":{"b":1,"b":2}}]', rb'{"a":1,"\u0061":2}', b'{"":1,"":2}'])
def test_refuses_a_member_named_twice(octets: bytes) -> None:
    with pytest.raises(DuplicateMemberError):
        parse_json(octets, max_depth=3)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b" ",
        b"{",
        b"{}{}",
        b"{'a':1}",
        b"[1,]",
        b'{"a":1,}',
        b"01",
        b"+1",
        b"1.",
        b".5",
        b"0x1",
        b"NaN",
        b"Infinity",
        b"[-Infinity]",
        b"1e999",
        b"[-1e999]",
        b"1" * 41,
        b"1" * 5000,
        b"nul",
        b"True",
        b'"\n"',
        b'"\x00"',
        b'"\\x"',
        b"// c\n1",
        b"\xef\xbb\xbf{}",
        b'"\xff"',
        b'"\xc0\xaf"',
        b'"\xed\xa0\x80"',
        "{}".encode("utf-16"),
        rb'"\ud800"',
        rb'{"a":["\udfff"]}',
        rb'{"\ud800":1}',
        b"]]]]]" + b"[" * 9000,
        b'"' + b"[" * 9000,
    ],
)
def test_refuses_what_is_not_strict_json(octets: bytes) -> None:
    with pytest.raises(JsonError):
        parse_json(octets, max_depth=32)


@pytest.mark.parametrize(
    ("octets", "depth"),
    [(b"1", 0), (b"[]", 1), (b"[[],[]]", 2), (b'{"a":{"b":[]}}', 3), (b'["[[[", []]', 2), (b'["\\"[[[", []]', 2)],
)
def test_counts_how_deep_objects_and_arrays_stand_in_one_another(octets: bytes, depth: int) -> None:
    parse_json(octets, max_depth=depth)
    if depth:
        with pytest.raises(JsonError, match="deep"):
            parse_json(octets, max_depth=depth - 1)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_refuses_endless_nesting_before_it_is_parsed(opening: bytes) -> None:
    with pytest.raises(JsonError, match="too deep"):
        parse_json(opening * 100_000, max_depth=32)


@pytest.mark.parametrize(
    ("start", "repeated"),
    [(b'[[[]],[],"', b'\\"'), (b'["', b"["), (b"[", b"[],"), (b'[[[]],[],"', b'x","'), (b'[[[]],[],"', b"\\")],
)
def test_measures_depth_in_one_pass(start: bytes, repeated: bytes) -> None:
    """Four times the text takes four times as long, not sixteen times, as if each quote were a new start."""
    assert seconds_for(start + repeated * 24_000) < 10 * seconds_for(start + repeated * 6_000)


def seconds_for(octets: bytes) -> float:
    times = []
    for _ in range(5):
        began = time.thread_time()
        with pytest.raises(JsonError):
            parse_json(octets, max_depth=3)
        times.append(time.thread_time() - began)
    return min(times)


def test_writes_compact_json() -> None:
    assert compact_json({"a": [1, 2.5, True, None], "ö": "ü\n"}) == '{"a":[1,2.5,true,null],"ö":"ü\\n"}'.encode()


def endless() -> list[Any]:
    circle: list[Any] = []
    circle.append(circle)
    return circle


def deep() -> Any:
    value: Any = 1
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize("value", [math.nan, math.inf, [-math.inf], "\ud800", {"\ud800": 1}, {1, 2}, b"a", endless(), deep()])
def test_refuses_to_write_what_json_cannot_hold(value: object) -> None:
    with pytest.raises(JsonError):
        compact_json(value)
