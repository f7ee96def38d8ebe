"""Driftwood Deals: a site that copies the snippets of others, fresh proof included, and shows them on its own origin."""

from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from accredit.server.demo.backstage import backstage_routes
from accredit.server.demo.boot.situations import SITUATIONS as BOOT
from accredit.server.demo.demo import Demo
from accredit.server.demo.embed.situations import SITUATIONS as EMBED
from accredit.server.demo.pages import static_files
from accredit.server.demo.reading import read_page
from accredit.server.demo.situation import Call, Situation
from accredit.server.demo.stages import Scene, draw
from accredit.server.demo.visitors import Visitor, find_visitor


@dataclass(frozen=True, slots=True)
class _Copy:
    """What is copied: a customer's page in a situation. label: of its proof, for the audience."""

    site: str
    scenario_id: str
    situation: Situation
    label: str


_COPIES = {
    "wrong_origin": _Copy("bank", "signed", EMBED["signed"], "A fresh token, copied out of the bank’s page"),
    "wrong_origin_no_referrer": _Copy("bank", "signed", EMBED["no_referrer"], "A fresh token, copied out of the bank’s page"),
    "boot_copied": _Copy("utility", "boot_listed", BOOT["boot_listed"], "The utility’s snippet, copied out of its page"),
    "boot_copied_signature": _Copy(
        "utility", "boot_fields", BOOT["boot_fields"], "A fresh signature, copied out of the utility’s page"
    ),
}


def create_copycat(demo: Demo) -> Starlette:
    """The site as an ASGI application."""

    async def show(request: Request) -> Response:
        scenario_id = request.query_params.get("try", "wrong_origin")
        copy = _COPIES.get(scenario_id)
        if copy is None:
            return HTMLResponse("There is no such situation.", 404)
        asked = find_visitor(request.query_params.get("as"))
        return draw(demo, Scene("copycat", scenario_id, copy.situation, asked, await _read(demo, copy, asked)))

    return Starlette(routes=[Route("/", show), *backstage_routes(demo), static_files()])


async def _read(demo: Demo, copy: _Copy, visitor: Visitor) -> tuple[Call, ...]:
    """What stands in the customer's page for this visitor, as anybody reads it who saw that page."""
    query = urlencode({"try": copy.scenario_id, "as": visitor.visitor_id})
    async with demo.http.get(f"{getattr(demo.addresses, copy.site)}/?{query}") as answer:
        stage = read_page(await answer.text()).blocks["stage-data"]
    return tuple(Call(call["fields"], copy.label) for call in stage["calls"])
