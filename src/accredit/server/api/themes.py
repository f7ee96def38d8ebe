"""Themes: how the pages look that people see at the rest door (protocol-rest.md section 11), and the logos that those pages load."""

from typing import Annotated

import msgspec

from accredit.server.api.bodies import DEFAULT_LIMIT, Cursor, Label, Limit
from accredit.server.api.cursors import ListBinding, cut_page, read_cursor
from accredit.server.api.operations import Call, found, operation
from accredit.server.api.replies import Reply, empty_reply, json_reply
from accredit.server.headers import NO_SNIFF
from accredit.server.ids import new_id
from accredit.server.themes import records
from accredit.server.themes.colors import Colors, DarkColors
from accredit.server.themes.logo import MAX_TEXT, Logo, parse_logo
from accredit.server.themes.look import Font, Look
from accredit.server.themes.records import NewTheme, Theme, ThemeChange, ThemeRemoval
from accredit.server.times import wire_time

_ADDRESS = "/v1/themes/{theme_id}"
_CODES = ("contrast_too_low", "logo_invalid")
ThemeId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}\Z")]
LogoText = Annotated[str, msgspec.Meta(max_length=MAX_TEXT, description="An image as a `data:` URL, null for none.")]


class NewThemeBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """theme_id: made here by default; `default` is the theme of sessions that name none, or one that is not there.

    dark_colors: null: the pages have the colours of `colors` for everybody. logo: PNG, JPEG, WebP or SVG of at most 44 KiB.
    """

    theme_id: ThemeId | None = None
    name: Label = ""
    colors: Colors = Colors()
    dark_colors: DarkColors | None = None
    font: Font = "system"
    logo: LogoText | None = None


class ChangedTheme(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Members that are sent take the place of what is there, `colors` as a whole."""

    name: Label | msgspec.UnsetType = msgspec.UNSET
    colors: Colors | msgspec.UnsetType = msgspec.UNSET
    dark_colors: DarkColors | msgspec.UnsetType | None = msgspec.UNSET
    font: Font | msgspec.UnsetType = msgspec.UNSET
    logo: LogoText | msgspec.UnsetType | None = msgspec.UNSET


class ThemeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A theme. logo_url: where this server serves its logo, null without one."""

    theme_id: str
    name: str
    colors: Colors
    dark_colors: DarkColors | None
    font: Font
    logo_url: str | None
    created_at: str
    updated_at: str


class ThemePage(msgspec.Struct, frozen=True):
    """In the order of their ids. next_cursor: null on the last page."""

    themes: list[ThemeAnswer]
    next_cursor: str | None


class ThemeQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which page."""

    cursor: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT


@operation("POST", "/v1/themes", answer=ThemeAnswer, status=201, codes=(*_CODES, "theme_exists"))
async def create_theme(call: Call, body: NewThemeBody) -> Reply:
    """Create a theme. Writing that people could not read (WCAG 2.2, level AA) is refused, and the colour at fault named."""
    look = Look(colors=body.colors, dark_colors=body.dark_colors, font=body.font)
    logo = None if body.logo is None else parse_logo(body.logo)
    new = NewTheme(call.scope, body.theme_id or new_id("thm_"), body.name, look, logo, call.cause)
    return json_reply(call.request_id, _answer(call, await records.create_theme(call.node.store, new)), 201)


@operation("GET", "/v1/themes", answer=ThemePage, codes=("cursor_invalid",))
async def list_themes(call: Call, query: ThemeQuery) -> Reply:
    """List themes in the order of their ids."""
    node, binding = call.node, ListBinding("themes", call.scope)
    after = read_cursor(node.sealer, binding, query.cursor)
    rows = await node.store.read(records.list_themes, (call.scope, after, query.limit + 1))
    shown, following = cut_page(node.sealer, binding, rows, query.limit, lambda each: each.theme_id)
    return json_reply(call.request_id, ThemePage([_answer(call, each) for each in shown], following))


@operation("GET", _ADDRESS, answer=ThemeAnswer, codes=("theme_not_found",))
async def read_theme(call: Call) -> Reply:
    """Read a theme."""
    theme = await call.node.store.read(records.find_theme, (call.scope, call.part("theme_id")))
    return json_reply(call.request_id, _answer(call, found(theme, "theme_not_found")))


@operation("PATCH", _ADDRESS, answer=ThemeAnswer, codes=(*_CODES, "theme_not_found"))
async def change_theme(call: Call, body: ChangedTheme) -> Reply:
    """Change a theme; pages that are opened from now on have it."""
    sent = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not msgspec.UNSET}
    look = {name: value for name, value in sent.items() if name in ("colors", "dark_colors", "font")}
    change = ThemeChange(call.scope, call.part("theme_id"), body.name, look, _read_logo(body.logo), call.cause)
    return json_reply(call.request_id, _answer(call, await records.change_theme(call.node.store, change)))


@operation("DELETE", _ADDRESS, status=204, codes=("theme_not_found",))
async def delete_theme(call: Call) -> Reply:
    """Delete a theme; sessions that name it are shown the default one."""
    await records.delete_theme(call.node.store, ThemeRemoval(call.scope, call.part("theme_id"), call.cause))
    return empty_reply(call.request_id)


@operation("GET", "/logos/{digest}", codes=("page_not_found",), public=True, listed=False)
async def read_logo(call: Call) -> Reply:
    """An image under the digest of its octets, so that it never changes."""
    logo = found(await call.node.store.read(records.find_logo, call.part("digest")), "page_not_found")
    lines = [
        (b"content-type", logo.media_type.encode("ascii")),
        # Opened by itself an SVG is a document: nothing in it may run or load anything here.
        (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; sandbox"),
        (b"cache-control", b"public, max-age=31536000, immutable"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"x-request-id", call.request_id.encode("ascii")),
        NO_SNIFF,
    ]
    return Reply(200, lines, logo.octets)


def _read_logo(text: str | msgspec.UnsetType | None) -> Logo | msgspec.UnsetType | None:
    return parse_logo(text) if isinstance(text, str) else text


def _answer(call: Call, theme: Theme) -> ThemeAnswer:
    return ThemeAnswer(
        theme_id=theme.theme_id,
        name=theme.name,
        colors=theme.look.colors,
        dark_colors=theme.look.dark_colors,
        font=theme.look.font,
        logo_url=None if theme.logo_digest is None else f"{call.node.settings.public_url}/logos/{theme.logo_digest}",
        created_at=wire_time(theme.created_ms),
        updated_at=wire_time(theme.updated_ms),
    )


OPERATIONS = (create_theme, list_themes, read_theme, change_theme, delete_theme, read_logo)
