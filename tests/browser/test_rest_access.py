"""The person's pages for everybody: without a mouse, without a script, in the dark, in small windows and large writing."""

import pytest
from playwright.async_api import expect

from accredit.server.hosted.rest.pages import failure_page, outcome_page, resume_page
from accredit.server.hosted.rest.views import OfferedProvider, Outcome, Surroundings
from accredit.server.hosted.wording import languages
from accredit.server.themes.look import DEFAULT_LOOK

from .asking import press, see, tab_to
from .embedding import page_with_frame


async def test_everything_works_by_keyboard(page, ask, till):
    """From the skip link to the end, by Tab, Space, arrows and Enter alone; what has the focus can be seen."""
    made = ask({"consent": "always"})
    await page.goto(made["authenticationUrl"])
    keys = page.keyboard
    await keys.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await expect(page.get_by_role("link", name="Skip to content")).to_be_in_viewport()
    await tab_to(page, "summary")
    await keys.press("Space")
    await tab_to(page, "a[hreflang=de]")
    await keys.press("Enter")
    await see(page, "Wie möchten Sie sich ausweisen?")
    await tab_to(page, "button[value=nbid]")
    await keys.press("Enter")
    await see(page, "Möchten Sie das mitteilen?")
    await tab_to(page, "button[name=agree]")
    await keys.press("Space")
    await see(page, "Wer möchten Sie sein?")
    await tab_to(page, "input[name=person]")
    await keys.press("ArrowDown")
    await tab_to(page, "select")
    await keys.type("provider_r")
    await tab_to(page, "form[action$='/provider'] button")
    await keys.press("Enter")
    await see(page, "Welcome back")
    assert till.last()[0] == "/back/error"
    assert ask.told(made)["statusDetail"] == "provider_rejected"


async def test_everything_works_without_a_script(browser, ask, till, elsewhere):
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    made = ask({"consent": "always"})
    await page.goto(made["authenticationUrl"])
    await expect(page.get_by_text("UTC")).to_be_visible()
    await press(page, "Swedish BankID")
    await page.locator("summary").click()
    await page.get_by_role("link", name="Dansk").click()
    await press(page, "Accepter og fortsæt")
    await page.get_by_label("Slutning").select_option("hang")
    await press(page, "Fortsæt")
    await see(page, "Et øjeblik")
    await press(page, "Se efter igen")
    await see(page, "Et øjeblik")
    await press(page, "Annuller")
    await see(page, "Welcome back")
    assert ask.told(made)["status"] == "ABORT"
    framed = ask(flow="embedded", callbackUrls=None, returnUrl=f"{till.origin}/back/frame", allowedProviders=["nbid"])
    await page.goto(page_with_frame(elsewhere, framed["authenticationUrl"]))
    frame = page.frame_locator("#around")
    await frame.get_by_role("button", name="Continue").click()
    await expect(frame.get_by_role("heading", name="Welcome back")).to_be_visible()
    assert till.last()[0] == "/back/frame"
    await context.close()


async def test_the_pages_on_the_way_keep_nobody_out(page, console, ask, sandbox, barriers):
    """Each page of a real flow, in light and in dark colours."""
    sandbox.api.post("/v1/providers", json={"provider_id": "mail", "kind": "email_otp", "display_name": "E-mail"})
    made = ask({"consent": "always"}, allowedProviders=["mail", "nbid"], requestDomain=None)
    await page.goto(made["authenticationUrl"])
    found = {}

    async def look(name):
        found[name] = await barriers(page, page.main_frame)

    await look("choice")
    await page.locator("summary").click()
    await look("languages")
    await press(page, "E-mail")
    await look("consent")
    await press(page, "Agree and continue")
    await look("address")
    await page.get_by_label("E-mail address").fill("ada@example")
    await press(page, "Send the code")
    await look("address with a fault")
    await page.get_by_label("E-mail address").fill("ada@shop.example")
    await press(page, "Send the code")
    await expect(page.get_by_label("Code")).to_be_focused()
    await look("code")
    await page.get_by_label("Code").fill("1")
    await press(page, "Confirm")
    await expect(page.get_by_role("alert").filter(has_text="6 digits")).to_be_visible()
    await look("code with a fault")
    await page.goto(ask(allowedProviders=["nbid"])["authenticationUrl"])
    await look("person")
    await page.get_by_label("Ending").select_option("hang")
    await press(page, "Continue")
    await look("waiting")
    assert {name: barred for name, barred in found.items() if barred} == {}
    assert console == []


@pytest.mark.parametrize("outcome", ["success", "user_aborted", "provider_unavailable", "loa_too_low", "expire"])
async def test_the_ends_keep_nobody_out(page, console, ask, barriers, outcome):
    made = ask(allowedProviders=["nbid"])
    await page.goto(made["authenticationUrl"])
    await page.get_by_label("Ending").select_option(outcome)
    await press(page, "Continue")
    await see(page, "Welcome back")
    await page.goto(made["authenticationUrl"])
    assert await barriers(page, page.main_frame) == []
    assert console == []


async def test_a_page_in_colours_of_its_owner_keeps_nobody_out(page, console, ask, sandbox, barriers):
    svg = "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHdpZHRoPSI5MCIgaGVpZ2h0PSIzMCIvPg=="
    colors = {"background": "#1d1330", "surface": "#2a1d45", "text": "#ffffff", "soft_text": "#c9bfe0", "line": "#9b8bc4"}
    colors |= {"accent": "#ffb454", "on_accent": "#1d1330", "danger": "#ff9d9d"}
    body = {"theme_id": "night", "colors": colors, "font": "slab", "logo": svg}
    assert sandbox.api.post("/v1/themes", json=body).status_code == 201
    await page.goto(ask(themeId="night")["authenticationUrl"])
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(29, 19, 48)"
    assert await page.locator("img.logo").evaluate("logo => logo.complete && logo.naturalWidth") == 90
    assert await barriers(page, page.main_frame) == []
    assert console == []


@pytest.mark.parametrize("width", [320, 1280])
async def test_pages_fit_small_windows_and_large_writing(browser, ask, width):
    """WCAG 2.2, success criteria 1.4.4 and 1.4.10: nothing is cut off, and nobody scrolls sideways."""
    context = await browser.new_context(viewport={"width": width, "height": 500})
    page = await context.new_page()
    await page.goto(ask(allowedProviders=["nbid"])["authenticationUrl"])
    await page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await context.close()


async def test_pages_that_are_seldom_seen_keep_nobody_out(page, console, elsewhere, barriers):
    """What takes a broken provider or a broken server, and every language, as the templates have them."""
    provider = OfferedProvider("nbid", "Norwegian BankID")
    now_ms = 1_800_000_000_000

    def around(language="en", **members):
        given = {"page": "/auth/session/s-1", "who": "Shop", "expires_ms": now_ms + 90_000, **members}
        return Surroundings("0" * 32, languages()[language], DEFAULT_LOOK, now_ms, **given)

    shown = [
        resume_page(around(), provider, alone=False),
        failure_page(around(expires_ms=None), 503),
        outcome_page(around(expires_ms=None), Outcome("cancelled", None, "Norwegian BankID", None)),
        *(resume_page(around(code, sandbox=True, domain="id.shop.example"), provider, alone=True) for code in languages()),
    ]
    for each in shown:
        policy = dict(each.headers)[b"content-security-policy"].decode()
        await page.goto(elsewhere.serve(each.body.decode(), Content_Security_Policy=policy))
        assert await barriers(page, page.main_frame) == []
    assert console == []
