"""A user is verified in the modal of a page: protocol-flow.md sections 4 to 7, scenarios 4, 5 and 10."""

import pytest
from playwright.async_api import expect

from .conftest import ELSEWHERE_NAME, PATIENCE_MS
from .parties import Site
from .verifying import (
    fill,
    give_details,
    go_through,
    heard,
    open_modal,
    press,
    prove_address,
    prove_number,
    see,
)

OPENED, CLOSED = ({"topic": "ui", "action": action} for action in ("opened", "closed"))


def session(action, session_id=None):
    return {"topic": "session", "action": action, **({} if session_id is None else {"data": {"id": session_id}})}


async def test_a_user_goes_through_all_steps(page, console, verifier, shop):
    frame = await open_modal(page, verifier.page(shop))
    await go_through(frame)
    await see(frame, "You are verified")
    await press(frame, "Close")
    await expect(page.locator("dialog")).to_have_count(0)
    await expect(page.get_by_role("button", name="Verify me")).to_be_focused()
    (made,) = verifier.sessions
    assert made["status"] == "success"
    assert await heard(page, 4) == [OPENED, session("created", made["id"]), session("passed"), CLOSED]
    assert verifier.backend.get(made["id"])["user"]["name"] == {"first": "Leslie", "last": "Knope"}
    await press(page, "Verify me")
    await see(page.frame_locator("dialog iframe"), "You are verified")
    assert (await heard(page, 7))[4:] == [OPENED, session("resumed", made["id"]), session("passed")]
    assert console == []


@pytest.mark.parametrize(
    ("family_name", "heading", "end"),
    [
        ("Gergich", "We could not verify you", session("failed")),
        ("Review", "Your details are being looked at", {"topic": "status", "status": "pending_review"}),
    ],
)
async def test_a_page_hears_of_every_end(page, console, verify, shop, family_name, heading, end):
    verifier = verify(steps=[{"step": "kyc_check", "fields": ["name", "address"]}, {"step": "screening"}])
    frame = await open_modal(page, verifier.page(shop))
    await give_details(frame, family_name)
    await see(frame, heading)
    told = (await heard(page, 3))[2]
    told.pop("data", None)
    assert told == end
    assert console == []


async def test_a_slow_service_is_waited_for(page, verify, shop):
    verifier = verify(steps=[{"step": "kyc_check", "fields": ["name"]}])
    frame = await open_modal(page, verifier.page(shop))
    await fill(frame, name__first="Leslie", name__last="Slow-kyc_check")
    await press(frame, "Continue")
    await see(frame, "One moment, please")
    await expect(frame.get_by_role("heading", level=1)).to_have_text("You are verified", timeout=PATIENCE_MS)


async def test_two_tabs_of_a_user_are_one_session(page, context, verifier, shop):
    """Scenario 4: one hears `created`, the other `resumed`; what one does the other finds done."""
    other = await context.new_page()
    first, second = await open_modal(page, verifier.page(shop)), await open_modal(other, verifier.page(shop))
    created, resumed = (await heard(page, 2))[1], (await heard(other, 2))[1]
    assert (created["action"], resumed["action"]) == ("created", "resumed")
    assert created["data"] == resumed["data"]
    await press(first, "Accept and continue")
    await prove_address(first)
    await press(second, "Accept and continue")
    await prove_number(second)
    # The step is over that this one still shows.
    await fill(first, phone="+47 21 00 00 02")
    await press(first, "Send the code")
    await give_details(first)
    await see(first, "You are verified")
    assert len(verifier.sessions) == 1


async def test_whoever_comes_back_goes_on_and_sees_no_earlier_input(page, context, verifier, shop):
    frame = await open_modal(page, verifier.page(shop))
    await press(frame, "Accept and continue")
    await fill(frame, email="leslie@parks.example")
    await press(frame, "Send the code")
    await see(frame, "Enter the code")
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog")).to_have_count(0)
    again = await open_modal(await context.new_page(), verifier.page(shop))
    await see(again, "Enter the code")
    await expect(again.locator("main")).to_contain_text("l•••@p•••.example")
    await expect(again.locator("body")).not_to_contain_text("leslie@parks.example")


async def test_a_wrong_signature_shows_no_modal(page, console, verifier, shop):
    """Scenario 5: it is refused though none is required; the page hears a code, and developers read it."""
    await page.goto(verifier.page(shop, signature="A" * 43 + "="))
    await press(page, "Verify me")
    (told,) = await heard(page, 1)
    assert (told["topic"], told["code"]) == ("error", "admission_refused")
    assert "This site was not admitted." in told["message"]
    assert any("admission_refused" in line for line in console)
    await expect(page.locator("dialog")).to_have_count(0)
    assert verifier.sessions == []


async def test_a_page_that_strips_its_origin_opens(page, console, verifier, shop):
    """Scenario 10."""
    asked = []
    page.on("request", lambda request: asked.append(request) if request.url.endswith("/flow") else None)
    frame = await open_modal(page, verifier.page(shop, Referrer_Policy="no-referrer"))
    await see(frame, "Before we begin")
    assert [(await request.all_headers())["origin"] for request in asked] == ["null", verifier.backend.server.url]
    assert (await heard(page, 2))[1]["action"] == "created"
    assert console == []


@pytest.mark.parametrize("policy", ["no-referrer", "strict-origin-when-cross-origin"])
async def test_a_foreign_page_does_not_open(page, accredit, verifier, policy):
    """Scenario 10: whatever it says of its origin."""
    foreign = Site(accredit.url, host=ELSEWHERE_NAME)
    try:
        await page.goto(verifier.page(foreign, Referrer_Policy=policy))
        await press(page, "Verify me")
        (told,) = await heard(page, 1)
    finally:
        foreign.close()
    assert (told["topic"], told["code"]) == ("error", "origin_not_allowed")
    assert verifier.sessions == []


async def test_declining_leaves_the_step_as_it_is(page, verifier, shop):
    frame = await open_modal(page, verifier.page(shop))
    await press(frame, "Not now")
    await expect(frame.get_by_role("alert").filter(has_text="It cannot go on without your consent")).to_be_visible()
    await press(frame, "Accept and continue")
    await see(frame, "What is your e-mail address?")


async def test_a_person_chooses_a_language_and_keeps_it(page, verifier, shop):
    frame = await open_modal(page, verifier.page(shop, locale="fi"))
    await see(frame, "Ennen kuin aloitamme")
    await frame.locator("summary").click()
    await press(frame, "Français")
    await see(frame, "Avant de commencer")
    assert await frame.locator("html").get_attribute("lang") == "fr"
    await press(frame, "Accepter et continuer")
    await see(frame, "Quelle est votre adresse e-mail ?")


async def test_what_the_owner_switches_off_stops_at_the_next_call(page, verifier, shop):
    frame = await open_modal(page, verifier.page(shop))
    verifier.change(enabled=False)
    await press(frame, "Accept and continue")
    await see(frame, "This is not available any more")
    assert (await heard(page, 3))[2]["code"] == "integration_disabled"


async def test_after_a_retry_an_open_modal_says_so(page, verifier, shop):
    frame = await open_modal(page, verifier.page(shop))
    retried = verifier.backend.retry()
    await press(frame, "Accept and continue")
    await see(frame, "This was called off")
    told = (await heard(page, 3))[2]
    assert (told["topic"], told["status"]) == ("status", "canceled")
    assert told["data"]["id"] == retried["previous_session_id"]


async def test_without_a_connection_nothing_is_lost(page, context, verifier, shop):
    frame = await open_modal(page, verifier.page(shop))
    await press(frame, "Accept and continue")
    await fill(frame, email="leslie@parks.example")
    await context.set_offline(True)
    await press(frame, "Send the code")
    await expect(frame.get_by_role("alert").filter(has_text="There is no connection just now")).to_be_visible()
    await context.set_offline(False)
    await press(frame, "Send the code")
    await see(frame, "Enter the code")


async def test_a_new_code_can_be_had_when_it_is_time(page, verifier, shop):
    await page.clock.install()
    frame = await open_modal(page, verifier.page(shop))
    await press(frame, "Accept and continue")
    await fill(frame, email="leslie@parks.example")
    await press(frame, "Send the code")
    again = frame.get_by_role("button", name="Send a new code")
    await expect(again).to_be_disabled()
    await page.clock.fast_forward(31_000)
    await expect(again).to_be_enabled()
