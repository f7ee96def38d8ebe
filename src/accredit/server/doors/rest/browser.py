"""The person's page: `/auth/session/{id}` and below, and the address that providers send browsers back to.

protocol-rest.md sections 10 and 11. Opening the page with its key makes the session the browser's own; from then on everything is a
form of the page, or a redirect. Whoever may not see a session learns nothing of it: one page of status 404 stands for all of that.
"""

from abc import ABC, abstractmethod

from accredit.encoding import compact_json
from accredit.errors import AccreditError, ConflictError, FailureError, MalformedError, NotFoundError
from accredit.server import headers, telemetry
from accredit.server.asgi import HttpScope, Receive, Send, send_answer
from accredit.server.doors.rest.endings import go_to_page, show_end
from accredit.server.doors.rest.screens import is_waiting, show_open
from accredit.server.doors.rest.surroundings import bare_surroundings
from accredit.server.doors.rest.visits import (
    Browser,
    Visit,
    browser_cookie,
    browser_hash,
    language_cookie,
    new_secret,
    read_visit,
)
from accredit.server.hosted.pages import Page
from accredit.server.hosted.rest.pages import failure_page, missing_page
from accredit.server.hosted.wording import languages
from accredit.server.node import Node
from accredit.server.sessions.rest.attempts import look_again
from accredit.server.sessions.rest.changing import note_browser
from accredit.server.sessions.rest.finishing import expire_if_due
from accredit.server.sessions.rest.reading import find_any, find_by_link
from accredit.server.sessions.rest.record import RestSession, load_open

# How often a provider is asked at most where the page only waits (protocol-rest.md section 11).
_ASK_EVERY_MS = 1000


class PersonPart(ABC):
    """One address of the person's browser, as a plain ASGI application."""

    methods: tuple[str, ...]

    def __init__(self, node: Node) -> None:
        self._node = node

    @abstractmethod
    async def answer(self, visit: Visit, scope: HttpScope, receive: Receive) -> Page:
        """Answer a request. Raises NotFoundError for what this browser may not see, and other errors of the tree."""

    async def __call__(self, scope: HttpScope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        visit, session_id = read_visit(self._node, scope), scope["path_params"].get("session_id")
        try:
            page = await self._begin(visit, scope, receive)
        except NotFoundError as error:
            telemetry.refusals("rest", error.code).inc()
            page = missing_page(bare_surroundings(visit, session_id))
        except AccreditError as error:
            page = self._fail(visit, session_id, error)
        await send_answer(send, page.status, page.headers, page.body)

    async def _begin(self, visit: Visit, scope: HttpScope, receive: Receive) -> Page:
        reading = scope["method"] in ("GET", "HEAD") and "GET" in self.methods
        if scope["method"] == "HEAD" and reading:
            return Page(200, [headers.HTML, *headers.api(visit.request_id)], b"")
        if visit.is_ahead and reading:
            # Nobody looks yet. The browser asks again when somebody does.
            return Page(204, headers.api(visit.request_id), b"")
        if scope["method"] not in self.methods:
            raise MalformedError("method_not_allowed")
        return await self.answer(visit, scope, receive)

    def _fail(self, visit: Visit, session_id: str | None, error: AccreditError) -> Page:
        telemetry.refusals("rest", error.code).inc()
        if isinstance(error, FailureError):
            telemetry.log.error("failed", extra={"fields": {"request_id": visit.request_id, "code": error.code}})
        page = failure_page(bare_surroundings(visit, session_id), error.status)
        # RFC 9110 section 15.5.6: a 405 says which methods there are.
        allowed = [(b"allow", ", ".join(self.methods).encode("ascii"))] if error.status == 405 else []
        return Page(page.status, [*page.headers, *allowed], page.body)


async def find_own(visit: Visit, session_id: str) -> tuple[RestSession, Browser]:
    """The session, if it is this browser's. Raises NotFoundError `session_not_found`."""
    session = await find_any(visit.node, session_id)
    browser = None if session is None else visit.browser_of(session)
    if session is None or browser is None:
        raise NotFoundError("session_not_found")
    return await expire_if_due(visit.node, session), browser


class SessionPage(PersonPart):
    """`GET /auth/session/{id}`: opened with its key, or shown."""

    methods = ("GET",)

    async def answer(self, visit: Visit, scope: HttpScope, receive: Receive) -> Page:
        """Open or show the page."""
        session_id = scope["path_params"]["session_id"]
        if "key" in visit.query:
            return await self._open(visit, session_id, visit.query["key"])
        session, browser = await find_own(visit, session_id)
        if browser.by_cookie and "browser" in visit.query:
            # The cookie came back: the address need not carry what it says.
            return go_to_page(visit, session, browser)
        show = show_open if session.is_open(visit.now_ms) else show_end
        try:
            page = await show(visit, session, browser)
        except ConflictError:
            # Something was faster while a provider was asked: the next look shows how the session stands.
            return go_to_page(visit, session, browser)
        tag = visit.query.get("language")
        remembered = language_cookie(visit.node, session, tag) if tag in languages() else []
        return Page(page.status, [*page.headers, *remembered], page.body)

    async def _open(self, visit: Visit, session_id: str, key: str) -> Page:
        """The session becomes this browser's own; its key does not stay in the address."""
        node = visit.node
        session = await find_by_link(node, session_id, key)
        if session is None or session.control.flow == "headless":
            raise NotFoundError("session_not_found")
        session = await expire_if_due(node, session)
        if not session.is_open(visit.now_ms):
            session, browser = await find_own(visit, session_id)
            return go_to_page(visit, session, browser)
        secret = visit.cookie_for(session) or new_secret()
        try:
            await note_browser(node, session, browser_hash(node, session, secret), visit.address, visit.user_agent)
        except ConflictError as error:
            raise NotFoundError("session_not_found") from error
        # Whether the cookie comes back, the next request shows; a frame carries the secret until then.
        browser = Browser(secret, by_cookie=session.control.flow != "embedded")
        return go_to_page(visit, session, browser, browser_cookie(node, session, secret))


class SessionState(PersonPart):
    """`GET /auth/session/{id}/state`: whether there is something else to see than a waiting page, for that page's script."""

    methods = ("GET",)

    async def answer(self, visit: Visit, scope: HttpScope, receive: Receive) -> Page:
        """Look, and ask the provider if it was not asked just now."""
        session, _browser = await find_own(visit, scope["path_params"]["session_id"])
        if session.is_open(visit.now_ms) and is_waiting(load_open(visit.node.sealer, session)):
            session = await self._ask(visit, session)
        waits = session.is_open(visit.now_ms) and is_waiting(load_open(visit.node.sealer, session))
        return Page(200, [headers.JSON, *headers.api(visit.request_id)], compact_json({"moved": not waits}))

    async def _ask(self, visit: Visit, session: RestSession) -> RestSession:
        if visit.now_ms < session.updated_ms + _ASK_EVERY_MS:
            return session
        try:
            return (await look_again(visit.node, session, stay=True)).session
        except ConflictError:
            # Somebody was faster: the page will see.
            return await find_any(visit.node, session.session_id) or session
