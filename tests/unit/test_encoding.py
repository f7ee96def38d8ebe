import json
import math
import struct
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
    canonical_json,
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


# RFC 8785 appendix B, by the octets of the double.
NUMBERS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}


@pytest.mark.parametrize(("octets", "text"), NUMBERS.items())
def test_writes_numbers_as_rfc_8785_does(octets: str, text: str) -> None:
    assert canonical_json(struct.unpack(">d", bytes.fromhex(octets))[0]) == text.encode()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *[(1, "1"), (-10, "-10"), (120, "120"), (10**20, "1" + "0" * 20), (10**21, "1e+21"), (2**53, "9007199254740992")],
        # The digits that ECMAScript writes for the double 54015142830715448.
        *[
            (54015142830715450, "54015142830715450"),
            (-54015142830715450, "-54015142830715450"),
            (54015142830715448.0, "54015142830715450"),
        ],
        *[
            (1.0, "1"),
            (1.5, "1.5"),
            (0.1, "0.1"),
            (12.25, "12.25"),
            (-0.000001, "-0.000001"),
            (1e-7, "1e-7"),
            (-2.5e-9, "-2.5e-9"),
        ],
        *[(True, "true"), (False, "false"), (None, "null")],
    ],
)
def test_writes_a_number_in_one_way_whatever_its_type(value: object, text: str) -> None:
    assert canonical_json(value) == text.encode()


def test_sorts_members_by_utf_16_code_units() -> None:
    """RFC 8785 section 3.2.3: the smiley stands before the Hebrew presentation form, though its code point is greater."""
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    sorted_names = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert (
        json.loads(canonical_json(dict.fromkeys(names)), object_pairs_hook=lambda pairs: [name for name, _ in pairs])
        == sorted_names
    )


def test_escapes_as_little_as_rfc_8785_does() -> None:
    """Section 3.2.2.2, its own example."""
    assert canonical_json('\u20ac$\x0f\nA\'B"\\\\"/').decode() == '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'
    assert canonical_json("\b\t\n\f\r\x1f\x7f\u2028").decode() == '"\\b\\t\\n\\f\\r\\u001f\x7f\u2028"'


def test_writes_what_stands_inside_in_the_same_way() -> None:
    value = {"b": [56.0, {"d": True, "10": None, "1": []}], "a": ()}
    assert canonical_json(value) == b'{"a":[],"b":[56,{"1":[],"10":null,"d":true}]}'


@pytest.mark.parametrize(
    "value",
    [
        *[2**53 + 1, -(2**53) - 1, 2**63, 54015142830715448, 10**21 + 1, 10**400, -(10**400), math.nan, math.inf, -math.inf],
        *["\ud800", {"\ud800": 1}, {1: 2}, {1, 2}, b"a", object(), endless(), deep()],
    ],
)
def test_what_has_no_one_text_has_none_at_all(value: object) -> None:
    with pytest.raises(JsonError):
        canonical_json(value)
