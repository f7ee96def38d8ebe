"""One reading for each text: what is decoded encodes back to the same text, and JSON means what everybody takes it to mean."""

import base64
import json
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

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

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NUMBERS = st.integers(-(10**38), 10**38) | st.floats(allow_nan=False, allow_infinity=False)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
NEAR_BASE64 = st.text(st.sampled_from("AQgwxyz019+/-_=. \n\t\x00é"), max_size=12)


@given(st.binary(max_size=200))
def test_base64url_round_trip(octets: bytes) -> None:
    text = b64url_encode(octets)
    assert b64url_decode(text) == octets
    assert text == base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


@given(st.binary(max_size=200))
def test_base64_round_trip(octets: bytes) -> None:
    text = b64_encode(octets)
    assert b64_decode(text) == octets
    assert text == base64.b64encode(octets).decode()


@pytest.mark.parametrize(("decode", "encode"), [(b64url_decode, b64url_encode), (b64_decode, b64_encode)])
@given(text=NEAR_BASE64 | st.text(max_size=20))
def test_decoders_take_only_what_encodes_back(
    decode: Callable[[str], bytes], encode: Callable[[bytes], str], text: str
) -> None:
    try:
        octets = decode(text)
    except ValueError:
        return
    assert encode(octets) == text


@given(VALUES, st.booleans(), st.sampled_from([None, 0, 1, "\t"]), st.booleans())
def test_json_means_what_everybody_takes_it_to_mean(value: Any, ascii_only: bool, indent: Any, lined: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    octets = f"\r\n{text} \t".encode() if lined else text.encode()
    assert same(parse_json(octets, max_depth=20), json.loads(octets))


def same(one: Any, other: Any) -> bool:
    """Equality of types too: 1, 1.0 and true are three things."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


@given(VALUES)
def test_compact_json_round_trip(value: Any) -> None:
    octets = compact_json(value)
    assert same(parse_json(octets, max_depth=20), value)
    assert octets == json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@given(st.binary(max_size=40) | st.text(st.sampled_from('{}[]",:\\u0d8-+.eE1NaInfty \n\x00é'), max_size=30).map(str.encode))
@example(b"\xef\xbb\xbf{}")
@example(b'"\\ud800"')
def test_any_octets_are_json_or_an_error(octets: bytes) -> None:
    try:
        value = parse_json(octets, max_depth=4)
    except JsonError:
        return
    assert same(value, json.loads(octets))


@given(VALUES, st.data())
def test_a_mutilated_text_is_json_or_an_error(value: Any, data: st.DataObject) -> None:
    octets = bytearray(compact_json(value))
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(octets)))
        octets[position : position + data.draw(st.integers(0, 2))] = data.draw(
            st.sampled_from(list(b'{}[]",:\\01e ')).map(bytes_of)
        )
    try:
        parsed = parse_json(bytes(octets), max_depth=20)
    except JsonError:
        return
    assert same(parsed, json.loads(bytes(octets)))


def bytes_of(octet: int) -> bytes:
    return bytes([octet])


@given(VALUES, st.dictionaries(TEXTS, VALUES, min_size=1, max_size=3), VALUES, st.lists(st.booleans(), max_size=5), st.data())
def test_a_member_named_twice_is_refused_at_any_depth(
    outer: Any, members: dict[str, Any], again: Any, wrapping: list[bool], data: st.DataObject
) -> None:
    pairs = [*members.items(), (data.draw(st.sampled_from(sorted(members))), again)]
    order = data.draw(st.permutations(pairs))
    # The second spelling of a name is the same name: escapes count as what they stand for.
    text = (
        "{"
        + ",".join(f"{json.dumps(name, ensure_ascii=data.draw(st.booleans()))}:{json.dumps(value)}" for name, value in order)
        + "}"
    )
    for in_object in wrapping:
        text = f'{{"a":{json.dumps(outer)},"b":{text}}}' if in_object else f"[{json.dumps(outer)},{text}]"
    with pytest.raises(DuplicateMemberError):
        parse_json(text.encode(), max_depth=40)


@given(VALUES)
def test_depth_is_counted_exactly(value: Any) -> None:
    octets, depth = compact_json(value), depth_of(value)
    parse_json(octets, max_depth=depth)
    if depth:
        with pytest.raises(JsonError, match="too deep"):
            parse_json(octets, max_depth=depth - 1)


def depth_of(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth_of, inner), default=0)


@given(
    st.recursive(
        VALUES
        | st.binary(max_size=3)
        | st.floats()
        | st.text(max_size=3)
        | st.sampled_from([math.nan, 10**400, {1}, object()]),
        lambda inner: (
            st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2) | st.binary(max_size=1), inner, max_size=2)
        ),
        max_leaves=4,
    )
)
def test_any_value_has_a_json_form_or_is_an_error(value: Any) -> None:
    try:
        compact_json(value)
    except JsonError:
        return
    json.dumps(value, allow_nan=False)


DOUBLES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(DOUBLES)
def test_canonical_json_is_one_text_of_one_value(value: Any) -> None:
    octets = canonical_json(value)
    read = parse_json(octets, max_depth=20)
    assert _as_doubles(read) == _as_doubles(value)
    assert canonical_json(read) == octets
    assert canonical_json(_reversed(value)) == octets


def _reversed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _reversed(item) for name, item in reversed(value.items())}
    return [_reversed(item) for item in value] if isinstance(value, list) else value


def _as_doubles(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_doubles(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_as_doubles(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_canonical_number_is_the_shortest_that_is_the_number(number: float) -> None:
    text = canonical_json(number).decode()
    assert float(text) == number
    assert "e+0" not in text
    assert sum(map(str.isdigit, text.partition("e")[0].replace(".", "").strip("-0"))) <= 17


@given(VALUES | st.integers() | st.floats() | st.text(max_size=3))
def test_any_value_has_a_canonical_text_or_an_error(value: Any) -> None:
    try:
        octets = canonical_json(value)
    except JsonError:
        return
    assert _as_doubles(parse_json(octets, max_depth=20)) == _as_doubles(value)


@given(st.integers() | st.integers(2**53, 2**80) | st.floats(1e15, 1e25).map(int))
def test_no_two_integers_have_one_canonical_text(value: int) -> None:
    try:
        octets = canonical_json(value)
    except JsonError:
        return
    assert int(Decimal(octets.decode())) == value
