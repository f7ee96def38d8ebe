"""Credit report: the embedded application. Its backend redeems the code, decides what to show, and remembers its users.

It believes nothing that the browser says. Who embeds it, for whom and with what comes from `POST /v1/exchange`; who may frame it
goes from there into its own Content-Security-Policy. At which door its visitors come in makes no difference; whether a signature
vouches for them does.
"""

import secrets
from collections import OrderedDict
from contextlib import suppress
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from accredit.encoding import JsonError, parse_json
from accredit.errors import AccreditError, ConflictError, NotFoundError, Refused
from accredit.server.demo.demo import Demo
from accredit.server.demo.pages import page, static_files
from accredit.server.demo.scores import find_score

_VISITS = 1000
_NO_STORE = {"cache-control": "no-store"}


class Report:
    """The application's backend. Its visits are what other applications keep in a session of their own."""

    def __init__(self, demo: Demo) -> None:
        self._demo = demo
        self._visits: OrderedDict[str, str] = OrderedDict()

    async def show(self, request: Request) -> Response:
        """The page in the frame: redeem the code, then show what it stands for."""
        try:
            session = await self._redeem(request.query_params.get("code", ""))
        except AccreditError as error:
            return page("report_closed.html", {"frame-ancestors": "*"}, status=403, code=error.code)
        visits = await self._count_visit(session)
        visit = secrets.token_urlsafe(24)
        self._visits[visit] = session["session_id"]
        if len(self._visits) > _VISITS:
            self._visits.popitem(last=False)
        told = {**session["data_passport"], **(session["customer_info"] or {})}
        known = {name: text for name, text in told.items() if name not in (*session["server_only"], "email")}
        return page(
            "report.html",
            {"frame-ancestors": " ".join(session["frame_ancestors"])},
            session=session,
            names=[known[name] for name in ("first_name", "last_name", "surname") if name in known],
            unsigned="first_name" in session.get("unverified", ()),
            card=told.get("card_number", "")[-4:],
            visits=visits,
            # Nobody's score is shown to who only says that it is theirs.
            score=find_score(session["uid"]) if session["trust"] == "signed" else None,
            snippet=self._demo.snippets["embed"],
            report=_for_browser(session, visit, visits, sorted(known)),
        )

    async def renewed(self, request: Request) -> Response:
        """The frame was handed a fresh code: redeem it, and go on under the new session."""
        sent = await _read(request)
        if sent.get("visit") not in self._visits:
            return JSONResponse({"code": "visit_unknown"}, 404)
        try:
            session = await self._redeem(str(sent.get("code")))
        except AccreditError as error:
            return JSONResponse({"code": error.code}, error.status)
        self._visits[str(sent["visit"])] = session["session_id"]
        told = {name: session[name] for name in ("session_id", "renews", "expires_at", "uid")}
        return JSONResponse(told, headers=_NO_STORE)

    async def finish(self, request: Request) -> Response:
        """The user is done: the session ends as a success."""
        session_id = self._visits.get(str((await _read(request)).get("visit")))
        if session_id is None:
            return JSONResponse({"code": "visit_unknown"}, 404)
        try:
            ended = await self._demo.application.call("POST", f"/v1/sessions/{session_id}/end", {"outcome": "success"})
        except AccreditError as error:
            return JSONResponse({"code": error.code}, error.status)
        return JSONResponse({"session_id": session_id, "status": ended.body["status"]}, headers=_NO_STORE)

    async def _redeem(self, code: str) -> dict[str, Any]:
        return (await self._demo.application.call("POST", "/v1/exchange", {"code": code})).body

    async def _count_visit(self, session: dict[str, Any]) -> int | None:
        """How often this user was here, kept by Accredit under the user; None for who is anonymous, or not vouched for."""
        path, backend = f"/v1/sessions/{session['session_id']}/user_data", self._demo.application
        try:
            stored = await backend.call("GET", path)
        except (ConflictError, Refused):
            return None
        except NotFoundError:
            visits, condition = 1, {"If_None_Match": "*"}
        else:
            visits, condition = int(stored.body["visits"]) + 1, {"If_Match": stored.headers["ETag"]}
        # Who opens two pages at the same moment is counted once.
        with suppress(ConflictError):
            await backend.call("PUT", path, {"visits": visits}, **condition)
        return visits


async def _read(request: Request) -> dict[str, Any]:
    try:
        sent = parse_json(await request.body(), max_depth=2)
    except JsonError:
        return {}
    return sent if isinstance(sent, dict) else {}


def _for_browser(session: dict[str, Any], visit: str, visits: int | None, learned: list[str]) -> dict[str, Any]:
    """What the page's script is told: whom to speak to, and what the page around may know. No value of a passport is among it."""
    return {
        "connection": {"origin": session["origin"], "channel": session["channel"], "door": session["door"]},
        "visit": visit,
        "expires_at": session["expires_at"],
        "opened": {
            "session_id": session["session_id"],
            "uid": session["uid"],
            "trust": session["trust"],
            "learned": learned,
            "server_only": session["server_only"],
            "visits": visits,
        },
    }


def create_application(demo: Demo) -> Starlette:
    """The application as ASGI."""
    report = Report(demo)
    routes = [
        Route("/report", report.show),
        Route("/renewed", report.renewed, methods=["POST"]),
        Route("/finish", report.finish, methods=["POST"]),
        static_files(),
    ]
    return Starlette(routes=routes)
