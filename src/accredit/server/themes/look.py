"""How a page looks: colours and a font. The logo is kept beside it."""

from typing import Literal

import msgspec

from accredit.server.themes.colors import Colors, DarkColors, check_contrast, contrast

Font = Literal["system", "humanist", "geometric", "rounded", "serif", "slab", "monospace"]

# Fonts that systems have already: a page loads no file for its writing.
FONT_FAMILIES: dict[str, str] = {
    "system": "system-ui, sans-serif",
    "humanist": "Seravek, 'Gill Sans Nova', Ubuntu, Calibri, 'DejaVu Sans', source-sans-pro, sans-serif",
    "geometric": "Avenir, Montserrat, Corbel, 'URW Gothic', source-sans-pro, sans-serif",
    "rounded": "ui-rounded, 'Hiragino Maru Gothic ProN', Quicksand, Comfortaa, Manjari, Calibri, source-sans-pro, sans-serif",
    "serif": "'Iowan Old Style', 'Palatino Linotype', 'URW Palladio L', P052, serif",
    "slab": "Rockwell, 'Rockwell Nova', 'Roboto Slab', 'DejaVu Serif', 'Sitka Small', serif",
    "monospace": "ui-monospace, 'Cascadia Code', 'Source Code Pro', Menlo, Consolas, 'DejaVu Sans Mono', monospace",
}


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """dark_colors: None: the page is shown in its `colors` to everybody."""

    colors: Colors = Colors()
    dark_colors: DarkColors | None = None
    font: Font = "system"

    @property
    def families(self) -> str:
        """What stands for the font in a style sheet: a constant of ours, which needs no escaping."""
        return FONT_FAMILIES[self.font]

    @property
    def is_dark(self) -> bool:
        """Whether `colors` are light on dark."""
        return contrast(self.colors.background, "#000000") < contrast(self.colors.background, "#ffffff")

    def check(self) -> None:
        """Raises MalformedError `contrast_too_low` with the colour at fault."""
        check_contrast("colors", self.colors)
        if self.dark_colors is not None:
            check_contrast("dark_colors", self.dark_colors)


# Of pages whose account has no theme.
DEFAULT_LOOK = Look(dark_colors=DarkColors())
