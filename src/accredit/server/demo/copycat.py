"""Driftwood Deals: a site that copies the bank's snippet, token included, and shows it on its own origin."""

from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from accredit.server.demo.attacks import Call
from accredit.server.demo.backstage import backstage_routes
from accredit.server.demo.demo import Demo
from accredit.server.demo.pages import static_files
from accredit.server.demo.reading import read_page
from accredit.server.demo.situations import SITUATIONS
from accredit.server.demo.stages import Scene, draw
from accredit.server.demo.visitors import Visitor, find_visitor

_COPIES = {
    "wrong_origin": SITUATIONS["signed"],
    "wrong_origin_no_referrer": SITUATIONS["no_referrer"],
}


def create_copycat(demo: Demo) -> Starlette:
    """The site as an ASGI application."""

    async def show(request: Request) -> Response:
        scenario_id = request.query_params.get("try", "wrong_origin")
        if scenario_id not in _COPIES:
            return HTMLResponse("There is no such situation.", 404)
        asked = find_visitor(request.query_params.get("as"))
        return draw(demo, Scene("copycat", scenario_id, _COPIES[scenario_id], asked, await _copy(demo, asked)))

    return Starlette(routes=[Route("/", show), *backstage_routes(demo), static_files()])


async def _copy(demo: Demo, visitor: Visitor) -> tuple[Call, ...]:
    """What stands in the bank's page for this visitor, as anybody reads it who saw that page."""
    async with demo.http.get(f"{demo.addresses.bank}/?{urlencode({'as': visitor.visitor_id})}") as answer:
        stage = read_page(await answer.text()).blocks["stage-data"]
    return tuple(Call(call["fields"], "A fresh token, copied out of the bank’s page") for call in stage["calls"])
