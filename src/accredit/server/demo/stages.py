"""Drawing a site with the demo around it: the situations to choose from, the site's page, and what just happened."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any, Protocol

from starlette.responses import HTMLResponse

from accredit.server.demo.demo import Demo
from accredit.server.demo.pages import page
from accredit.server.demo.scenarios import SCENARIOS
from accredit.server.demo.scenarios.scenario import GROUPS, Scenario, Site
from accredit.server.demo.situation import Call, Situation
from accredit.server.demo.visitors import VISITORS, Visitor


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer of the owner, which comes in at one door. short: what the audience calls it. deed: what it does, as a verb.

    proof: what its server makes for each view of its page.
    """

    site: Site
    door: str
    name: str
    short: str
    deed: str
    proof: str


CUSTOMERS: Mapping[str, Customer] = {
    "embed": Customer("bank", "embed", "Harbour Bank", "bank", "embeds", "token"),
    "boot": Customer("utility", "boot", "Beacon Energy", "utility", "boots", "signature"),
    "rest": Customer("rental", "rest", "Kestrel Cars", "rental", "asks", "session"),
    "flow": Customer("exchange", "flow", "Juniper Exchange", "exchange", "verifies", "signature"),
}


class Drawn(Protocol):
    """What is drawn with the demo around it."""

    @property
    def scenario(self) -> Scenario:
        """What is shown."""
        ...

    @property
    def customer(self) -> Customer:
        """Whose page it is, or whose page was copied."""
        ...

    @property
    def asked(self) -> Visitor:
        """The visitor that the audience chose."""
        ...


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
    def customer(self) -> Customer:
        """Whose page it is, or whose page was copied."""
        return CUSTOMERS[self.scenario.door]

    @property
    def data(self) -> dict[str, Any]:
        """What the page's script is told: the calls to make, and what to ask the customer's server for at a renewal."""
        calls = [{"fields": dict(call.fields)} for call in self.calls]
        told = {"door": self.customer.door, "customer": self.customer.name, "proof": self.customer.proof}
        return {"sdk": self.situation.sdk, "try": self.scenario_id, "as": self.asked.visitor_id, "calls": calls, **told}


def draw(demo: Demo, scene: Scene) -> HTMLResponse:
    """The page of a scene."""
    frames = f"{demo.addresses.accredit} {demo.addresses.application}"
    policy = {
        "connect-src": f"'self' {demo.addresses.accredit}",
        "frame-src": frames,
        # Browsers hold a form's redirects against this too.
        "form-action": frames,
        **scene.situation.policy,
    }
    return page(
        f"{scene.site}.html",
        policy,
        referrer_policy=scene.situation.referrer_policy,
        scene=scene,
        snippet=demo.snippets[scene.customer.door],
        visitor=scene.situation.seat(scene.asked),
        visitors=list(VISITORS.values()),
        **surroundings(demo, scene),
    )


def surroundings(demo: Demo, scene: Drawn) -> dict[str, Any]:
    """What stands around every site: the parties, the customers, and the situations to choose from."""
    addresses = asdict(demo.addresses)

    def link(scenario: Scenario, visitor: Visitor) -> str:
        return f"{addresses[scenario.site or 'bank']}/?try={scenario.scenario_id}&as={visitor.visitor_id}"

    return {
        "addresses": addresses,
        "customers": [(each, _shown_at(each.door)[0]) for each in CUSTOMERS.values()],
        "groups": GROUPS,
        "link": link,
        "menu": _menu(scene.customer.door),
    }


def _shown_at(door: str) -> list[Scenario]:
    """The scenarios of a door that have a page."""
    return [each for each in SCENARIOS if each.site is not None and each.door == door]


def _menu(door: str) -> list[tuple[str, list[Scenario]]]:
    """The same by group."""
    return [(GROUPS[group].heading, list(each)) for group, each in groupby(_shown_at(door), key=lambda each: each.group)]
