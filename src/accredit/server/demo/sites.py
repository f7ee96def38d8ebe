"""The sites of the owner's customers: their servers sign, their pages call the SDK. The audience can put them into situations."""

from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from accredit.encoding import JsonError, parse_json
from accredit.server.demo.backstage import backstage_routes
from accredit.server.demo.demo import Demo
from accredit.server.demo.pages import static_files
from accredit.server.demo.scenarios.scenario import Site
from accredit.server.demo.situation import Situation
from accredit.server.demo.stages import Scene, draw
from accredit.server.demo.visitors import find_visitor


def create_site(demo: Demo, site: Site, situations: Mapping[str, Situation]) -> Starlette:
    """A site as an ASGI application. situations: by the id of their scenario; the first is shown to who asks for none."""
    first = next(iter(situations))

    async def show(request: Request) -> Response:
        scenario_id = request.query_params.get("try", first)
        situation = situations.get(scenario_id)
        if situation is None:
            return HTMLResponse("There is no such situation.", 404)
        asked = find_visitor(request.query_params.get("as"))
        calls = situation.calls(demo, situation.seat(asked))
        return draw(demo, Scene(site, scenario_id, situation, asked, calls))

    async def sign(request: Request) -> Response:
        """Fresh proof for the page that is open, when its session is to be renewed."""
        try:
            wanted = parse_json(await request.body(), max_depth=2)
        except JsonError:
            wanted = None
        if not isinstance(wanted, dict) or request.headers.get("content-type") != "application/json":
            return JSONResponse({}, 400)
        situation = situations.get(str(wanted.get("try")), situations[first])
        (fresh,) = situation.fresh(demo, situation.seat(find_visitor(str(wanted.get("as")))))
        return JSONResponse(dict(fresh.fields), headers={"cache-control": "no-store"})

    routes = [Route("/", show), Route("/sign", sign, methods=["POST"]), *backstage_routes(demo), static_files()]
    return Starlette(routes=routes)
