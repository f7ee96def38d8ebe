"""Reading forms: one reading for each, and nothing twice."""

import asyncio
from contextlib import suppress
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit import MalformedError
from accredit.server.forms import check_media_type, parse_form, read_body


@given(st.dictionaries(st.text(), st.text(), max_size=8))
def test_reads_what_a_browser_writes(fields):
    assert parse_form(urlencode(fields).encode()) == fields


def test_plus_is_a_space_and_empty_pairs_mean_nothing():
    assert parse_form(b"&a=1+2&&b=%2B&c&") == {"a": "1 2", "b": "+", "c": ""}


@pytest.mark.parametrize("body", [b"a=1&a=1", b"a=1&%61=2", b"a=%ff", b"%ff=1"])
def test_refuses_what_could_be_read_in_two_ways(body):
    with pytest.raises(MalformedError) as refused:
        parse_form(body)
    assert refused.value.code == "request_malformed"


@given(st.binary(max_size=200))
def test_any_bytes_end_in_fields_or_an_error_of_the_tree(body):
    with suppress(MalformedError):
        parse_form(body)


@pytest.mark.parametrize(
    "media_type", [b"application/x-www-form-urlencoded", b"Application/X-WWW-form-urlencoded; charset=UTF-8"]
)
def test_takes_forms_in_utf_8(media_type):
    check_media_type(media_type, b"application/x-www-form-urlencoded")


@pytest.mark.parametrize(
    "media_type", [b"", b"text/plain", b"application/json", b"application/x-www-form-urlencoded; charset=latin-1"]
)
def test_takes_nothing_else(media_type):
    with pytest.raises(MalformedError) as refused:
        check_media_type(media_type, b"application/x-www-form-urlencoded")
    assert refused.value.code == "media_type_unsupported"


def body_of(*messages):
    queue = list(messages)

    async def receive():
        return queue.pop(0)

    return asyncio.run(read_body(receive, 4))


def test_a_body_comes_in_parts_and_has_a_limit():
    def part(body, more):
        return {"type": "http.request", "body": body, "more_body": more}

    assert body_of(part(b"ab", True), part(b"cd", False)) == b"abcd"
    for parts in ([part(b"abcde", False)], [part(b"abc", True), part(b"de", True), part(b"f", False)]):
        with pytest.raises(MalformedError) as refused:
            body_of(*parts)
        assert refused.value.code == "body_too_large"
    with pytest.raises(MalformedError):
        body_of(part(b"ab", True), {"type": "http.disconnect"})
