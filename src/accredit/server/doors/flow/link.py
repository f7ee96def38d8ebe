"""`/verify/{id}`: the hosted link, by which a person goes on without the page of a deployer (protocol-flow.md section 10).

Scanners fetch the links of messages, so that a GET changes nothing and tells nothing: the page is the same for every link. Its script
exchanges the key for a frame token once the person presses the button. Unknown sessions and wrong keys are one refusal.
"""

import re
from typing import Annotated

import msgspec

from accredit.encoding import Json
from accredit.errors import MalformedError, NotFoundError
from accredit.server import headers
from accredit.server.asgi import HttpScope, Receive, Send, send_answer
from accredit.server.attempts import Attempt
from accredit.server.doors.flow.calls import JsonPart, check_open, read_wanted
from accredit.server.doors.flow.showing import Viewer, show
from accredit.server.forms import parse_form
from accredit.server.hosted.flow.pages import link_page
from accredit.server.hosted.flow.views import Around
from accredit.server.hosted.pages import Page
from accredit.server.hosted.wording import Language, choose_language
from accredit.server.limits import RefusalLimit
from accredit.server.node import Node
from accredit.server.problems import problem
from accredit.server.sessions.flow.ending import expire_if_due
from accredit.server.sessions.flow.links import link_holds
from accredit.server.sessions.flow.reading import load_any
from accredit.server.sessions.flow.record import FlowSession
from accredit.server.sessions.flow.stepping import arrive, look_again
from accredit.server.sessions.flow.tokens import issue_token

_WRONG_AN_HOUR, _HOUR_MS = 20, 3_600_000
_SESSION = re.compile(r"[A-Za-z0-9_]{1,64}")


class KeyShown(msgspec.Struct, frozen=True, kw_only=True):
    """What the page of a link asks with."""

    key: Annotated[str, msgspec.Meta(max_length=256)]
    language: Annotated[str, msgspec.Meta(max_length=35)] | None = None


class LinkPage:
    """`GET /verify/{id}`: a page without data, which looks nothing up."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def __call__(self, scope: HttpScope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request_id, session_id = str(scope["request_id"]), scope["path_params"]["session_id"]
        if scope["method"] not in ("GET", "HEAD"):
            page = self._refuse(MalformedError("method_not_allowed"), request_id, [(b"allow", b"GET, HEAD")])
        elif not _SESSION.fullmatch(session_id):
            page = self._refuse(NotFoundError("page_not_found"), request_id, [])
        else:
            page = self._show(scope, request_id, session_id)
        await send_answer(send, page.status, page.headers, b"" if scope["method"] == "HEAD" else page.body)

    def _show(self, scope: HttpScope, request_id: str, session_id: str) -> Page:
        path = self._node.settings.public_path
        script: dict[str, Json] = {
            "paths": {
                "state": f"{path}/flow/frame/state",
                "submit": f"{path}/flow/frame/submit",
                "exchange": f"{path}/verify/{session_id}/exchange",
            },
            "kept": f"accredit_{session_id}_",
            "peer": None,
            "look": True,
            "first": None,
        }
        return link_page(Around(request_id, _language_of(scope, _chosen(scope["query_string"]))), script=script)

    def _refuse(self, error: MalformedError | NotFoundError, request_id: str, extra: headers.Headers) -> Page:
        lines = [headers.PROBLEM, *headers.api(request_id), *extra]
        return Page(error.status, lines, problem(error, request_id, self._node.settings.public_url))


class LinkExchange(JsonPart):
    """`POST /verify/{id}/exchange` `{"key"}`: a frame token for the key, and the screen that is due."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        self._wrong = RefusalLimit(_WRONG_AN_HOUR, window_ms=_HOUR_MS)

    async def answer(self, scope: HttpScope, body: bytes, attempt: Attempt) -> dict[str, Json]:
        """Exchange the key; once the session has ended, the link shows its end.

        Raises NotFoundError `link_invalid`; Refused: `rate_limited`, `integration_disabled`.
        """
        node, shown = self._node, read_wanted(body, KeyShown)
        self._wrong.check(attempt.address, attempt.now_ms)
        session = await self._find(scope["path_params"]["session_id"], shown.key)
        if session is None:
            self._wrong.count(attempt.address, attempt.now_ms)
            raise NotFoundError("link_invalid")
        session = await expire_if_due(node, session)
        language = _language_of(scope, shown.language, session.locale)
        token: dict[str, Json] = {}
        if session.is_active(attempt.now_ms):
            await check_open(node, session, None, attempt)
            token["token"] = await issue_token(node, session, origin=None, language=language.code, resumed=True)
            session = await look_again(node, await arrive(node, session, attempt.address, language.code))
        viewer = Viewer(attempt.request_id, language, in_frame=False)
        return {**(await show(node, session, viewer)).answer(), **token}

    async def _find(self, session_id: str, key: str) -> FlowSession | None:
        session = await load_any(self._node, session_id)
        if session is None:
            # What is not there costs a MAC, too, so that time tells nothing.
            self._node.sealer.server_mac("flow_link", key.encode("utf-8", "replace"))
            return None
        return session if link_holds(self._node.sealer, session, key) else None


def _chosen(query: bytes) -> str | None:
    """The language that the person chose on the page; what cannot be read is none."""
    try:
        return parse_form(query).get("language")
    except MalformedError:
        return None


def _language_of(scope: HttpScope, *wanted: str | None) -> Language:
    return choose_language(wanted, dict(scope["headers"]).get(b"accept-language", b"").decode("latin-1"))
