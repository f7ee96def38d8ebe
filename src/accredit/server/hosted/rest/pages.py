"""The person's pages, rendered: each is one template around what its view holds, in the person's language and the account's colours.

Without a script every page does all that it does with one; the script shows times in the reader's zone, warns before the end, and
speaks to the page around a frame. Its only inputs are one JSON block and the document.
"""

import secrets
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from accredit.encoding import Json
from accredit.server import headers
from accredit.server.hosted.pages import Page
from accredit.server.hosted.rest.views import Consent, OfferedProvider, Outcome, Surroundings
from accredit.server.hosted.times import shown_time
from accredit.server.hosted.wording import languages

# How long before the end the person is warned.
WARNING_MS = 120_000

TEMPLATES = Environment(
    loader=ChoiceLoader([PackageLoader("accredit.server.hosted.rest"), PackageLoader("accredit.server.hosted")]),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def choice_page(around: Surroundings, providers: Sequence[OfferedProvider]) -> Page:
    """Which provider the person wants to go to."""
    return _page(around, "choice.html", providers=providers)


def consent_page(around: Surroundings, consent: Consent) -> Page:
    """Who asks, and what is told if the person agrees."""
    attributes = around.language.attributes(consent.attributes)
    return _page(around, "consent.html", consent=consent, attributes=attributes)


def resume_page(around: Surroundings, provider: OfferedProvider, *, alone: bool) -> Page:
    """The person came back from a provider without an answer. alone: there is no other one to choose."""
    return _page(around, "resume.html", provider=provider, alone=alone)


def waiting_page(around: Surroundings, provider: str) -> Page:
    """Nothing to do but to wait; the page looks again by itself."""
    return _page(around, "waiting.html", script={"poll": around.address("state")}, provider=provider)


def screen_page(around: Surroundings, name: str, provider: str, values: Mapping[str, Json]) -> Page:
    """A provider's own screen. name: `<kind>/<screen>`; its form posts to `{page}/provider`."""
    if name.endswith("/waiting"):
        return waiting_page(around, provider)
    return _page(around, f"{name}.html", provider=provider, values=values)


def outcome_page(around: Surroundings, outcome: Outcome) -> Page:
    """How the session ended, and the way on."""
    told = outcome.message
    script = {} if told is None else {"message": told.body, "parents": told.parents}
    page = _page(around, "outcome.html", script=script, outcome=outcome, host=urlsplit(outcome.next_url or "").hostname)
    if outcome.next_url is None or not outcome.at_once:
        return page
    # HTML, section "shared declarative refresh steps": once the page is there, so that its script has spoken; without one too.
    return Page(page.status, [*page.headers, (b"refresh", f"0; url={outcome.next_url}".encode("ascii"))], page.body)


def missing_page(around: Surroundings) -> Page:
    """There is no such page, or not for this browser: nobody learns which."""
    return _page(around, "missing.html", status=404)


def failure_page(around: Surroundings, status: int) -> Page:
    """The request could not be carried out; it may be tried again."""
    return _page(around, "failure.html", status=status)


def _page(
    around: Surroundings, template: str, *, status: int = 200, script: Mapping[str, object] | None = None, **values: object
) -> Page:
    nonce = secrets.token_urlsafe(16)
    left_ms = None if around.expires_ms is None else max(0, around.expires_ms - around.now_ms)
    body = TEMPLATES.get_template(template).render(
        around=around,
        say=around.language.say,
        code=Markup("<code>{}</code>").format,
        strong=Markup("<strong>{}</strong>").format,
        nonce=nonce,
        languages=languages().values(),
        ending=left_ms is not None and left_ms <= WARNING_MS,
        until=None if around.expires_ms is None else shown_time(around.expires_ms, around.now_ms),
        script={"left_ms": left_ms, "warning_ms": WARNING_MS, **(script or {})},
        **values,
    )
    lines = headers.person_page(around.request_id, around.ancestors, nonce, plain_http=around.plain_http)
    return Page(status, lines, body.encode())
