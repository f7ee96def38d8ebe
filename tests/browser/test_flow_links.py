"""Hosted links in a browser: protocol-flow.md section 10, scenario 11."""

from urllib.parse import urlsplit

import pytest
from playwright.async_api import expect

from .verifying import go_through, make_verifier, press, prove_address, see


@pytest.fixture
def short(verify):
    """A template of two steps."""
    return verify(steps=[{"step": "accept_tos"}, {"step": "verify_email"}])


async def test_fifty_scanners_change_nothing_and_the_person_goes_through(page, console, verifier):
    backend = verifier.backend
    made = backend.create(shareable=True)
    for _ in range(50):
        assert backend.server.http.get(made["shareable_url"]).status_code == 200
    assert backend.get(made["id"]) == made
    await page.goto(made["shareable_url"])
    await see(page, "Verify your identity")
    # A scanner may run scripts, too: without a press of the button nothing begins, and the key is nowhere to be seen.
    assert backend.get(made["id"]) == made
    assert page.url == f"{backend.server.url}/verify/{made['id']}"
    await press(page, "Start")
    await see(page, "Before we begin")
    await go_through(page)
    await see(page, "You are verified")
    assert backend.get(made["id"])["status"] == "success"
    assert [text for text in console if "favicon" not in text] == []


@pytest.mark.parametrize("place", ["query", "fragment"])
async def test_a_tab_can_be_reloaded_before_and_after_the_start(page, short, place):
    short.change(hosted_key_in=place)
    made = short.backend.create(shareable=True)
    await page.goto(made["shareable_url"])
    await page.reload()
    await press(page, "Start")
    await press(page, "Accept and continue")
    await see(page, "What is your e-mail address?")
    await page.reload()
    await prove_address(page)
    await see(page, "You are verified")
    assert await page.evaluate("document.cookie") == ""
    # The token is of this tab alone.
    other = await page.context.new_page()
    await other.goto(page.url)
    await see(other, "Go back to the other window")


async def test_after_rotation_the_old_link_is_dead(page, short):
    made = short.backend.create(shareable=True)
    fresh = short.backend.call("POST", f"/{made['id']}/rotate_key")["shareable_url"]
    await page.goto(made["shareable_url"])
    await press(page, "Start")
    await see(page, "This link does not work")
    await page.goto(fresh)
    await press(page, "Start")
    await see(page, "Before we begin")


async def test_a_session_that_has_ended_shows_its_end_in_each_language(page, short):
    made = short.backend.create(shareable=True)
    short.backend.call("POST", f"/{made['id']}/cancel")
    await page.goto(made["shareable_url"])
    await page.locator("summary").click()
    await press(page, "Dansk")
    await see(page, "Bekræft, hvem du er")
    await press(page, "Start")
    await see(page, "Dette blev aflyst")
    await page.locator("summary").click()
    await press(page, "Nederlands")
    await see(page, "Dit is afgeblazen")


async def test_the_person_returns_with_the_sessions_id(page, short):
    short.change(allowed_origins=["https://shop.example"], steps=[{"step": "accept_tos"}])
    made = short.backend.create(shareable=True, return_url="https://shop.example/done?order=7")
    await page.route(
        "https://shop.example/**", lambda route: route.fulfill(body="<h1>Welcome back</h1>", content_type="text/html")
    )
    await page.goto(made["shareable_url"])
    await press(page, "Start")
    await press(page, "Accept and continue")
    await page.get_by_role("link", name="Continue to shop.example").click()
    await see(page, "Welcome back")
    assert urlsplit(page.url).query == f"order=7&session_id={made['id']}"
    assert await page.evaluate("document.referrer") == ""


@pytest.fixture
def night(accredit):
    """A template of an account whose pages are dark."""
    owner = accredit.owner(environment="sandbox")
    colors = {"background": "#1d1330", "surface": "#2a1d45", "text": "#ffffff", "soft_text": "#c9bfe0", "line": "#9b8bc4"}
    colors |= {"accent": "#ffb454", "on_accent": "#1d1330", "danger": "#ff9d9d"}
    owner.call("POST", "/v1/themes", 201, {"theme_id": "default", "name": "Night", "colors": colors})
    return make_verifier(owner, steps=[{"step": "accept_tos"}])


async def test_the_page_takes_on_the_colours_of_its_owner(page, night):
    made = night.backend.create(shareable=True)
    await page.goto(made["shareable_url"])
    await press(page, "Start")
    await see(page, "Before we begin")
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(29, 19, 48)"


async def test_nobody_can_frame_a_link(page, console, short, shop):
    made = short.backend.create(shareable=True)
    await page.goto(shop.serve(f'<!doctype html><title>Around</title><iframe src="{made["shareable_url"]}"></iframe>'))
    await expect(page.frame_locator("iframe").get_by_role("button", name="Start")).to_have_count(0)
    assert any("frame-ancestors" in text for text in console)
