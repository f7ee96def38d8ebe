"""Drawing a site with the demo around it: the situations to choose from, the site's page, and what just happened."""

from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from starlette.responses import HTMLResponse

from accredit.server.demo.attacks import Call
from accredit.server.demo.demo import Demo
from accredit.server.demo.pages import page
from accredit.server.demo.scenarios import SCENARIOS
from accredit.server.demo.scenarios.scenario import GROUPS, Scenario, Site
from accredit.server.demo.situations import Situation
from accredit.server.demo.visitors import VISITORS, Visitor


@dataclass(frozen=True, slots=True)
class Scene:
    """A site in a situation. asked: the visitor that the audience chose. calls: what the page does."""

    site: Site
    scenario_id: str
    situation: Situation
    asked: Visitor
    calls: tuple[Call, ...]

    @property
    def scenario(self) -> Scenario:
        """What is shown."""
        return next(each for each in SCENARIOS if each.scenario_id == self.scenario_id)

    @property
    def data(self) -> dict[str, Any]:
        """What the page's script is told: the calls to make, and what to ask the bank's server for when a session is renewed."""
        calls = [{"fields": dict(call.fields)} for call in self.calls]
        return {"sdk": self.situation.sdk, "try": self.scenario_id, "as": self.asked.visitor_id, "calls": calls}


def draw(demo: Demo, scene: Scene) -> HTMLResponse:
    """The page of a scene."""
    addresses = asdict(demo.addresses)
    frames = f"{demo.addresses.accredit} {demo.addresses.application}"
    policy = {
        "connect-src": f"'self' {demo.addresses.accredit}",
        "frame-src": frames,
        # Browsers hold a form's redirects against this too.
        "form-action": frames,
        **scene.situation.policy,
    }

    def link(scenario: Scenario, visitor: Visitor) -> str:
        return f"{addresses[scenario.site or 'bank']}/?try={scenario.scenario_id}&as={visitor.visitor_id}"

    return page(
        f"{scene.site}.html",
        policy,
        referrer_policy=scene.situation.referrer_policy,
        addresses=addresses,
        link=link,
        menu=_menu(),
        scene=scene,
        snippet=demo.snippet,
        visitor=scene.situation.seat(scene.asked),
        visitors=list(VISITORS.values()),
    )


def _menu() -> list[tuple[str, list[Scenario]]]:
    """The scenarios that have a page, by group."""
    shown = (each for each in SCENARIOS if each.site is not None)
    return [(GROUPS[group], list(each)) for group, each in groupby(shown, key=lambda each: each.group)]
