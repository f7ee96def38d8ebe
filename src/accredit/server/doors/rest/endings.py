"""Where a browser goes from here: within the page, to a provider, and at the end back to who asked (protocol-rest.md section 11)."""

from urllib.parse import urlencode

from accredit.server import headers
from accredit.server.doors.rest.surroundings import message_of, parents_of, surroundings_of
from accredit.server.doors.rest.visits import Browser, Visit, kept_in_addresses, nonce_cookie, owns, page_path
from accredit.server.hosted.pages import Page
from accredit.server.hosted.rest.pages import outcome_page
from accredit.server.hosted.rest.views import Outcome
from accredit.server.providers.records import find_providers
from accredit.server.sessions.rest.callbacks import callback_url, has_nonce
from accredit.server.sessions.rest.record import Open, RestSession


def go_to(visit: Visit, session: RestSession, address: str, lines: headers.Headers | None = None) -> Page:
    """Send the browser to an address, which is not told from where."""
    ancestors = " ".join(parents_of(session)) or "'none'"
    framed = headers.framed(visit.request_id, ancestors)
    return Page(303, [(b"location", address.encode("ascii")), *(lines or ()), *framed], b"")


def go_to_page(
    visit: Visit, session: RestSession, browser: Browser, lines: headers.Headers | None = None, **query: str
) -> Page:
    """Send the browser to the session's page, which shows how it stands."""
    query = {**kept_in_addresses(visit, browser), **query}
    path = page_path(visit.node, session.session_id)
    return go_to(visit, session, f"{path}?{urlencode(query)}" if query else path, lines)


def end(visit: Visit, session: RestSession, browser: Browser, nonce: str | None) -> Page:
    """The session has ended, and its browser goes on.

    nonce: of the session, if this browser finished it, else None. A frame shows the end itself, as it has to tell the page around it.
    """
    if not owns(visit.node, session, browser.secret):
        # While it asked, another browser opened the page and finished; what that one is told is not for this one.
        return go_to_page(visit, session, browser)
    told = nonce if has_nonce(session.control) and session.status != "cancelled" else None
    lines = [] if told is None else nonce_cookie(visit.node, session, told)
    address = callback_url(session, session_nonce=told)
    if session.control.flow == "embedded" or address is None:
        carried = {} if told is None or browser.by_cookie else {"nonce": told}
        return go_to_page(visit, session, browser, lines, **carried)
    return go_to(visit, session, address, lines)


async def show_end(visit: Visit, session: RestSession, browser: Browser) -> Page:
    """How a session ended, in its own browser; a frame then goes where the caller wants it."""
    nonce = visit.nonce_of(session)
    address = callback_url(session, session_nonce=nonce)
    outcome = Outcome(
        status=session.status,
        detail=session.reason,
        provider=await _provider_name(visit, session),
        next_url=address,
        at_once=session.control.flow == "embedded",
        message=message_of(session, nonce),
    )
    return outcome_page(await surroundings_of(visit, session, Open(), browser), outcome)


async def _provider_name(visit: Visit, session: RestSession) -> str:
    records = await find_providers(visit.node, session.scope)
    known = {record.provider_id: record.display_name for record in records}
    return known.get(session.provider_id or "", session.provider_id or "")
