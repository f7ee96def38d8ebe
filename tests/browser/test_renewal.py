"""Renewal gives the frame a new code without a reload (protocol-embed.md section 3)."""

import pytest

from .embedding import document_in, frame_in, heard_in, reason_of, sessions_of, statuses, told, until_told


@pytest.fixture
def embedded(owner, shop, application):
    """An integration, and fresh fields for it with a token of a user, as the shop's backend makes them."""
    integration = owner.integration(
        "renewing", application_url=application.url, allowed_origins=[shop.origin], signed_deployment="required"
    )
    key = owner.deployment_key("renewing")
    return integration, lambda uid: {"signed_deployment": owner.token(integration, key, uid=uid)}


async def test_the_page_renews_and_the_document_stays(page, console, owner, shop, application, embedded):
    integration, fields = embedded
    await page.goto(shop.embed(fields("user-1")))
    frame = await document_in(page)
    document_id, visits = await frame.evaluate("document_id"), len(application.sessions)
    await page.evaluate("fresh => handles[0].renew(fresh)", fields("user-1"))
    assert await heard_in(frame) == [["renewed", "user-1"]]
    await until_told(page, "#one", "ready", times=2)
    assert await frame.evaluate("document_id") == document_id
    assert len(application.sessions) == visits + 1
    new, old = application.sessions[-1], application.sessions[-2]
    assert (new["renews"], new["uid"], new["channel"]) == (old["session_id"], "user-1", old["channel"])
    assert [each["status"] for each in sessions_of(owner, integration)] == ["waiting", "success"]
    assert console == []


async def test_the_clock_renews_a_minute_before_the_end(page, console, owner, shop, application, embedded):
    integration, fields = embedded
    shop.fresh = lambda: fields("user-1")
    await page.clock.install()
    await page.goto(shop.embed({**fields("user-1"), "fresh": True}))
    frame = await document_in(page)
    document_id = await frame.evaluate("document_id")
    await page.clock.fast_forward(28 * 60 * 1000)
    assert len(sessions_of(owner, integration)) == 1
    await page.clock.fast_forward(60 * 1000)
    assert await heard_in(frame) == [["renewed", "user-1"]]
    assert await frame.evaluate("document_id") == document_id
    assert len(sessions_of(owner, integration)) == 2
    assert console == []


async def test_the_frame_asks_and_the_page_sends_its_call_again(page, console, owner, shop, application):
    """Without a token an anonymous visitor stays the same one."""
    integration = owner.integration(application_url=application.url, allowed_origins=[shop.origin])
    await page.goto(shop.embed(owner.fields(integration)))
    frame = await document_in(page)
    await frame.evaluate("connection.renew_needed()")
    await heard_in(frame)
    assert len({session["anonymous_id"] for session in application.sessions[-2:]}) == 1
    assert console == []


async def test_renewal_for_another_user_is_refused_and_the_visit_goes_on(page, console, owner, shop, application, embedded):
    integration, fields = embedded
    await page.goto(shop.embed(fields("user-1")))
    frame = await document_in(page)
    await page.evaluate("fresh => handles[0].renew(fresh)", fields("user-2"))
    assert await heard_in(frame) == [["renew_failed"]]
    refused = await until_told(page, "#one", "error")
    assert refused["code"] == "admission_refused"
    assert reason_of(owner, refused["request_id"]) == "renewal_mismatch"
    assert await statuses(page) == ["ready"]
    assert [each["status"] for each in sessions_of(owner, integration)] == ["waiting"]
    assert "user-2" not in "".join(console)


async def test_a_renewal_after_the_key_was_revoked_is_refused(page, owner, shop, application, embedded):
    _, fields = embedded
    await page.goto(shop.embed(fields("user-1")))
    await document_in(page)
    for key in owner.call("GET", "/v1/deployers/renewing/keys")["keys"]:
        owner.call("POST", f"/v1/keys/{key['key_id']}/revoke", 200, {})
    await page.evaluate("handles[0].renew({})")
    assert (await until_told(page, "#one", "error"))["code"] == "admission_refused"
    assert await told(page, "#one", "ready") == [{"expires_at": application.sessions[-1]["expires_at"]}]
    assert await frame_in(page).get_by_role("heading").inner_text() == "Hello user-1"
