"""The colours of a theme, and whether people can tell them apart (WCAG 2.2, success criteria 1.4.3 and 1.4.11, level AA).

    check_contrast("colors", Colors(accent="#1a55b0"))      # raises MalformedError `contrast_too_low`, member colors.<the colour>

A colour is `#` and six hexadecimal digits; nothing shines through, so that a ratio is a fact.
"""

from typing import Annotated

import msgspec

from accredit.errors import MalformedError

Hex = Annotated[str, msgspec.Meta(pattern=r"^#[0-9a-fA-F]{6}\Z")]


class Colors(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The colours of a page; what is not given is as on the pages without a theme.

    surface: what the content stands on. line: the border of what can be filled in. on_accent: writing on a button.
    """

    background: Hex = "#f3f5f8"
    surface: Hex = "#ffffff"
    text: Hex = "#1b1f24"
    soft_text: Hex = "#515b67"
    line: Hex = "#78828e"
    accent: Hex = "#1a55b0"
    on_accent: Hex = "#ffffff"
    danger: Hex = "#a3211b"


class DarkColors(Colors, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The colours for people who ask for dark pages."""

    background: Hex = "#101317"
    surface: Hex = "#1a1e23"
    text: Hex = "#e9edf2"
    soft_text: Hex = "#a9b3bf"
    line: Hex = "#7d8894"
    accent: Hex = "#8ab4f8"
    on_accent: Hex = "#10213b"
    danger: Hex = "#ff9b94"


# What stands before what, and how much it must differ: writing 4.5 to 1, borders 3 to 1.
_PAIRS = (
    ("text", "background", 4.5),
    ("text", "surface", 4.5),
    ("soft_text", "background", 4.5),
    ("soft_text", "surface", 4.5),
    ("accent", "background", 4.5),
    ("accent", "surface", 4.5),
    ("on_accent", "accent", 4.5),
    ("danger", "surface", 4.5),
    ("line", "surface", 3.0),
)


def check_contrast(member: str, colors: Colors) -> None:
    """Raises MalformedError `contrast_too_low` with the first colour that does not stand out enough from what it stands on.

    member: the name of the struct, for the error.
    """
    for front, behind, least in _PAIRS:
        if contrast(getattr(colors, front), getattr(colors, behind)) < least:
            raise MalformedError("contrast_too_low", f"{member}.{front}")


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2, definition of contrast ratio)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2, definition of relative luminance)."""
    red, green, blue = (_linear(int(color[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
