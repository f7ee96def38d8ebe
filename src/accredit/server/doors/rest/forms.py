"""What the person's page posts: `/auth/session/{id}/{verb}` (protocol-rest.md section 11)."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from hmac import compare_digest

from accredit.errors import ConflictError, NotFoundError
from accredit.server.asgi import HttpScope, Receive
from accredit.server.doors.rest.browser import PersonPart, find_own
from accredit.server.doors.rest.endings import end, go_to_page
from accredit.server.doors.rest.screens import begin, find_offers, go_on, needs_consent
from accredit.server.doors.rest.visits import Browser, Visit, form_token
from accredit.server.forms import check_media_type, parse_form, read_body
from accredit.server.hosted.pages import Page
from accredit.server.sessions.rest.attempts import look_again, submit_form
from accredit.server.sessions.rest.changing import forget_provider
from accredit.server.sessions.rest.finishing import abort
from accredit.server.sessions.rest.reading import find_any
from accredit.server.sessions.rest.record import Open, RestSession, load_open

_MAX_BODY_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Posted:
    """A form of the page, in the browser that the session belongs to."""

    visit: Visit
    session: RestSession
    browser: Browser
    part: Open = field(repr=False)
    form: Mapping[str, str] = field(repr=False)


class SessionForm(PersonPart):
    """`POST /auth/session/{id}/{verb}`."""

    methods = ("POST",)

    async def answer(self, visit: Visit, scope: HttpScope, receive: Receive) -> Page:
        """Carry out what the form asks for. A form that is not of this page, in this browser, is none."""
        run = VERBS.get(scope["path_params"]["verb"])
        if run is None:
            raise NotFoundError("page_not_found")
        octets = await read_body(receive, _MAX_BODY_BYTES)
        check_media_type(visit.sent.get(b"content-type", b""), b"application/x-www-form-urlencoded")
        form = parse_form(octets)
        session, browser = await find_own(visit, scope["path_params"]["session_id"])
        if not compare_digest(form.pop("token", "").encode(), form_token(visit.node, session, browser).encode()):
            raise NotFoundError("session_not_found")
        if not session.is_open(visit.now_ms):
            return end(visit, session, browser, visit.nonce_of(session))
        try:
            return await run(Posted(visit, session, browser, load_open(visit.node.sealer, session), form))
        except ConflictError:
            return await _overtaken(visit, session, browser)


async def _overtaken(visit: Visit, session: RestSession, browser: Browser) -> Page:
    """Something else was faster: the browser sees how the session stands now."""
    current = await find_any(visit.node, session.session_id) or session
    return go_to_page(visit, current, browser)


async def _choose(posted: Posted) -> Page:
    visit, session, form = posted.visit, posted.session, posted.form
    if "other" in form:
        return go_to_page(visit, await forget_provider(visit.node, session), posted.browser)
    wanted, agreed = form.get("provider", ""), "agree" in form
    if wanted not in [each.provider_id for each in await find_offers(visit, session)]:
        return go_to_page(visit, session, posted.browser)
    if needs_consent(session, posted.part) and not agreed:
        if posted.part.step is not None:
            session = await forget_provider(visit.node, session)
        return go_to_page(visit, session, posted.browser, provider=wanted)
    return await begin(visit, session, posted.browser, posted.part, wanted, agreed=agreed)


async def _submit(posted: Posted) -> Page:
    if posted.part.step is None:
        return go_to_page(posted.visit, posted.session, posted.browser)
    advanced = await submit_form(posted.visit.node, posted.session, posted.form)
    return go_on(posted.visit, posted.browser, advanced, posted.part.session_nonce)


async def _look(posted: Posted) -> Page:
    if posted.part.step is None:
        return go_to_page(posted.visit, posted.session, posted.browser)
    advanced = await look_again(posted.visit.node, posted.session, stay=False)
    return go_on(posted.visit, posted.browser, advanced, posted.part.session_nonce)


async def _cancel(posted: Posted) -> Page:
    ended = await abort(posted.visit.node, posted.session)
    return end(posted.visit, ended, posted.browser, posted.part.session_nonce)


VERBS: dict[str, Callable[[Posted], Awaitable[Page]]] = {
    "choose": _choose,
    "provider": _submit,
    "look": _look,
    "cancel": _cancel,
}
