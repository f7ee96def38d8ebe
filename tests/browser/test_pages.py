"""The pages that Accredit itself shows, to people with and without script, mouse and light."""

import json

import pytest
from playwright.async_api import expect

from accredit import generate_deployment_key

from .embedding import document_in, frame_in, until_told


async def test_the_hosted_page_connects_and_is_shown(page, console, owner, shop, barriers):
    integration = owner.integration(application_url=None, allowed_origins=[shop.origin])
    await page.goto(shop.embed({**owner.fields(integration, uid="user-1"), "height": "auto"}))
    await expect(frame_in(page).get_by_role("heading")).to_have_text(f"{integration['integration_id']} is open")
    frame = await document_in(page)
    height = await page.locator("#one iframe").evaluate("frame => frame.offsetHeight")
    assert height >= await frame.evaluate("document.querySelector('main').offsetHeight")
    assert await barriers(page, frame) == []
    assert console == []


async def test_the_refusal_page_can_be_read_by_everybody(page, owner, shop, barriers, in_an_hour):
    integration = owner.integration(signed_deployment="required", debug_until=in_an_hour)
    await page.goto(shop.embed(owner.fields(integration)))
    await until_told(page, "#one", "error")
    frame = page.frames[1]
    assert await barriers(page, frame) == []
    assert await frame.locator("a, button, input, [tabindex]").count() == 0


@pytest.mark.parametrize("path", ["/docs", "/docs/errors"])
async def test_the_documentation_keeps_nobody_out(page, console, accredit, barriers, path):
    await page.goto(accredit.url + path)
    assert await barriers(page, page.main_frame) == []
    assert console == []


async def test_every_link_of_the_documentation_leads_somewhere(page, accredit):
    await page.goto(f"{accredit.url}/docs")
    anchors = await page.evaluate("[...document.querySelectorAll('a[href^=\"#\"]')].map((link) => link.hash.slice(1))")
    assert len(anchors) > 30
    assert await page.evaluate("anchors => anchors.filter((id) => !document.getElementById(id))", anchors) == []


@pytest.fixture
def invitation(owner):
    """A deployer, and the link with which it hands in its key."""
    deployer_id = owner.deployer("invited")
    return owner.call("POST", f"/v1/deployers/{deployer_id}/invitations", 201, {})["url"]


async def test_an_invitation_is_accepted_by_keyboard_and_without_script(browser, accredit, owner, invitation):
    made = generate_deployment_key()
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(invitation)
    await tab_to(page, "textarea")
    await page.keyboard.insert_text("no key")
    await tab_to(page, "button")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("key_malformed")
    await expect(page.locator("textarea")).to_be_focused()
    await expect(page.locator("textarea")).to_have_value("")
    await page.keyboard.insert_text(json.dumps(made.public_jwk))
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading")).to_have_text("The key of invited is accepted")
    await page.goto(invitation)
    await expect(page.locator("code").first).to_have_text("link_invalid")
    await context.close()
    integration = owner.integration("invited")
    token = owner.token(integration, made.private_jwk)
    assert accredit.embed({"signed_deployment": token}).status_code == 303


async def tab_to(page, element):
    """Press Tab until the element has the focus."""
    for _ in range(5):
        if await page.locator(f"{element}:focus").count():
            return
        await page.keyboard.press("Tab")
    pytest.fail(f"the keyboard does not reach the {element}")


async def test_a_private_key_in_an_invitation_is_not_shown_again(page, console, invitation, barriers):
    made = generate_deployment_key()
    await page.goto(invitation)
    assert await barriers(page, page.main_frame) == []
    await page.locator("textarea").fill(json.dumps(made.private_jwk))
    await page.get_by_role("button").click()
    await expect(page.get_by_role("alert")).to_contain_text("key_private_member")
    assert made.private_jwk["d"] not in await page.content()
    assert await barriers(page, page.main_frame) == []
    assert [text for text in console if "Content Security Policy" in text] == []
