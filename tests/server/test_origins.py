"""Allow-list entries, the origins of requests, and one held against the other."""

import pytest

from accredit import MalformedError
from accredit.server.origins import origin_list, parse_entry, read_origin


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("https://shop.example", "https://shop.example"),
        ("https://SHOP.Example/", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("https://shop.example:8443", "https://shop.example:8443"),
        ("https://*.shop.example", "https://*.shop.example"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://*.bücher.example:444", "https://*.xn--bcher-kva.example:444"),
        ("http://localhost", "http://localhost"),
        ("http://localhost:80", "http://localhost"),
        ("http://127.0.0.1:8401", "http://127.0.0.1:8401"),
    ],
)
def test_entries_are_kept_in_one_spelling(written, kept):
    assert parse_entry(written) == kept


@pytest.mark.parametrize(
    "written",
    [
        "", "*", "null", "shop.example", "http://shop.example", "ftp://shop.example", "http://127.0.0.2",
        "https://", "https://*", "https://*.", "https://a.*.example", "https://shop.example.", "https://-shop.example",
        "https://shop_.example", "https://a" + "a" * 63 + ".example", "https://\u2024example",
        "https://shop.example/path", "https://shop.example?x", "https://shop.example#x", "https://user@shop.example",
        "https://shop.example:0", "https://shop.example:65536", "https://10.0.0.1", "https://[::1]", "https://0x7f.1",
        "https://shop.example\n", " https://shop.example",
    ],
)  # fmt: skip
def test_refuses_entries_of_another_form(written):
    with pytest.raises(MalformedError) as refused:
        parse_entry(written)
    assert refused.value.code == "origin_entry_invalid"


def test_a_star_stands_for_names_below_and_not_for_the_host_itself():
    listed = origin_list(["https://*.shop.example", "https://exact.example"])
    assert listed.holds("https://a.shop.example")
    assert listed.holds("https://a.b.shop.example")
    assert listed.holds("https://exact.example")
    for origin in (
        "https://shop.example",
        "https://.shop.example",
        "http://a.shop.example",
        "https://a.shop.example:444",
        "https://ashop.example",
    ):
        assert not listed.holds(origin), origin


def test_an_empty_list_is_false_and_names_everybody_as_ancestor():
    assert not origin_list([])
    assert origin_list([]).frame_ancestors == "*"


@pytest.mark.parametrize(
    "header", ["https://shop.example", "http://localhost:3000", "http://[::1]:80", "chrome-extension://abc"]
)
def test_reads_tuple_origins(header):
    assert read_origin(header) == header


@pytest.mark.parametrize(
    "header",
    [None, "", "null", "https://SHOP.example", "https://shop.example/", "https://a b", "shop.example", "https://a\r\nx"],
)
def test_everything_else_is_no_origin(header):
    assert read_origin(header) is None
