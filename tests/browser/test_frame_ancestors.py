"""Who may show the application: the browser enforces the list that the server sends (protocol-embed.md section 9)."""

from playwright.async_api import expect

from .embedding import frame_in, page_with_frame, sessions_of, until_blocked


async def test_a_site_on_the_list_shows_the_hosted_page(page, console, owner, shop):
    integration = owner.integration(application_url=None, allowed_origins=[shop.origin])
    await page.goto(page_with_frame(shop, shop.embed(owner.fields(integration, uid="user-1"))))
    inner = page.frame_locator("#around").frame_locator("#one iframe")
    await expect(inner.get_by_text("Opened for user-1")).to_be_visible()
    assert console == []


async def test_a_listed_site_that_another_frames_shows_no_hosted_page(page, console, owner, shop, elsewhere, accredit):
    integration = owner.integration(application_url=None, allowed_origins=[shop.origin])
    await page.goto(page_with_frame(elsewhere, shop.embed(owner.fields(integration, uid="user-1"))))
    await until_blocked(page, console, accredit.url)
    assert await page.get_by_text("Opened for").count() == 0


async def test_a_code_from_a_forged_origin_shows_nothing_in_a_browser(
    page, console, owner, shop, elsewhere, application, accredit
):
    """A program can name any origin and so get a code; the application's own policy comes from the exchange."""
    integration = owner.integration(application_url=application.url, allowed_origins=[shop.origin])
    address = accredit.embed(owner.fields(integration, uid="user-1"), origin=shop.origin).headers["location"]
    await page.goto(page_with_frame(elsewhere, address))
    await until_blocked(page, console, application.origin)
    assert len(sessions_of(owner, integration)) == 1


async def test_a_refusal_page_is_shown_to_the_site_that_asked(page, owner, shop, elsewhere):
    """And its policy names that site only, so it tells nothing of the list."""
    integration = owner.integration(allowed_origins=[shop.origin])
    async with page.expect_response(lambda response: response.url.endswith("/embed")) as refused:
        await page.goto(elsewhere.embed(owner.fields(integration)))
    policy = (await (await refused.value).all_headers())["content-security-policy"]
    assert f"frame-ancestors {elsewhere.origin}" in policy
    assert shop.origin not in policy
    await expect(frame_in(page).get_by_role("heading")).to_have_text("This site was not admitted.")
