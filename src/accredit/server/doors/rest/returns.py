"""`/auth/callback/{provider_ref}`: a browser comes back from a provider (protocol-rest.md sections 11 and 12)."""

from urllib.parse import urlencode

from accredit.errors import ConflictError, NotFoundError
from accredit.server import headers
from accredit.server.asgi import HttpScope, Receive
from accredit.server.doors.rest.browser import PersonPart
from accredit.server.doors.rest.endings import go_to_page
from accredit.server.doors.rest.screens import go_on
from accredit.server.doors.rest.visits import Browser, Visit, browser_hash, new_secret
from accredit.server.forms import check_media_type, parse_form, read_body
from accredit.server.hosted.pages import Page
from accredit.server.providers.oidc.once import is_state_of
from accredit.server.providers.registry import find_session_id
from accredit.server.sessions.rest.attempts import come_back
from accredit.server.sessions.rest.changing import note_browser
from accredit.server.sessions.rest.finishing import drop_late, expire_if_due
from accredit.server.sessions.rest.reading import find_any
from accredit.server.sessions.rest.record import RestSession, load_open

_MAX_BODY_BYTES = 16 * 1024


class ProviderReturn(PersonPart):
    """`GET /auth/callback/{provider_ref}`, and the POST of providers that answer by a form."""

    methods = ("GET", "POST")

    async def answer(self, visit: Visit, scope: HttpScope, receive: Receive) -> Page:
        """Hand what came back to the provider of the session that its `state` names."""
        if scope["method"] == "POST":
            return await _come_again(visit, scope, receive)
        session = await self._find(visit)
        browser = visit.browser_of(session) or await self._adopt(visit, session)
        if browser is None:
            # Whoever knows a session's id could otherwise fill the audit record.
            visit.node.refusal_limit.check(visit.address, visit.now_ms)
            visit.node.refusal_limit.count(visit.address, visit.now_ms)
            await drop_late(visit.node, session, "other_browser")
            raise NotFoundError("session_not_found")
        if not session.is_open(visit.now_ms):
            await drop_late(visit.node, session, "session_ended")
            return go_to_page(visit, session, browser)
        nonce = load_open(visit.node.sealer, session).session_nonce
        try:
            advanced = await come_back(visit.node, session, scope["path_params"]["provider_ref"], visit.query)
        except ConflictError:
            await drop_late(visit.node, session, "overtaken")
            return go_to_page(visit, session, browser)
        return go_on(visit, browser, advanced, nonce)

    async def _find(self, visit: Visit) -> RestSession:
        session_id = find_session_id(visit.query.get("state", ""))
        session = None if session_id is None else await find_any(visit.node, session_id)
        if session is None:
            raise NotFoundError("session_not_found")
        return await expire_if_due(visit.node, session)

    async def _adopt(self, visit: Visit, session: RestSession) -> Browser | None:
        """A frame whose cookies do not return is known by the `state`, which only its browser and the provider were told."""
        if session.control.flow != "embedded" or not session.is_open(visit.now_ms) or visit.cookie_for(session):
            return None
        step = load_open(visit.node.sealer, session).step
        if step is None or not is_state_of(step.state, visit.query["state"]):
            return None
        secret = new_secret()
        digest = browser_hash(visit.node, session, secret)
        try:
            await note_browser(visit.node, session, digest, visit.address, visit.user_agent, same=True)
        except ConflictError:
            return None
        return Browser(secret, by_cookie=False)


async def _come_again(visit: Visit, scope: HttpScope, receive: Receive) -> Page:
    """The form of another site brings no `Lax` cookie; a GET of the same address does."""
    octets = await read_body(receive, _MAX_BODY_BYTES)
    check_media_type(visit.sent.get(b"content-type", b""), b"application/x-www-form-urlencoded")
    query = urlencode(parse_form(octets))
    location = f"{visit.node.settings.public_path}/auth/callback/{scope['path_params']['provider_ref']}?{query}"
    return Page(303, [(b"location", location.encode("ascii")), *headers.framed(visit.request_id, "'none'")], b"")
