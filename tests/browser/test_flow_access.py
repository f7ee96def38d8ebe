"""The flow pages for everybody: without a mouse, in the dark, in small windows and large writing, in every language."""

import pytest
from playwright.async_api import expect

from accredit.server.hosted.flow.pages import frame_page
from accredit.server.hosted.flow.views import Around, Screen
from accredit.server.hosted.wording import languages

from .asking import tab_to
from .verifying import fill, press, see


async def test_everything_works_by_keyboard(page, verifier):
    """From the skip link to the end, by Tab, Space, Enter and typing alone; what has the focus can be seen."""
    await page.goto(verifier.backend.create(shareable=True)["shareable_url"])
    keys = page.keyboard
    await tab_to(page, "[data-start]")
    await keys.press("Enter")
    await see(page, "Before we begin")
    # The next screen is read from its heading on.
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    await page.locator(".skip").focus()
    await expect(page.get_by_role("link", name="Skip to content")).to_be_in_viewport()
    await tab_to(page, "button[name=accept]")
    await keys.press("Space")
    await see(page, "What is your e-mail address?")
    await expect(page.get_by_label("E-mail address")).to_be_focused()
    await keys.type("leslie@parks.example")
    await keys.press("Enter")
    await see(page, "Enter the code")
    await expect(page.get_by_label("Code")).to_be_focused()
    await keys.type("1")
    await keys.press("Enter")
    await expect(page.get_by_role("alert").filter(has_text="6 digits")).to_be_visible()
    await expect(page.get_by_label("Code")).to_be_focused()
    await keys.type("123456")
    await keys.press("Enter")
    await see(page, "What is your phone number?")
    await tab_to(page, "summary")
    await keys.press("Space")
    await tab_to(page, "button[data-language=de]")
    await keys.press("Enter")
    await see(page, "Wie lautet Ihre Telefonnummer?")


async def test_the_pages_on_the_way_keep_nobody_out(page, console, verify, barriers):
    """Each screen of a real flow, in light and in dark colours."""
    verifier = verify(
        steps=[
            {"step": "accept_tos"},
            {"step": "verify_email"},
            {"step": "verify_sms"},
            {"step": "kyc_check", "fields": ["name", "date_of_birth", "email", "phone", "address", "id_number"]},
        ]
    )
    await page.goto(verifier.backend.create(shareable=True)["shareable_url"])
    found = {}

    async def look(name):
        found[name] = await barriers(page, page.main_frame)

    await look("link")
    await press(page, "Start")
    await see(page, "Before we begin")
    await press(page, "Not now")
    await look("terms")
    await page.locator("summary").click()
    await look("languages")
    await press(page, "Accept and continue")
    await fill(page, email="ada@x")
    await press(page, "Send the code")
    await look("address")
    await fill(page, email="ada@shop.example")
    await press(page, "Send the code")
    await see(page, "Enter the code")
    await fill(page, code="1")
    await press(page, "Confirm")
    await expect(page.get_by_role("alert").filter(has_text="6 digits")).to_be_visible()
    await look("code")
    await fill(page, code="123456")
    await press(page, "Confirm")
    await fill(page, phone="12")
    await press(page, "Send the code")
    await expect(page.get_by_role("alert").filter(has_text="This is not a phone number")).to_be_visible()
    await look("number")
    await fill(page, phone="+4721000001")
    await press(page, "Send the code")
    await fill(page, code="123456")
    await press(page, "Confirm")
    await see(page, "Your details")
    await page.locator("form").first.evaluate("form => { form.noValidate = true; }")
    await press(page, "Continue")
    await expect(page.get_by_text("This is missing.").first).to_be_visible()
    await look("details")
    assert {name: barred for name, barred in found.items() if barred} == {}
    assert console == []


async def test_the_ends_and_every_language_keep_nobody_out(page, console, elsewhere, barriers):
    ends = ["success", "failed", "pending_review", "expired", "canceled"]
    shown = [("en", Screen("verdict", {"status": status, "return_url": None, "modal": True})) for status in ends]
    waiting = Screen("waiting", {"continue_url": "https://service.example/go"}, 2, 3, NOW_MS + 90_000)
    for code, screen in [*shown, *((code, waiting) for code in languages())]:
        await page.goto(serve(elsewhere, code, screen))
        assert await barriers(page, page.main_frame) == []
    assert console == []


async def test_notices_of_what_seldom_happens_keep_nobody_out(page, console, elsewhere, barriers):
    await page.goto(serve(elsewhere, "en", Screen("accept_tos", {"version": 1, "url": None}, 1, 1, NOW_MS + 900_000)))
    for notice in ("reopen", "stopped", "busy"):
        await page.evaluate("name => notice(name)", notice)
        await expect(page.get_by_role("heading", level=1)).to_be_focused()
        assert await barriers(page, page.main_frame) == []
    assert console == []


@pytest.mark.parametrize("width", [320, 1280])
async def test_pages_fit_small_windows_and_large_writing(browser, elsewhere, width):
    """WCAG 2.2, success criteria 1.4.4 and 1.4.10: nothing is cut off, and nobody scrolls sideways."""
    context = await browser.new_context(viewport={"width": width, "height": 500})
    page = await context.new_page()
    values = {"masked": "l•••@p•••.example", "fixed": False, "fault": "wrong", "entries_left": 2, "deliveries_left": 2}
    values |= {"resend_after_s": 30, "addresses_left": 2}
    await page.goto(serve(elsewhere, "de", Screen("email_code", values, 2, 5, NOW_MS + 90_000)))
    await page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await context.close()


async def test_the_person_is_warned_before_the_end(page, elsewhere):
    await page.goto(serve(elsewhere, "en", Screen("accept_tos", {"version": 1, "url": None}, 1, 1, NOW_MS + 90_000)))
    await expect(page.get_by_role("alert").filter(has_text="Your time is almost up")).to_be_visible()


NOW_MS = 1_800_000_000_000


def serve(site, code, screen):
    """The address of a frame's page with this screen, under its own policy."""
    told = {"session": {"id": "flwses_1", "status": "active" if screen.until_ms else "success"}, "language": code, "token": "A"}
    left_ms = None if screen.until_ms is None else screen.until_ms - NOW_MS
    script = {
        "paths": {"state": "/state", "submit": "/submit"},
        "kept": None,
        "peer": None,
        "look": False,
        "first": {**told, "step": None, "attempt": None, "again_ms": None, "left_ms": left_ms, "opening": "created"},
    }
    around = Around("0" * 32, languages()[code], who="Parks & Recreation", sandbox=True)
    shown = frame_page(around, screen, script=script, sdk="/sdk.js", now_ms=NOW_MS)
    policy = dict(shown.headers)[b"content-security-policy"].decode()
    # Nobody is around to speak to, so that the page needs no SDK.
    body = shown.body.decode().replace('src="/sdk.js"', "")
    return site.serve(body, Content_Security_Policy=policy)
