"""A page whose `Referrer-Policy` strips its origin: the browser itself names it to a page of ours (protocol-embed.md section 3)."""

import base64

from playwright.async_api import expect

from .embedding import document_in, frame_in, reason_of, sessions_of, until, until_told


async def test_a_listed_site_is_admitted_and_can_renew(page, console, owner, shop, application, accredit):
    integration = owner.integration(application_url=application.url, allowed_origins=[shop.origin])
    fields = owner.fields(integration, uid="user-1", data_passport={"name": "Jörg & <Co>"})
    asked = []
    page.on("request", lambda request: asked.append(request) if request.url.endswith("/embed") else None)
    await page.goto(shop.embed(fields, Referrer_Policy="no-referrer"))
    await expect(frame_in(page).get_by_role("heading")).to_have_text("Hello user-1")
    frame = await document_in(page)
    session = application.sessions[-1]
    assert (session["origin"], session["data_passport"]) == (shop.origin, {"name": "Jörg & <Co>"})
    # The detour was taken: the browser told no origin the first time.
    assert [(await request.all_headers())["origin"] for request in asked] == ["null", accredit.url]
    assert len(sessions_of(owner, integration)) == 1
    await frame.evaluate("connection.renew_needed()")
    await until_told(page, "#one", "ready", times=2)
    assert console == []


async def test_a_site_off_the_list_is_refused(page, owner, shop, elsewhere, application):
    integration = owner.integration(application_url=application.url, allowed_origins=[shop.origin])
    await page.goto(elsewhere.embed(owner.fields(integration), Referrer_Policy="no-referrer"))
    refused = await until_told(page, "#one", "error")
    assert refused["code"] == "admission_refused"
    assert reason_of(owner, refused["request_id"]) == "origin_not_allowed"
    assert sessions_of(owner, integration) == []


async def test_a_page_without_an_address_is_shown_nothing(page, console, owner, shop, application):
    """Its origin is opaque: it is on nobody's list, and no list can name it."""
    integration = owner.integration(application_url=application.url)
    embedding = base64.b64encode(shop.page(owner.fields(integration)).encode()).decode()
    await page.goto(
        shop.serve(f'<!doctype html><title>Around</title><iframe src="data:text/html;base64,{embedding}"></iframe>')
    )

    async def blocked() -> bool:
        return any("frame-ancestors" in text for text in console)

    await until(blocked)
    assert sessions_of(owner, integration) == []
