"""How scenarios are written down: those that the audience finds on a site, and those between backends."""

from functools import partial

from accredit.server.demo.demo import Demo
from accredit.server.demo.scenarios.browser import open_frame, open_page, outcome_of
from accredit.server.demo.scenarios.scenario import Group, Outcome, Play, Scenario, Site
from accredit.server.demo.visitors import ADA


async def _visit(demo: Demo, scenario_id: str, site: Site) -> tuple[Outcome, ...]:
    """Open the page and let it make its calls, one after the other."""
    page = await open_page(demo, scenario_id, ADA, site)
    return tuple([await outcome_of(demo, await open_frame(demo, page, call)) for call in page.calls])


def shown(
    group: Group, scenario_id: str, title: str, *expected: Outcome, door: str, deed: str, lesson: str, site: Site
) -> Scenario:
    """A scenario that the audience finds on a site."""
    play = partial(_visit, scenario_id=scenario_id, site=site)
    return Scenario(scenario_id, door, group, title, deed, lesson, expected, play, site)


def between(scenario_id: str, play: Play, title: str, *expected: Outcome, door: str, deed: str, lesson: str) -> Scenario:
    """A scenario between backends, without a page."""
    return Scenario(scenario_id, door, "backend", title, deed, lesson, expected, play)


def refused(reason: str | None) -> Outcome:
    """The same words for every refusal, and what the owner sees."""
    return Outcome("admission_refused", reason)
