"""Harbour Bank: a customer's site. Its server signs, its page embeds. The audience can put it into situations, honest and not."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from accredit.encoding import JsonError, parse_json
from accredit.server.demo.backstage import backstage_routes
from accredit.server.demo.demo import Demo
from accredit.server.demo.pages import static_files
from accredit.server.demo.situations import SITUATIONS
from accredit.server.demo.stages import Scene, draw
from accredit.server.demo.visitors import find_visitor


def create_bank(demo: Demo) -> Starlette:
    """The site as an ASGI application."""

    async def show(request: Request) -> Response:
        scenario_id = request.query_params.get("try", "signed")
        situation = SITUATIONS.get(scenario_id)
        if situation is None:
            return HTMLResponse("There is no such situation.", 404)
        asked = find_visitor(request.query_params.get("as"))
        calls = situation.calls(demo, situation.seat(asked))
        return draw(demo, Scene("bank", scenario_id, situation, asked, calls))

    async def sign(request: Request) -> Response:
        """A fresh token for the page that is open, when its session is to be renewed."""
        try:
            wanted = parse_json(await request.body(), max_depth=2)
        except JsonError:
            wanted = None
        if not isinstance(wanted, dict) or request.headers.get("content-type") != "application/json":
            return JSONResponse({}, 400)
        situation = SITUATIONS.get(str(wanted.get("try")), SITUATIONS["signed"])
        (fresh,) = situation.fresh(demo, situation.seat(find_visitor(str(wanted.get("as")))))
        return JSONResponse(dict(fresh.fields), headers={"cache-control": "no-store"})

    routes = [Route("/", show), Route("/sign", sign, methods=["POST"]), *backstage_routes(demo), static_files()]
    return Starlette(routes=routes)
