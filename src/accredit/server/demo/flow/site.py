"""Juniper Exchange: has its users verified in a window of its page or by a link, and shows its webhooks as they come.

A page without a person tries what it is about while it is made, and tells each call that it took.
"""

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from accredit.errors import AccreditError
from accredit.server.demo.demo import Demo
from accredit.server.demo.flow.desk import ExchangeDesk, make_user
from accredit.server.demo.flow.hooks import Mailbox
from accredit.server.demo.flow.keys import KYC
from accredit.server.demo.flow.situations import OPTIONS, TRIED
from accredit.server.demo.pages import page, static_files
from accredit.server.demo.scenarios import SCENARIOS
from accredit.server.demo.scenarios.scenario import Scenario
from accredit.server.demo.stages import CUSTOMERS, Customer, surroundings
from accredit.server.demo.told import Told
from accredit.server.demo.tried import Shown
from accredit.server.demo.visitors import Visitor, find_visitor

_COOKIE, _FIRST, _USERS = "juniper_user", "flow_modal", 1000
_SIGNED = Told("exchange", "Page", "The exchange’s server signed who is signed in, and passed that to its page")
_NO_STORE = {"cache-control": "no-store"}


@dataclass
class Applicant:
    """A user of one browser. since: the number of the last webhook before they came. link: the one that they were sent."""

    user: str
    since: int
    desk: ExchangeDesk = field(repr=False)
    link: str | None = None


@dataclass(frozen=True, slots=True)
class ExchangeScene:
    """The exchange's page. options: what the page constructs its `Flow` with, None where there is no window. since: of webhooks."""

    scenario: Scenario
    asked: Visitor
    shown: tuple[Shown, ...] = ()
    told: tuple[Told, ...] = ()
    options: dict[str, Any] | None = None
    link: str | None = None
    since: int = 0
    site: str = "exchange"
    customer: Customer = field(default_factory=lambda: CUSTOMERS["flow"])

    @property
    def data(self) -> dict[str, Any]:
        """What the page's script is told."""
        return {"options": self.options, "link": self.link, "since": self.since, "tried": bool(self.shown)}


class Exchange:
    """The site. Its users are what other sites keep in a session of their own."""

    def __init__(self, demo: Demo) -> None:
        self._demo = demo
        self._users: OrderedDict[str, Applicant] = OrderedDict()
        self.mailbox = Mailbox(demo.keys.exchange, demo.clock)

    async def show(self, request: Request) -> Response:
        """A page to begin with, or one that has tried something."""
        scenario, asked = _find_scenario(request), find_visitor(request.query_params.get("as"))
        if scenario is None:
            return HTMLResponse("There is no such situation.", 404)
        since, (cookie, applicant) = self.mailbox.count, self._find_user(request)
        make = OPTIONS.get(scenario.scenario_id)
        options = None if make is None else make(applicant.desk, applicant.user)
        tried = TRIED.get(scenario.scenario_id)
        if tried is None:
            told = applicant.desk.told if options is None else [_SIGNED]
            link = applicant.link if options is None else None
            scene = ExchangeScene(scenario, asked, (), tuple(told), options, link, applicant.since)
        else:
            desk = self._demo.exchange_desk()
            shown = await tried.shown(self._demo, desk)
            scene = ExchangeScene(scenario, asked, shown, tuple(desk.told), options, None, since)
        answer = self._draw(scene)
        answer.set_cookie(_COOKIE, cookie, httponly=True, samesite="lax")
        return answer

    async def send_link(self, request: Request) -> Response:
        """Make a session for this user, and show the link that a letter would have."""
        cookie, applicant = self._find_user(request)
        body = {"template_id": KYC, "user": {"customer_reference": applicant.user}, "shareable": True}
        heard = await applicant.desk.send("POST", "?idempotent=true", body)
        applicant.link = heard.body.get("shareable_url")
        answer = RedirectResponse("/?try=flow_link", 303, _NO_STORE)
        answer.set_cookie(_COOKIE, cookie, httponly=True, samesite="lax")
        return answer

    async def change_user(self, request: Request) -> Response:
        """Be somebody who was never here."""
        self._users.pop(request.cookies.get(_COOKIE, ""), None)
        scenario = _find_scenario(request)
        answer = RedirectResponse(f"/?try={scenario.scenario_id if scenario else _FIRST}", 303, _NO_STORE)
        answer.delete_cookie(_COOKIE)
        return answer

    async def tell_verified(self, request: Request) -> Response:
        """How the user of this browser stands, as Accredit says, whatever their page was told."""
        applicant = self._users.get(request.cookies.get(_COOKIE, ""))
        # Asked again and again, which is no news for the audience.
        asking = self._demo.exchange_desk()
        session = None if applicant is None else await asking.find(applicant.user)
        if session is None:
            return JSONResponse({"status": "none", "name": None, "failed": []}, headers=_NO_STORE)
        name = session["user"]["name"]
        told = {
            "status": session["status"],
            "name": None if name is None else f"{name['first']} {name['last']}",
            "failed": [step for step, status in session["steps"].items() if status == "failed"],
        }
        return JSONResponse(told, headers=_NO_STORE)

    async def tell_heard(self, request: Request) -> Response:
        """The webhooks after a number, for the page's script."""
        after = request.query_params.get("after", "0")
        hooks = self.mailbox.since(int(after) if after.isdecimal() and len(after) < 16 else 0)
        return JSONResponse({"hooks": hooks}, headers=_NO_STORE)

    def _find_user(self, request: Request) -> tuple[str, Applicant]:
        """The value of the browser's cookie, and who that is: somebody new without one."""
        known = request.cookies.get(_COOKIE, "")
        if known in self._users:
            return known, self._users[known]
        cookie, desk = secrets.token_urlsafe(24), self._demo.exchange_desk()
        self._users[cookie] = Applicant(make_user(), self.mailbox.count, desk)
        if len(self._users) > _USERS:
            self._users.popitem(last=False)
        return cookie, self._users[cookie]

    def _draw(self, scene: ExchangeScene) -> HTMLResponse:
        accredit = self._demo.addresses.accredit
        policy = {
            "frame-src": accredit,
            "connect-src": f"'self' {accredit}",
            # Browsers hold a form's redirects against its policy too.
            "form-action": f"'self' {accredit}",
        }
        return page("exchange.html", policy, scene=scene, **surroundings(self._demo, scene))


def _find_scenario(request: Request) -> Scenario | None:
    wanted = request.query_params.get("try", _FIRST)
    return next((each for each in SCENARIOS if each.scenario_id == wanted and each.site == "exchange"), None)


def create_exchange(demo: Demo) -> Starlette:
    """The site as an ASGI application."""
    exchange = Exchange(demo)

    async def failed(_request: Request, error: Exception) -> Response:
        return HTMLResponse(f"The exchange could not go on: {getattr(error, 'code', 'internal_error')}.", 502)

    routes = [
        Route("/", exchange.show),
        Route("/link", exchange.send_link, methods=["POST"]),
        Route("/another", exchange.change_user, methods=["POST"]),
        Route("/verified", exchange.tell_verified),
        Route("/heard", exchange.tell_heard),
        Route("/hooks/{kind:str}", exchange.mailbox.receive, methods=["POST"]),
        static_files(),
    ]
    return Starlette(routes=routes, exception_handlers={AccreditError: failed})
