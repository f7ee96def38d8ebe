"""The flow door's pages, rendered: one document for a frame, one for a link, and the screen that either shows now.

The document's script gets one JSON block; from then on each answer of `doors/flow` brings the next screen as text of this module.
"""

import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from accredit.encoding import Json
from accredit.server import headers
from accredit.server.hosted.flow.views import Around, Screen
from accredit.server.hosted.pages import Page
from accredit.server.hosted.times import shown_time
from accredit.server.hosted.wording import languages

# How long before the end the person is warned.
WARNING_MS = 120_000
_FRAME_NOTICES, _LINK_NOTICES = ("reopen", "stopped", "busy"), ("back", "lost", "invalid", "stopped", "busy")

TEMPLATES = Environment(
    loader=ChoiceLoader([PackageLoader("accredit.server.hosted.flow"), PackageLoader("accredit.server.hosted")]),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def frame_page(around: Around, screen: Screen, *, script: Mapping[str, Json], sdk: str, now_ms: int) -> Page:
    """The page of an admitted frame with its first screen. script: for its script. sdk: the address of the SDK."""
    return _page(around, "frame.html", script, _FRAME_NOTICES, sdk=sdk, **_filled(around, screen, now_ms))


def link_page(around: Around, *, script: Mapping[str, Json]) -> Page:
    """The page of a hosted link before anybody pressed its button: the same for every link, whoever fetches it."""
    return _page(around, "link.html", script, _LINK_NOTICES, sdk=None, languages=languages().values())


def render_screen(around: Around, screen: Screen, now_ms: int) -> str:
    """What a page shows now, as HTML that goes in the place of what it showed before."""
    return TEMPLATES.get_template("body.html").render(around=around, say=around.language.say, **_filled(around, screen, now_ms))


def render_look(around: Around) -> str:
    """The owner's colours and font as a style sheet, for a page that was sent before it was known whose it is."""
    return TEMPLATES.get_template("colors.css").render(around=around)


def _page(
    around: Around, template: str, script: Mapping[str, Json], notices: tuple[str, ...], *, sdk: str | None, **values: object
) -> Page:
    nonce = secrets.token_urlsafe(16)
    body = TEMPLATES.get_template(template).render(
        around=around,
        say=around.language.say,
        nonce=nonce,
        notices=notices,
        script={**script, "warning_ms": WARNING_MS},
        sdk=sdk,
        **values,
    )
    return Page(200, headers.flow_page(around.request_id, around.ancestors, nonce), body.encode())


def _filled(around: Around, screen: Screen, now_ms: int) -> dict[str, object]:
    def label(name: str) -> Markup:
        return around.language.say(f"details.{name.replace('.', '_')}")

    return {
        "screen": screen,
        "values": screen.values,
        "languages": languages().values(),
        "until": None if screen.until_ms is None else shown_time(screen.until_ms, now_ms),
        "strong": Markup("<strong>{}</strong>").format,
        "seconds": Markup("<span data-seconds>{}</span>").format,
        "host": _host,
        "label": label,
    }


def _host(address: str) -> str:
    return urlsplit(address).hostname or ""
