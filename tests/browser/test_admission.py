"""From a deployer's page to the application and back, through a real browser."""

import time

import pytest
from playwright.async_api import expect

from accredit import sign_deployment

from .embedding import document_in, frame_in, reason_of, sessions_of, statuses, until_told


async def test_the_application_shows_the_user_whom_the_page_vouches_for(page, console, owner, shop, application):
    integration = owner.integration(
        application_url=application.url,
        allowed_origins=[shop.origin],
        signed_deployment="required",
        views=[{"id": "summary"}, {"id": "detail"}],
    )
    token = owner.token(integration, owner.deployment_key(), uid="user-1", view_id="detail", data_passport={"plan": "gold"})
    await page.goto(shop.embed({"signed_deployment": token}))
    await expect(frame_in(page).get_by_role("heading")).to_have_text("Hello user-1")
    await expect(frame_in(page).locator("#view")).to_have_text("detail")
    ready = await until_told(page, "#one", "ready")
    session = application.sessions[-1]
    assert ready == {"expires_at": session["expires_at"]}
    assert (session["origin"], session["trust"], session["data_passport"]) == (shop.origin, "signed", {"plan": "gold"})
    assert await statuses(page) == ["ready"]
    assert console == []


async def test_a_page_written_for_the_original_works_unchanged(page, console, owner, shop, application):
    """All defaults, the original's global, fields and token."""
    integration = owner.integration(application_url=application.url)
    fields = {"signed_deployment": owner.token(integration, owner.deployment_key()), "location": "#one"}
    await page.goto(shop.embed(script=f"mmob.init({fields});"))
    await expect(frame_in(page).get_by_role("heading")).to_have_text("Hello visitor")
    assert console == []


async def test_the_snippet_works_as_it_is_pasted(page, console, owner, shop, application):
    integration = owner.integration(
        application_url=application.url,
        allowed_origins=[shop.origin],
        passport_schema=[{"name": "first_name", "required": True}],
    )
    snippet = owner.call("GET", f"/v1/integrations/{integration['integration_id']}/snippet")["html"]
    assert 'integrity="sha384-' in snippet
    pasted = snippet.replace("YOUR-TARGET-ELEMENT", "one").replace("{{YOUR-VALUE}}", "Ada")
    await page.goto(shop.serve(f"<!doctype html><title>Shop</title>{pasted}"))
    await expect(frame_in(page).get_by_role("heading")).to_have_text("Hello visitor")
    assert application.sessions[-1]["data_passport"] == {"first_name": "Ada"}
    assert console == []


async def test_a_site_off_the_list_is_refused_without_a_reason(page, console, owner, elsewhere, shop, application):
    integration = owner.integration(application_url=application.url, allowed_origins=[shop.origin])
    await page.goto(elsewhere.embed(owner.fields(integration, uid="user-1")))
    refused = await until_told(page, "#one", "error")
    request_id = refused["request_id"]
    assert refused == {"code": "admission_refused", "request_id": request_id, "reason": None}
    assert f"accredit: admission_refused  {request_id}" in [line.rstrip() for line in console]
    await expect(frame_in(page).get_by_role("heading")).to_have_text("This site was not admitted.")
    shown = await frame_in(page).locator("html").inner_text()
    assert request_id in shown
    assert reason_of(owner, request_id) == "origin_not_allowed"
    assert not [text for text in (shown, *console) if "origin_not_allowed" in text or "user-1" in text]
    assert sessions_of(owner, integration) == []
    assert await statuses(page) == ["refused"]


async def test_while_debugging_the_page_hears_the_reason(page, owner, shop, application, in_an_hour):
    integration = owner.integration(application_url=application.url, signed_deployment="required", debug_until=in_an_hour)
    await page.goto(shop.embed(owner.fields(integration)))
    assert (await until_told(page, "#one", "error"))["reason"] == "signed_deployment_required"
    await expect(frame_in(page).get_by_text("signed_deployment_required")).to_be_visible()


async def test_a_field_at_fault_is_named_in_the_frame(page, owner, shop, application):
    integration = owner.integration(application_url=application.url)
    await page.goto(shop.embed(owner.fields(integration, view_id="no view")))
    assert (await until_told(page, "#one", "error"))["code"] == "field_invalid"
    await expect(frame_in(page).locator("code").first).to_have_text("view_id")


async def test_init_twice_on_an_element_posts_once(page, console, owner, shop, application):
    integration = owner.integration(application_url=application.url)
    fields = owner.fields(integration)
    await page.goto(shop.embed(fields, fields))
    await document_in(page)
    assert await page.evaluate("handles[0] === handles[1]")
    assert await page.locator("iframe").count() == 1
    assert len(sessions_of(owner, integration)) == 1
    assert console == []


@pytest.fixture
def single_use(owner, application, shop):
    """An integration that wants a token for each page view, and such a token."""
    integration = owner.integration(
        "single",
        application_url=application.url,
        allowed_origins=[shop.origin],
        token_key_id="warn",
        token_single_use="require",
    )
    ids = {name: integration[name] for name in ("deployer_id", "integration_id", "owner_id")}
    token = sign_deployment({**ids, "uid": "user-1"}, owner.deployment_key("single"), now=int(time.time()))
    return integration, {"signed_deployment": token}


async def test_a_framework_that_mounts_twice_keeps_frame_and_single_use_token(page, console, owner, shop, single_use):
    """What React's StrictMode does: mount, unmount, mount, all in one task."""
    integration, fields = single_use
    await page.goto(shop.embed(script=f"const fields = {fields}; mount(fields).destroy(); mount(fields);"))
    await expect(frame_in(page).get_by_role("heading")).to_have_text("Hello user-1")
    await page.wait_for_timeout(100)
    assert await page.locator("iframe").count() == 1
    assert await statuses(page) == ["ready", "ready"]
    assert len(sessions_of(owner, integration)) == 1
    assert console == []


async def test_a_reload_with_a_single_use_token_is_refused(page, owner, shop, single_use):
    integration, fields = single_use
    await page.goto(shop.embed(fields))
    await document_in(page)
    await page.reload()
    refused = await until_told(page, "#one", "error")
    assert reason_of(owner, refused["request_id"]) == "token_replayed"
    assert len(sessions_of(owner, integration)) == 1
