"""The demo's pages in a real browser: each scenario ends on the page as it does over HTTP, and everybody can use the pages."""

import pytest
from playwright.async_api import expect

from accredit.server.demo.scenarios import SCENARIOS
from accredit.server.demo.visitors import GRACE

from .looking import FAINT, FAULTS, VIEWS

# Rental and exchange make no calls of `accredit`; see test_rental.py and test_exchange.py.
SHOWN = [scenario for scenario in SCENARIOS if scenario.site is not None and scenario.door in ("embed", "boot")]
# What the browser itself says of a refused frame, and what the SDK reports of it.
TOLD_OF_REFUSALS = ("Failed to load resource: the server responded with a status of 403", "accredit: admission_refused")


def address_of(demo, scenario, visitor="ada"):
    return f"{getattr(demo.addresses, scenario.site)}/?try={scenario.scenario_id}&as={visitor}"


def shown(outcome):
    """An outcome as the page shows it."""
    if outcome.answer == "admitted":
        return {"state": "admitted", "heard": "ready", "known": outcome.who}
    if outcome.answer == "debug":
        return {"state": "reported", "heard": "debug", "known": outcome.reason}
    return {"state": "refused", "heard": outcome.answer, "known": outcome.reason or "no entry of this owner"}


@pytest.mark.parametrize("scenario", SHOWN, ids=lambda scenario: scenario.scenario_id)
def test_a_scenario_ends_on_the_page_as_it_does_over_http(loop, demo, visit, scenario):
    opened = visit(address_of(demo, scenario))
    assert loop.run(opened.outcomes()) == [shown(outcome) for outcome in scenario.expected]
    assert [error for error in opened.errors if not error.startswith(TOLD_OF_REFUSALS)] == []


def test_the_report_knows_its_user_and_counts_visits(loop, demo, visit):
    opened = visit(f"{demo.addresses.bank}/?as=grace")
    frame = opened.page.frame_locator("iframe")
    assert loop.run(frame.get_by_role("heading", level=1).inner_text()) == "Hello Grace"
    first = loop.run(frame.get_by_text("number ").inner_text())
    loop.run(opened.go(f"{demo.addresses.bank}/?as=grace"))
    second = loop.run(frame.get_by_text("number ").inner_text())
    assert int(second.removeprefix("number ")) == int(first.removeprefix("number ")) + 1


def test_nobody_is_anonymous_to_the_report(loop, demo, visit):
    opened = visit(f"{demo.addresses.bank}/?as=nobody")
    assert loop.run(opened.outcomes()) == [{"state": "admitted", "heard": "ready", "known": "anonymous"}]
    frame = opened.page.frame_locator("iframe")
    assert loop.run(frame.get_by_text("not kept").is_visible())


def test_a_session_is_renewed_without_a_reload_and_then_finished(loop, demo, visit):
    opened = visit(f"{demo.addresses.bank}/?as=ada")
    frame = opened.page.frame_locator("iframe")

    async def play():
        await opened.page.get_by_role("button", name="Renew the session").click()
        await frame.get_by_text("Renewed, without a reload.").wait_for()
        await opened.page.locator("[data-step^=renewal]").wait_for()
        await frame.get_by_role("button", name="I am done").click()
        await opened.page.locator("[data-step=end]").wait_for()
        return await opened.page.locator("[data-step=end]").inner_text()

    assert "success" in loop.run(play())
    assert loop.run(opened.page.get_by_role("button", name="Renew the session").is_disabled())
    assert opened.errors == []


def test_a_renewal_for_somebody_else_is_refused_and_leaves_the_visit_as_it_is(loop, demo, visit):
    opened = visit(f"{demo.addresses.bank}/?as=ada")

    async def play():
        await opened.page.route("**/sign", lambda route: route.fulfill(json={"signed_deployment": demo.desk.sign(GRACE)}))
        await opened.page.get_by_role("button", name="Renew the session").click()
        await opened.page.locator("[data-step^=renewal]").wait_for()
        return await opened.page.locator("[data-step^=renewal]").inner_text()

    assert "Refused: renewal_mismatch" in loop.run(play())
    assert loop.run(opened.outcomes()) == [{"state": "admitted", "heard": "ready", "known": "ada-1815"}]


def test_a_situation_that_there_is_not_is_not_shown(loop, demo):
    async def statuses():
        addresses = demo.addresses
        asked = [f"{site}/?try=nothing" for site in (addresses.bank, addresses.utility, addresses.copycat)]
        asked.append(f"{addresses.utility}/?try=signed")
        return [(await demo.http.get(address)).status for address in asked]

    assert loop.run(statuses()) == [404, 404, 404, 404]


def test_the_report_shows_nothing_of_a_user_for_whom_nobody_vouches(loop, demo, visit):
    for scenario_id, told in (
        ("boot_listed", "in a page of beacon-energy, and nobody vouches"),
        ("boot_open", "nobody vouches"),
    ):
        opened = visit(f"{demo.addresses.utility}/?try={scenario_id}&as=ada")
        frame = opened.page.frame_locator("iframe")
        assert loop.run(frame.get_by_role("heading", level=1).inner_text()) == "A sample report"
        assert told in " ".join(loop.run(frame.locator("main").inner_text()).split())
        assert loop.run(frame.get_by_role("img").count()) == 0
        assert loop.run(frame.get_by_text("not kept").is_visible())


def test_the_same_report_knows_the_same_user_at_either_door(loop, demo, visit):
    scores = []
    for site in (demo.addresses.bank, demo.addresses.utility):
        frame = visit(f"{site}/?as=grace").page.frame_locator("iframe")
        assert loop.run(frame.get_by_role("heading", level=1).inner_text()) == "Hello Grace"
        scores.append(loop.run(frame.get_by_role("img").get_attribute("aria-label")))
    assert len(set(scores)) == 1


def test_a_boot_is_renewed_with_a_fresh_signature(loop, demo, visit):
    opened = visit(f"{demo.addresses.utility}/?as=ada")
    frame = opened.page.frame_locator("iframe")

    async def play():
        await opened.page.get_by_role("button", name="Renew the session").click()
        await frame.get_by_text("Renewed, without a reload.").wait_for()
        await opened.page.locator("[data-step^=renewal]").wait_for()
        return await opened.page.locator("[data-step^=renewal]").inner_text()

    assert "in place of" in loop.run(play())
    assert opened.errors == []


def test_a_debug_report_is_read_and_its_link_goes_on(loop, demo, visit):
    opened = visit(f"{demo.addresses.utility}/?try=boot_debugged&as=ada")
    frame = opened.page.frame_locator("iframe")
    assert "email_case_or_space" in loop.run(opened.page.locator("[data-fill=known-detail]").inner_text())

    async def play():
        await frame.get_by_role("link", name="Continue to the application").click()
        await opened.page.locator(".outcome[data-state=admitted]").wait_for()
        return await opened.page.locator("[data-fill=known-detail]").inner_text()

    assert loop.run(play()).startswith("Nobody vouches for that.")
    assert opened.errors == []


def test_the_audience_goes_from_one_door_to_the_other(loop, demo, visit):
    opened = visit(f"{demo.addresses.bank}/?as=grace")

    async def go():
        await opened.page.get_by_role("link", name="Utility boots").click()
        await expect(opened.page.locator(".outcome[data-state=waiting]")).to_have_count(0, timeout=60_000)
        return opened.page.url, await opened.page.get_by_role("heading", level=1).inner_text()

    assert loop.run(go()) == (f"{demo.addresses.utility}/?try=boot_signed&as=grace", "A signed boot")
    menu = loop.run(opened.page.locator(".menu .group a").all_inner_texts())
    assert menu == [scenario.title for scenario in SHOWN if scenario.door == "boot"]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("scenario_id", ["signed", "replayed_token", "wrong_origin", "boot_listed", "boot_debugged"])
def test_everybody_can_use_the_pages(loop, demo, visit, scenario_id, view):
    scenario = next(each for each in SHOWN if each.scenario_id == scenario_id)
    opened = visit(address_of(demo, scenario), reduced_motion="reduce", **VIEWS[view])
    reports = [frame for frame in opened.page.frames if frame.url.startswith(demo.addresses.application)]
    assert len(reports) == sum(outcome.answer == "admitted" for outcome in scenario.expected)
    for each in (opened.page, *reports):
        assert loop.run(each.evaluate(FAULTS)) == []
        assert loop.run(each.evaluate(FAINT)) == []


def test_the_keyboard_reaches_everything_and_shows_where_it_is(loop, demo, visit):
    opened = visit(f"{demo.addresses.bank}/?as=ada")

    async def walk():
        seen = []
        for _ in range(40):
            await opened.page.keyboard.press("Tab")
            seen.append(
                await opened.page.evaluate(
                    "() => [document.activeElement.textContent.trim(), getComputedStyle(document.activeElement).outlineStyle]"
                )
            )
        return seen

    reached = loop.run(walk())
    assert reached[0][0] == "Skip to the page"
    texts = [text for text, _outline in reached]
    for wanted in ("Ada", "An edited token", "A copied snippet", "Renew the session", "Play again", "What the page posted"):
        assert wanted in texts
    focused = [outline for text, outline in reached if text in ("Ada", "An edited token", "Renew the session")]
    assert set(focused) == {"solid"}
