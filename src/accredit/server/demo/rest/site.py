"""Kestrel Cars: asks its customers to identify themselves, in each of the three flows, and shows what is tried with that.

A page without a person tries what it is about while it is made, and tells each call that it took.
"""

import secrets
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from accredit.errors import AccreditError
from accredit.server.demo.backstage import backstage_routes
from accredit.server.demo.demo import Demo
from accredit.server.demo.pages import page, static_files
from accredit.server.demo.rest.flows import Visit, Visits
from accredit.server.demo.rest.letters import letters_of
from accredit.server.demo.rest.situations import FLOWS, TRIED
from accredit.server.demo.scenarios import SCENARIOS
from accredit.server.demo.scenarios.scenario import Outcome, Scenario
from accredit.server.demo.stages import CUSTOMERS, Customer, surroundings
from accredit.server.demo.told import Told
from accredit.server.demo.tried import Shown
from accredit.server.demo.visitors import Visitor, find_visitor

_COOKIE = "kestrel_visit"
_NO_STORE = {"cache-control": "no-store"}


@dataclass(frozen=True, slots=True)
class RentalScene:
    """The rental's page. shown: empty until something was decided. visit: of this browser, where the page goes on with one."""

    scenario: Scenario
    asked: Visitor
    shown: tuple[Shown, ...] = ()
    told: tuple[Told, ...] = ()
    visit: Visit | None = None
    lost: bool = False
    site: str = "rental"
    customer: Customer = field(default_factory=lambda: CUSTOMERS["rest"])

    @property
    def flow(self) -> str | None:
        """Which flow a person goes through here."""
        return FLOWS.get(self.scenario.scenario_id)

    @property
    def waiting(self) -> bool:
        """Whether the person is to do something now."""
        return self.visit is not None and not self.shown

    def data(self, accredit: str) -> dict[str, Any]:
        """What the page's script is told. accredit: the origin of the frame."""
        return {"waits_for": self.flow if self.waiting else None, "accredit": accredit}


class Rental:
    """The site. Its visits are what other sites keep in a session of their own."""

    def __init__(self, demo: Demo) -> None:
        self._demo = demo
        self._visits = Visits()

    async def show(self, request: Request) -> Response:
        """A page to begin with, or one that has tried something."""
        scenario, asked = _find_scenario(request), find_visitor(request.query_params.get("as"))
        if scenario is None:
            return HTMLResponse("There is no such situation.", 404)
        tried = TRIED.get(scenario.scenario_id)
        if tried is None:
            return self._draw(RentalScene(scenario, asked))
        desk = self._demo.rental_desk()
        shown = await tried.shown(self._demo, desk)
        return self._draw(RentalScene(scenario, asked, shown, tuple(desk.told)))

    async def identify(self, request: Request) -> Response:
        """Somebody pressed the button: open a session, and send the browser where it leads."""
        scenario = _find_scenario(request)
        flow = None if scenario is None else FLOWS.get(scenario.scenario_id)
        if scenario is None or flow is None:
            return HTMLResponse("There is no such situation.", 404)
        visit = Visit(scenario.scenario_id, flow, secrets.token_urlsafe(16), self._demo.rental_desk())
        await visit.begin(self._demo.addresses.rental)
        answer = RedirectResponse(str(visit.session["authenticationUrl"]) if flow == "redirect" else "/visit", 303, _NO_STORE)
        answer.set_cookie(_COOKIE, self._visits.add(visit), httponly=True, samesite="lax")
        return answer

    async def wait(self, request: Request) -> Response:
        """The page with the frame in it, or with what the person's phone needs."""
        visit = self._visits.find(request.cookies.get(_COOKIE))
        if visit is None:
            return RedirectResponse("/", 303)
        if visit.flow == "headless":
            return self._draw(self._scene_of(visit, await visit.look()))
        return self._draw(
            RentalScene(_scenario(visit.scenario_id), find_visitor(None), told=tuple(visit.desk.told), visit=visit)
        )

    async def look(self, request: Request) -> Response:
        """What the page's script asks while the person's phone is busy."""
        visit = self._visits.find(request.cookies.get(_COOKIE))
        if visit is None:
            return JSONResponse({}, 404)
        await visit.look()
        return JSONResponse({"over": visit.is_over}, headers=_NO_STORE)

    async def come_back(self, request: Request) -> Response:
        """A browser comes back, or its page heard from the frame: read the session that we opened for it, and no other."""
        visit, query = self._visits.find(request.cookies.get(_COOKIE)), request.query_params
        if visit is None or query.get("sessionId") != visit.session_id:
            scenario = _scenario("rest_redirect" if visit is None else visit.scenario_id)
            return self._draw(RentalScene(scenario, find_visitor(None), lost=True), status=403)
        return self._draw(self._scene_of(visit, await visit.look(query.get("sessionNonce"))))

    def _scene_of(self, visit: Visit, outcome: Outcome) -> RentalScene:
        over = visit.is_over or outcome.answer != visit.session["status"]
        meaning = "From the answer, which nobody but the rental could open." if outcome.who else "The session’s end."
        shown = (Shown(outcome, "", meaning),) if over else ()
        return RentalScene(_scenario(visit.scenario_id), find_visitor(None), shown, tuple(visit.desk.told), visit)

    def _draw(self, scene: RentalScene, status: int = 200) -> HTMLResponse:
        accredit = self._demo.addresses.accredit
        # Browsers hold a form's redirects against its policy too.
        policy = {"frame-src": accredit, "form-action": f"'self' {accredit} {self._demo.addresses.rental}"}
        return page(
            "rental.html",
            policy,
            status=status,
            scene=scene,
            data=scene.data(accredit),
            letters=letters_of(scene.visit),
            audience=self._demo.keys.audience_client,
            **surroundings(self._demo, scene),
        )


def _find_scenario(request: Request) -> Scenario | None:
    wanted = request.query_params.get("try", "rest_redirect")
    return _scenario(wanted) if wanted in FLOWS or wanted in TRIED else None


def _scenario(scenario_id: str) -> Scenario:
    return next(each for each in SCENARIOS if each.scenario_id == scenario_id)


def create_rental(demo: Demo) -> Starlette:
    """The site as an ASGI application."""
    rental = Rental(demo)

    async def failed(_request: Request, error: Exception) -> Response:
        return HTMLResponse(f"The rental could not go on: {getattr(error, 'code', 'internal_error')}.", 502)

    routes = [
        Route("/", rental.show),
        Route("/identify", rental.identify, methods=["POST"]),
        Route("/visit", rental.wait),
        Route("/look", rental.look),
        Route("/back", rental.come_back),
        *backstage_routes(demo),
        static_files(),
    ]
    return Starlette(routes=routes, exception_handlers={AccreditError: failed})
