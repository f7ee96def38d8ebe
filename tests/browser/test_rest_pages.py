"""The person's pages in a real browser: a window that is sent on, two browsers, languages and times."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.async_api import expect

from .asking import press, see
from .embedding import until


async def test_a_person_chooses_agrees_and_is_sent_back(page, console, ask, till):
    made = ask({"consent": "always"}, externalReference="order-7")
    await page.goto(made["authenticationUrl"])
    assert page.url == made["authenticationUrl"].partition("?")[0]
    await see(page, "How do you want to identify yourself?")
    await press(page, "Norwegian BankID")
    await see(page, "Do you want to share this?")
    await expect(page.get_by_role("listitem").filter(has_text="your first name")).to_be_visible()
    await press(page, "Agree and continue")
    await see(page, "Who do you want to be?")
    await page.get_by_label("Åse Synnøve Ødegård").check()
    await press(page, "Continue")
    await see(page, "Welcome back")
    assert till.last() == ("/back/success", {"sessionId": [made["id"]], "externalReference": ["order-7"]})
    assert await page.evaluate("document.referrer") == ""
    assert ask.told(made)["subject"]["firstName"] == "Åse Synnøve"
    await page.goto(made["authenticationUrl"])
    await see(page, "You have identified yourself")
    await page.get_by_role("link", name="Continue to localhost").click()
    await see(page, "Welcome back")
    assert console == []


@pytest.mark.parametrize("screen", ["choice", "consent", "person", "waiting"])
async def test_a_person_can_give_up_anywhere(page, console, ask, till, screen):
    made = ask({"consent": "always"})
    await page.goto(made["authenticationUrl"])
    for step in range(["choice", "consent", "person", "waiting"].index(screen)):
        if step == 2:
            await page.get_by_label("Ending").select_option("hang")
        await press(page, ["Norwegian BankID", "Agree and continue", "Continue"][step])
    await press(page, "Cancel")
    await see(page, "Welcome back")
    assert till.last() == ("/back/abort", {"sessionId": [made["id"]]})
    assert ask.told(made)["status"] == "ABORT"
    assert console == []


async def test_a_wrong_key_opens_nothing(page, ask, barriers):
    made = ask()
    answer = await page.goto(made["authenticationUrl"][:-2] + "AA")
    assert answer.status == 404
    await see(page, "There is nothing here")
    assert await barriers(page, page.main_frame) == []
    assert ask.told(made)["status"] == "CREATED"


async def test_the_browser_that_opened_last_goes_on(page, browser, ask, till):
    made = ask()
    await page.goto(made["authenticationUrl"])
    other = await browser.new_context()
    second = await other.new_page()
    await second.goto(made["authenticationUrl"])
    await press(page, "Norwegian BankID")
    await see(page, "There is nothing here")
    await press(second, "Swedish BankID")
    await press(second, "Continue")
    await see(second, "Welcome back")
    assert ask.told(made)["provider"] == "sbid"
    await other.close()


async def test_a_prefetch_and_a_scanner_do_not_stop_the_person(page, browser, ask, till, elsewhere, accredit):
    made = ask()
    asked = []
    page.on("response", lambda answer: asked.append(answer.status) if "/auth/session/" in answer.url else None)
    link = f'<link rel="prefetch" href="{made["authenticationUrl"]}">'
    await page.goto(elsewhere.serve(f"<!doctype html><title>Mail</title>{link}<p>A letter"))

    async def fetched():
        return bool(asked)

    await until(fetched)
    assert asked == [204]
    assert accredit.http.head(made["authenticationUrl"]).status_code == 200
    assert ask.told(made)["status"] == "CREATED"
    scanner = await browser.new_context()
    await (await scanner.new_page()).goto(made["authenticationUrl"])
    await scanner.close()
    await page.goto(made["authenticationUrl"])
    await press(page, "Norwegian BankID")
    await press(page, "Continue")
    await see(page, "Welcome back")


async def test_the_way_back_does_not_lead_in_circles(page, ask, till):
    made = ask()
    await page.goto(made["authenticationUrl"])
    await press(page, "Norwegian BankID")
    await press(page, "Continue")
    await see(page, "Welcome back")
    await page.go_back()
    await see(page, "You have identified yourself")
    assert len(till.visits) == 1


async def test_pressing_twice_is_pressing_once(page, ask, till):
    made = ask()
    await page.goto(made["authenticationUrl"])
    posts = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    button = page.get_by_role("button", name="Norwegian BankID")
    await button.evaluate("button => { button.click(); button.click(); }")
    await see(page, "Who do you want to be?")
    assert len(posts) == 1


async def test_another_language_is_a_click_away(page, console, ask, till):
    made = ask(language="nb")
    await page.goto(made["authenticationUrl"])
    await see(page, "Hvordan vil du identifisere deg?")
    await page.locator("summary").click()
    await page.get_by_role("link", name="Français").click()
    await see(page, "Comment voulez-vous vous identifier ?")
    assert await page.evaluate("document.documentElement.lang") == "fr"
    await press(page, "Norwegian BankID")
    await see(page, "Qui voulez-vous être ?")
    await press(page, "Annuler")
    await see(page, "Welcome back")
    await page.goto(made["authenticationUrl"])
    await see(page, "Vous avez annulé")
    assert console == []


async def test_times_are_those_of_the_reader_and_the_end_is_announced(browser, ask):
    made = ask(sessionLifetime=300)
    context = await browser.new_context(timezone_id="Asia/Kathmandu", locale="de-DE")
    page = await context.new_page()
    await page.clock.install()
    await page.goto(made["authenticationUrl"])
    await see(page, "Wie möchten Sie sich ausweisen?")
    ends = re.fullmatch(r"\d{4}-\d\d-\d\dT(\d\d):(\d\d):\d\dZ", await page.locator("footer time").get_attribute("datetime"))
    minutes = (int(ends[1]) * 60 + int(ends[2]) + 345) % 1440
    shown = f"{minutes // 60:02}:{minutes % 60:02}"
    await expect(page.locator("footer")).to_contain_text(f"{shown}.")
    await page.clock.run_for(175_000)
    await expect(page.get_by_role("alert")).to_have_text("")
    await page.clock.run_for(10_000)
    await expect(page.get_by_role("alert")).to_contain_text(f"Werden Sie vor {shown} fertig")
    async with page.expect_navigation():
        await page.clock.run_for(116_000)
    await context.close()


async def test_a_waiting_page_goes_on_by_itself(page, console, ask):
    made = ask(allowedProviders=["nbid"])
    await page.goto(made["authenticationUrl"])
    await page.get_by_label("Ending").select_option("hang")
    await press(page, "Continue")
    await see(page, "One moment, please")
    assert ask.backend.send("POST", f"/{made['id']}/cancel").status_code == 200
    await see(page, "You are no longer asked")
    assert console == []


async def test_no_page_loads_anything_from_elsewhere(page, ask, till, accredit):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(ask(allowedProviders=["nbid", "sbid"])["authenticationUrl"])
    await press(page, "Norwegian BankID")
    await press(page, "Cancel")
    await see(page, "Welcome back")
    assert {urlsplit(url).netloc for url in asked} == {urlsplit(accredit.url).netloc, urlsplit(till.origin).netloc}
    assert [url for url in asked if url.endswith((".js", ".css", ".woff2", ".png"))] == []
