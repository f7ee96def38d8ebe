"""What a person meets in and around the frame: size, events, the keyboard, pages with strict policies."""

from playwright.async_api import expect

from .embedding import document_in, frame_in, heard_in, statuses, told, until, until_told
from .parties import NONCE


async def test_the_frame_takes_the_height_that_the_application_asks_for(page, owner, shop, application):
    fields = owner.fields(owner.integration(application_url=application.url))
    await page.goto(shop.embed({**fields, "height": "auto"}, {**fields, "uid": "user-2", "location": "#two"}))
    for location in ("#one", "#two"):
        frame = await document_in(page, location)
        await frame.evaluate("connection.resize(777)")
        await frame.evaluate("connection.event('resized')")
        await until_told(page, location, "event")
    heights = [await page.locator(f"{place} iframe").evaluate("frame => frame.offsetHeight") for place in ("#one", "#two")]
    assert heights == [777, 300]


async def test_what_happens_in_the_frame_reaches_the_page_and_no_other_call(page, console, owner, shop, application):
    fields = owner.fields(owner.integration(application_url=application.url))
    await page.goto(shop.embed({**fields, "uid": "user-1"}, {**fields, "uid": "user-2", "location": "#two"}))
    await document_in(page, "#one")
    await document_in(page, "#two")
    await expect(frame_in(page, "#one").get_by_role("heading")).to_have_text("Hello user-1")
    await expect(frame_in(page, "#two").get_by_role("heading")).to_have_text("Hello user-2")
    await frame_in(page, "#two").get_by_role("button", name="Buy").click()
    assert await until_told(page, "#two", "event") == {"name": "cart.added", "detail": {"sku": "A1"}}
    assert await told(page, "#one", "event") == []
    assert console == []


async def test_the_end_of_the_visit_reaches_the_page(page, owner, shop, application):
    await page.goto(shop.embed(owner.fields(owner.integration(application_url=application.url))))
    frame = await document_in(page)
    await frame.evaluate("connection.close('success')")
    assert await until_told(page, "#one", "event") == {"name": "close", "detail": {"outcome": "success"}}
    assert await statuses(page) == ["closed"]


async def test_the_keyboard_goes_into_the_frame_and_out_again(page, owner, shop, application):
    await page.goto(shop.embed(owner.fields(owner.integration(application_url=application.url))))
    frame = await document_in(page)
    await page.locator("#before").focus()
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.title") == "Embedded application"
    assert await frame.evaluate("document.activeElement.id") == "buy"
    await page.keyboard.press("Enter")
    await until_told(page, "#one", "event")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.id") == "after"
    await page.keyboard.press("Shift+Tab")
    assert await frame.evaluate("document.activeElement.id") == "buy"


async def test_a_refused_frame_does_not_keep_the_keyboard(page, owner, shop, application):
    await page.goto(shop.embed(owner.fields(owner.integration(application_url=application.url, signed_deployment="required"))))
    await until_told(page, "#one", "error")
    await page.locator("#before").focus()
    seen = []
    # A browser may stop at a frame that can be scrolled, but no more than once.
    for _ in range(2):
        await page.keyboard.press("Tab")
        seen.append(await page.evaluate("document.activeElement.id"))
    assert "after" in seen


async def test_a_page_with_a_strict_policy_sees_no_violation(page, console, owner, shop, application, accredit):
    """What sdk/README.md says that a page must allow, and nothing besides; renewal included."""
    integration = owner.integration(application_url=application.url, allowed_origins=[shop.origin])
    policy = (
        f"default-src 'none'; base-uri 'none'; script-src 'nonce-{NONCE}'; frame-src {accredit.url} {application.origin};"
        f" form-action {accredit.url} {application.origin}; connect-src {accredit.url};"
        " require-trusted-types-for 'script'; trusted-types 'none'"
    )
    await page.goto(shop.embed(owner.fields(integration, uid="user-1"), Content_Security_Policy=policy))
    frame = await document_in(page)
    await frame.evaluate("connection.renew_needed()")
    assert await heard_in(frame) == [["renewed", "user-1"]]
    assert console == []


async def test_a_policy_that_forgets_the_application_is_told_of(page, console, owner, shop, application, accredit):
    """Browsers hold a form's redirects against form-action: the check above would see a violation if there were one."""
    integration = owner.integration(application_url=application.url)
    await page.goto(shop.embed(owner.fields(integration), Content_Security_Policy=f"form-action {accredit.url}"))

    async def told_of() -> bool:
        return any("Content Security Policy" in text for text in console)

    await until(told_of)
