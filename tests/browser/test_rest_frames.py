"""The person's page in a frame: its parents only, what they are told, and browsers that return no cookie."""

import pytest
from playwright.async_api import expect

from .conftest import ELSEWHERE_NAME
from .embedding import page_with_frame, until_blocked

LISTEN = """
<!doctype html><html lang=en><title>Shop</title><h1>Shop</h1><script>
window.heard = [];
addEventListener("message", ({ origin, data }) => heard.push([origin, data]));
</script>
<iframe id="around" src="%s" width="700" height="800"></iframe></html>
"""


@pytest.mark.parametrize("cookies", [True, False], ids=["cookies", "no cookies"])
async def test_a_frame_is_shown_to_its_parents_only_and_tells_them_the_end(
    page, context, console, ask, shop, elsewhere, accredit, cookies
):
    """A browser takes `Secure` cookies from this machine, but not from another name without TLS."""
    origin = accredit.url if cookies else accredit.url.replace("127.0.0.1", ELSEWHERE_NAME)
    parents = [shop.origin, "https://*.shop.example"]
    made = ask(flow="embedded", callbackUrls=None, embeddedParentDomains=parents, allowedProviders=["nbid"])
    await page.goto(shop.serve(LISTEN % made["authenticationUrl"].replace(accredit.url, origin)))
    frame = page.frame_locator("#around")
    await frame.get_by_role("button", name="Continue").click()
    await expect(frame.get_by_role("heading", name="You have identified yourself")).to_be_visible()
    answer = ask.told(made)
    message = {"accredit": 1, "door": "rest", "type": "session", "sessionId": made["id"], "status": "SUCCESS"}
    assert await page.evaluate("heard") == [[origin, {**message, "sessionNonce": answer["sessionNonce"]}]]
    jar = {cookie["name"]: cookie for cookie in await context.cookies()}
    assert ("accredit_frame" in jar) == cookies
    assert console == []
    other = ask(flow="embedded", callbackUrls=None, embeddedParentDomains=parents, allowedProviders=["nbid"])
    await page.goto(elsewhere.serve(LISTEN % other["authenticationUrl"]))
    await until_blocked(page, console, accredit.url)
    assert await page.evaluate("heard") == []


async def test_a_frame_tells_the_end_before_it_goes_on(page, console, ask, till, shop, accredit):
    returning = f"{till.origin}/back/frame?a=1"
    made = ask(flow="embedded", callbackUrls=None, returnUrl=returning, embeddedParentDomains=[shop.origin])
    await page.goto(shop.serve(LISTEN % made["authenticationUrl"]))
    frame = page.frame_locator("#around")
    await frame.get_by_role("button", name="Cancel").click()
    await expect(frame.get_by_role("heading", name="Welcome back")).to_be_visible()
    ((origin, message),) = await page.evaluate("heard")
    assert (origin, message["status"]) == (accredit.url, "ABORT")
    path, query = till.last()
    assert (path, query) == (
        "/back/frame",
        {"a": ["1"], "sessionId": [made["id"]], "sessionNonce": [ask.told(made)["sessionNonce"]]},
    )
    assert console == []


async def test_a_redirect_page_is_framed_by_nobody(page, console, ask, shop, accredit):
    made = ask(embeddedParentDomains=[shop.origin])
    await page.goto(page_with_frame(shop, made["authenticationUrl"]))
    await until_blocked(page, console, accredit.url)
