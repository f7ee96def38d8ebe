"""Colours that people can tell apart, and images that are what they say."""

import base64

import pytest

from accredit.errors import MalformedError
from accredit.server.themes.colors import Colors, DarkColors, check_contrast, contrast
from accredit.server.themes.logo import MAX_BYTES, parse_logo
from accredit.server.themes.look import DEFAULT_LOOK

PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'


def data_url(octets, kind="image/png"):
    return f"data:{kind};base64,{base64.b64encode(octets).decode()}"


def test_contrast_is_counted_as_the_guidelines_count_it():
    """Values that WCAG's own technique G18 and common checkers give."""
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    assert contrast("#767676", "#FFFFFF") == pytest.approx(4.54, abs=0.005)
    assert contrast("#0000ff", "#ffffff") == contrast("#ffffff", "#0000ff") == pytest.approx(8.59, abs=0.005)


def test_our_own_colours_can_be_told_apart():
    DEFAULT_LOOK.check()
    check_contrast("colors", Colors())
    check_contrast("dark_colors", DarkColors())


@pytest.mark.parametrize(
    ("colors", "member"),
    [
        (Colors(text="#777777"), "text"),
        (Colors(background="#333333"), "text"),
        (Colors(soft_text="#8a8a8a"), "soft_text"),
        (Colors(accent="#ffcc00"), "accent"),
        (Colors(on_accent="#1a55b0"), "on_accent"),
        (Colors(danger="#ff8888"), "danger"),
        (Colors(line="#a0a0a0"), "line"),
    ],
)
def test_refuses_colours_that_cannot_be_told_apart_and_names_one(colors, member):
    with pytest.raises(MalformedError) as caught:
        check_contrast("colors", colors)
    assert (caught.value.code, caught.value.member) == ("contrast_too_low", f"colors.{member}")


@pytest.mark.parametrize(
    ("kind", "octets"),
    [
        ("image/png", PNG),
        ("image/jpeg", b"\xff\xd8\xff\xe0" + bytes(8)),
        ("image/webp", b"RIFF\x0a\x00\x00\x00WEBPVP8 "),
        ("image/svg+xml", SVG),
        ("image/svg+xml", b'\xef\xbb\xbf<?xml version="1.0"?>\n' + SVG),
        ("image/png", PNG.ljust(MAX_BYTES, b"\0")),
    ],
)
def test_takes_an_image_of_its_own_type(kind, octets):
    logo = parse_logo(data_url(octets, kind))
    assert (logo.media_type, logo.octets) == (kind, octets)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://shop.example/logo.png",
        data_url(PNG, "image/gif"),
        data_url(PNG, "text/html"),
        data_url(PNG, "image/svg+xml"),
        data_url(SVG),
        data_url(b""),
        data_url(PNG.ljust(MAX_BYTES + 1, b"\0")),
        "data:image/png;base64,iVBORw0KGgo",
        "data:image/png;base64,iVBORw0KGgp=",
        "data:image/png,%89PNG",
        data_url(b"<html><svg/></html>", "image/svg+xml"),
    ],
)
def test_refuses_what_is_no_image(text):
    with pytest.raises(MalformedError) as caught:
        parse_logo(text)
    assert (caught.value.code, caught.value.member) == ("logo_invalid", "logo")
