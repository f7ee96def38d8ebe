"""Lists of hosts: one spelling for each entry, and what a wildcard covers."""

import pytest

from accredit.server.hosts import is_listed, is_parent_listed, parse_host, parse_host_entry, parse_parent


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("Shop.Example", "shop.example"),
        ("localhost", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("[2001:DB8:0::1]", "[2001:db8::1]"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_a_host_has_one_spelling(text, host):
    assert parse_host(text) == host


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "a..b",
        "-a.example",
        "a.example.",
        "a b",
        "bücher.example",
        "127.1",
        "0x7f.1",
        "1.2.3.4.5",
        "[::1",
        "[::g]",
        "::1",
        "a" * 64,
    ],
)
def test_refuses_what_is_no_host(text):
    with pytest.raises(ValueError):  # noqa: PT011 - the standard library words it
        parse_host(text)


@pytest.mark.parametrize("text", ["*", "*.", "*.*.example", "a.*.example", "*.127.0.0.1", "*.[::1]"])
def test_refuses_what_is_no_entry(text):
    with pytest.raises(ValueError):  # noqa: PT011 - the standard library words it
        parse_host_entry(text)


def test_a_wildcard_covers_any_name_below_and_not_itself():
    entries = {"shop.example", "*.bank.example"}
    assert is_listed("shop.example", entries)
    assert is_listed("a.bank.example", entries)
    assert is_listed("a.b.bank.example", entries)
    assert is_listed("*.bank.example", entries)
    assert is_listed("*.b.bank.example", entries)
    for other in (
        "bank.example",
        "notbank.example",
        "a.shop.example",
        "bank.example.evil.example",
        "*.shop.example",
        "*.example",
    ):
        assert not is_listed(other, entries)


@pytest.mark.parametrize(
    ("text", "parent"),
    [
        ("shop.example", "https://shop.example"),
        ("*.SHOP.example", "https://*.shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("https://*.shop.example:8443", "https://*.shop.example:8443"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:80", "http://[::1]"),
    ],
)
def test_a_parent_has_one_spelling(text, parent):
    assert parse_parent(text) == parent


@pytest.mark.parametrize(
    "text",
    [
        "",
        "shop.example:8443",
        "ftp://shop.example",
        "https://",
        "https://shop.example/",
        "https://a@b",
        "https://a:0",
        "https://a:65536",
        "'self'",
        "*",
    ],
)
def test_refuses_what_is_no_parent(text):
    with pytest.raises(ValueError):  # noqa: PT011 - the standard library words it
        parse_parent(text)


def test_a_parent_is_listed_with_its_scheme_and_port():
    entries = ("https://*.shop.example", "https://bank.example:8443")
    assert is_parent_listed("https://a.shop.example", entries)
    assert is_parent_listed("https://*.a.shop.example", entries)
    assert is_parent_listed("https://bank.example:8443", entries)
    for other in ("http://a.shop.example", "https://a.shop.example:8443", "https://bank.example", "https://shop.example"):
        assert not is_parent_listed(other, entries)
