"""Users of the exchange, in the window of its page and by its link: what they fill in, and what the exchange then knows of them."""

from accredit.server.demo.demo import Demo
from accredit.server.demo.flow.modal import Modal, follow_link, open_modal
from accredit.server.demo.reading import read_page
from accredit.server.demo.rest.person import Person
from accredit.server.demo.scenarios.scenario import Outcome

Outcomes = tuple[Outcome, ...]


async def use_modal(demo: Demo) -> Outcomes:
    """The page's snippet opens the window, and the person goes through every step of the sandbox."""
    return await _open(demo, "flow_modal", "Knope")


async def use_token(demo: Demo) -> Outcomes:
    """The same with a token in the place of the signature."""
    return await _open(demo, "flow_token", "Knope")


async def fail(demo: Demo) -> Outcomes:
    """Nobody of that name is found."""
    return await _open(demo, "flow_failed", "Gergich")


async def use_link(demo: Demo) -> Outcomes:
    """The exchange makes a session and its link by the signed API. A mail scanner fetches the link, then the person goes through."""
    async with Person() as person:
        shown = await person.go(f"{demo.addresses.exchange}/link?try=flow_link", pressed="link")
        link = read_page(shown.html).blocks["exchange-data"]["link"]
        async with Person() as scanner:
            await scanner.go(link)
        before = (await _verdict(demo, person)).answer
        modal = await follow_link(demo.http, link)
        await modal.go_through()
        outcome = await _verdict(demo, person)
    return Outcome(f"{before} after the scan"), outcome


async def _open(demo: Demo, scenario_id: str, family_name: str) -> Outcomes:
    async with Person() as person:
        shown = await person.go(f"{demo.addresses.exchange}/?try={scenario_id}")
        options = read_page(shown.html).blocks["exchange-data"]["options"]
        modal = await _open_modal(demo, options)
        await modal.go_through(family_name)
        return Outcome(modal.code), await _verdict(demo, person)


async def _open_modal(demo: Demo, options: dict[str, object]) -> Modal:
    return await open_modal(demo.http, demo.addresses.accredit, options, demo.addresses.exchange)


async def _verdict(demo: Demo, person: Person) -> Outcome:
    """What the exchange says of its user, which it has asked Accredit for."""
    told = await person.read(f"{demo.addresses.exchange}/verified")
    return Outcome(told["status"], who=told["name"])
