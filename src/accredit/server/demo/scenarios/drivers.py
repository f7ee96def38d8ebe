"""Persons at the rental, in each of the three flows: what they press, and what the rental's page says in the end."""

import asyncio
import html
import re

from accredit.server.demo.demo import Demo
from accredit.server.demo.reading import read_page
from accredit.server.demo.rest.person import Person, Place
from accredit.server.demo.scenarios.scenario import Outcome

Outcomes = tuple[Outcome, ...]
_FILLED = re.compile(r'data-fill="(heard|known)">(.*?)<')
_FRAME = re.compile(r'<iframe title="[^"]*" src="([^"]+)"')
_LOOKS, _PAUSE_S = 40, 0.25


async def go_there(demo: Demo) -> Outcomes:
    """The browser leaves for Accredit's page, where the person chooses, and comes back with the session's id."""
    async with Person() as person:
        choice = await _begin(demo, person, "rest_redirect")
        back = await person.sign_in(await person.choose(choice, "nbid"), "no-1")
        lost = await _come_as_somebody_else(back)
    return _outcome_on(back), lost


async def stay_in_frame(demo: Demo) -> Outcomes:
    """Accredit's page stands in a frame, and tells the page around it when it is done; the script passes that on."""
    async with Person() as person:
        around = await _begin(demo, person, "rest_embedded")
        choice = await person.go(html.unescape(_FRAME.findall(around.html)[0]))
        done = await person.sign_in(await person.choose(choice, "mitid"), "dk-1")
        message = read_page(done.html).blocks["script"]["message"]
        back = f"{demo.addresses.rental}/back?sessionId={message['sessionId']}&sessionNonce="
        wrong = await person.go(f"{back}{'A' * 22}")
        return _outcome_on(wrong), _outcome_on(await person.go(f"{back}{message['sessionNonce']}"))


async def use_phone(demo: Demo) -> Outcomes:
    """No page of Accredit's: the person's phone answers, and the rental asks how it is doing."""
    async with Person() as person:
        place = await _begin(demo, person, "rest_headless")
        for _ in range(_LOOKS):
            if _FILLED.search(place.html):
                break
            await asyncio.sleep(_PAUSE_S)
            place = await person.go(f"{demo.addresses.rental}/visit")
    return (_outcome_on(place),)


async def _begin(demo: Demo, person: Person, scenario_id: str) -> Place:
    return await person.go(f"{demo.addresses.rental}/identify?try={scenario_id}", pressed="identify")


async def _come_as_somebody_else(back: Place) -> Outcome:
    """The address that the person came back by, in a browser that the rental does not know."""
    async with Person() as another:
        return _outcome_on(await another.go(back.url))


def _outcome_on(place: Place) -> Outcome:
    """What the rental's page says."""
    said = dict(_FILLED.findall(place.html))
    return Outcome(html.unescape(said["heard"]), who=html.unescape(said.get("known", "")) or None)
