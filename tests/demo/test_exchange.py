"""The exchange's pages in a real browser: users are verified in a window and by a link, attacks end as they do over HTTP."""

import pytest
from playwright.async_api import expect

from accredit.server.demo.flow.situations import OPTIONS, TRIED
from accredit.server.demo.scenarios import SCENARIOS

from ..browser.verifying import go_through, press
from .looking import FAINT, FAULTS, VIEWS

FLOW = {scenario.scenario_id: scenario for scenario in SCENARIOS if scenario.door == "flow"}
HEARD = "(all) => all.map((each) => each.textContent.trim())"
# What the browser says of a refused frame, and what the SDK reports of it.
TOLD_OF_REFUSALS = ("Failed to load resource: the server responded with a status of 403", "accredit: admission_refused")
# The window's steps are the same for every user; these leave the limit of live to `accredit demo --check`.
SHOWN = [scenario_id for scenario_id in TRIED if scenario_id != "flow_limit"]


def address_of(demo, scenario_id):
    return f"{demo.addresses.exchange}/?try={scenario_id}"


def test_each_situation_is_shown_once():
    assert {*OPTIONS, *TRIED, "flow_link"} == set(FLOW)
    for scenario_id, tried in TRIED.items():
        assert len(tried.tries) == len(FLOW[scenario_id].expected)


def test_what_is_tried_ends_on_the_page_as_it_does_over_http(loop, demo, visit):
    opened = visit(address_of(demo, SHOWN[0]))
    for scenario_id in SHOWN:
        loop.run(opened.go(address_of(demo, scenario_id)))
        said = loop.run(opened.page.locator(".outcome [data-fill=heard]").evaluate_all(HEARD))
        assert said == [each.answer for each in FLOW[scenario_id].expected]
        assert loop.run(opened.page.locator(".timeline").first.locator("li").count()) >= 1
    assert opened.errors == []


def test_a_user_is_verified_in_the_window_and_the_webhooks_arrive(loop, demo, visit):
    opened = visit(address_of(demo, "flow_modal"))

    async def play():
        page = opened.page
        await page.get_by_role("button", name="Verify me").press("Enter")
        await go_through(page.frame_locator("dialog iframe"))
        await expect(page.get_by_text("Welcome, Leslie Knope. You may trade.")).to_be_attached(timeout=30_000)
        for told in ("session.success", "flow_session.status.updated"):
            await expect(page.locator("#heard h3", has_text=told)).to_have_count(1, timeout=30_000)

    loop.run(play())
    assert opened.errors == []


def test_a_user_is_verified_by_a_link_and_the_page_hears_of_it(loop, demo, visit):
    opened = visit(address_of(demo, "flow_link"))

    async def play():
        page = opened.page
        await page.get_by_role("button", name="Send me a link").click()
        async with page.expect_popup() as opening:
            await page.get_by_role("link", name="Open the link").click()
        hosted = await opening.value
        await press(hosted, "Start")
        await go_through(hosted)
        await expect(page.get_by_text("Welcome, Leslie Knope. You may trade.")).to_be_visible(timeout=30_000)

    loop.run(play())
    assert opened.errors == []


def test_an_edited_page_opens_no_window_and_says_why(loop, demo, visit):
    opened = visit(address_of(demo, "flow_reference"))

    async def play():
        await opened.page.get_by_role("button", name="Verify me").click()
        await opened.page.get_by_text("No window opens: admission_refused").wait_for()

    loop.run(play())
    assert [error for error in opened.errors if not error.startswith(TOLD_OF_REFUSALS)] == []


def test_a_forged_webhook_is_shown_as_refused_and_a_genuine_one_as_verified(loop, demo, visit):
    opened = visit(address_of(demo, "flow_hook_forged"))
    heard = opened.page.locator("#heard li")
    loop.run(expect(heard.filter(has_text="webhook_signature_mismatch").first).to_have_attribute("data-state", "refused"))
    loop.run(expect(heard.filter(has_text="mac_mismatch").first).to_have_attribute("data-state", "refused"))
    loop.run(expect(heard.filter(has_text="test.ping").first).to_have_attribute("data-state", "done"))


def test_what_there_is_not_is_not_shown(loop, demo):
    async def statuses():
        exchange = demo.addresses.exchange
        unknown = await demo.http.get(f"{exchange}/?try=signed")
        nobody = await (await demo.http.get(f"{exchange}/verified")).json()
        return unknown.status, nobody["status"]

    assert loop.run(statuses()) == (404, "none")


@pytest.mark.parametrize("view", VIEWS)
def test_everybody_can_use_the_pages(loop, demo, visit, view):
    opened = visit(address_of(demo, "flow_modal"), reduced_motion="reduce", **VIEWS[view])
    for scenario_id in ("flow_modal", "flow_link", "flow_reference", "flow_hook_forged"):
        loop.run(opened.go(address_of(demo, scenario_id)))
        assert loop.run(opened.page.evaluate(FAULTS)) == []
        assert loop.run(opened.page.evaluate(FAINT)) == []
