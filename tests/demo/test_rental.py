"""The rental's pages in a real browser: a person goes through each flow, attacks end as they do over HTTP, everybody can use them."""

import re

import pytest
from playwright.async_api import expect

from accredit.server.demo.rest.situations import FLOWS, TRIED
from accredit.server.demo.scenarios import SCENARIOS

from .looking import FAINT, FAULTS, VIEWS

REST = {scenario.scenario_id: scenario for scenario in SCENARIOS if scenario.door == "rest"}
SAID = "(all) => all.map((each) => [...each.querySelectorAll('[data-fill]')].map((part) => part.textContent.trim()))"


def address_of(demo, scenario_id):
    return f"{demo.addresses.rental}/?try={scenario_id}"


def said(loop, opened):
    """The outcomes on the page, each with who it is about."""
    return [tuple(each) for each in loop.run(opened.page.locator(".outcome").evaluate_all(SAID))]


def test_each_situation_is_shown_once():
    assert [*FLOWS, *TRIED] == sorted(REST, key=[*FLOWS, *TRIED].index)
    for scenario_id, tried in TRIED.items():
        assert len(tried.tries) == len(REST[scenario_id].expected)


@pytest.mark.parametrize("scenario_id", TRIED)
def test_what_is_tried_ends_on_the_page_as_it_does_over_http(loop, demo, visit, scenario_id):
    opened = visit(address_of(demo, scenario_id))
    assert said(loop, opened) == [(each.answer, each.who or "") for each in REST[scenario_id].expected]
    assert loop.run(opened.page.locator(".timeline li").count()) > 1
    assert opened.errors == []


async def sign_in(place, provider):
    """What the person does on Accredit's page."""
    await place.get_by_role("button", name=provider).click()
    await place.get_by_role("button", name="Continue").click()


def test_a_person_goes_there_and_comes_back_by_keyboard_alone(loop, demo, visit):
    opened = visit(address_of(demo, "rest_redirect"))

    async def play():
        page = opened.page
        await page.get_by_role("button", name="Identify yourself").press("Enter")
        await page.get_by_role("button", name="Norwegian BankID").press("Enter")
        await page.get_by_role("button", name="Continue").press("Enter")
        await page.wait_for_url(f"{demo.addresses.rental}/back**")
        await page.get_by_text("What the rental’s key opened").press("Enter")
        return await page.locator(".posted[open] pre").inner_text()

    opened_answer = loop.run(play())
    assert said(loop, opened) == [("SUCCESS", "Åse Synnøve Ødegård")]
    assert '"status": "SUCCESS"' in opened_answer
    assert loop.run(opened.page.get_by_text("Welcome aboard, Åse Synnøve").is_visible())


def test_a_person_who_cancels_is_not_identified(loop, demo, visit):
    opened = visit(address_of(demo, "rest_redirect"))

    async def play():
        await opened.page.get_by_role("button", name="Identify yourself").click()
        await opened.page.get_by_role("button", name="Cancel").click()
        await opened.page.wait_for_url(f"{demo.addresses.rental}/back**")

    loop.run(play())
    assert said(loop, opened) == [("ABORT", "")]


def test_a_person_stays_in_the_frame_and_the_page_goes_on(loop, demo, visit):
    opened = visit(address_of(demo, "rest_embedded"))

    async def play():
        await opened.page.get_by_role("button", name="Identify yourself").click()
        await sign_in(opened.page.frame_locator("iframe"), "MitID")
        await opened.page.wait_for_url(f"{demo.addresses.rental}/back**")

    loop.run(play())
    assert "sessionNonce=undefined" not in opened.page.url
    assert said(loop, opened) == [("SUCCESS", "Søren Kjær")]
    assert opened.errors == []


def test_the_phone_answers_and_the_page_goes_on(loop, demo, visit):
    opened = visit(address_of(demo, "rest_headless"))

    async def play():
        await opened.page.get_by_role("button", name="Identify yourself").click()
        await expect(opened.page.locator(".embedded pre")).to_have_text(re.compile(r"^sandbox\."))
        await expect(opened.page.locator(".outcome")).to_have_count(1, timeout=30_000)

    loop.run(play())
    assert said(loop, opened) == [("SUCCESS", "Märta Östlund")]
    assert opened.errors == []


def test_the_address_of_another_browser_is_worth_nothing(loop, demo, visit):
    opened = visit(address_of(demo, "rest_redirect"))

    async def play():
        await opened.page.get_by_role("button", name="Identify yourself").click()
        await sign_in(opened.page, "Swedish BankID")
        await opened.page.wait_for_url(f"{demo.addresses.rental}/back**")
        return opened.page.url

    another = visit(loop.run(play()))
    assert said(loop, another)[0][0] == "not your visit"


def test_what_there_is_not_is_not_shown(loop, demo):
    async def statuses():
        rental = demo.addresses.rental
        asked = [f"{rental}/?try=signed", f"{rental}/look"]
        refused = await demo.http.post(f"{rental}/identify?try=rest_forged")
        return [(await demo.http.get(address)).status for address in asked] + [refused.status]

    assert loop.run(statuses()) == [404, 404, 404]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("scenario_id", ["rest_redirect", "rest_embedded", "rest_forged", "rest_private"])
def test_everybody_can_use_the_pages(loop, demo, visit, scenario_id, view):
    opened = visit(address_of(demo, scenario_id), reduced_motion="reduce", **VIEWS[view])
    if scenario_id == "rest_embedded":
        loop.run(opened.page.get_by_role("button", name="Identify yourself").click())
        loop.run(opened.page.wait_for_url("**/visit"))
    assert loop.run(opened.page.evaluate(FAULTS)) == []
    assert loop.run(opened.page.evaluate(FAINT)) == []
