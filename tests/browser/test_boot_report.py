"""The debug report: in the frame, in the page's console and as an event; its link goes on (protocol-boot.md section 5)."""

import base64
import json

import pytest
from playwright.async_api import expect

from .booting import JANE
from .embedding import document_in, frame_in, reason_of, sessions_of, statuses, told, until_told

WRONG = "1700000000:" + "A" * 43 + "=:" + "0" * 32
NARROWER = "() => document.documentElement.scrollWidth <= innerWidth"


@pytest.fixture
def debugged(customer, application, in_an_hour):
    """An integration at level SECURE_IDENTITY_DEBUG."""
    return customer.integration(
        application_url=application.url, level="SECURE_IDENTITY_DEBUG", debug_until=in_an_hour, force=True
    )


@pytest.fixture
def warnings(loop, page):
    """What the SDK writes to the window's console as warnings: a sentence and a value each."""
    written = []

    async def listen():
        page.on("console", lambda message: written.append(message) if message.type == "warning" else None)

    loop.run(listen())
    return written


async def test_a_wrong_signature_is_reported_and_the_link_goes_on(
    page, console, warnings, owner, customer, shop, application, debugged
):
    of_john = customer.sign(debugged, "john@example.com")
    await page.goto(shop.embed(customer.call(debugged, signature=of_john)))
    await expect(frame_in(page).get_by_role("heading")).to_have_text("This boot would be refused")
    await expect(frame_in(page).get_by_role("row", name="The MAC is right")).to_contain_text("mac_mismatch")
    event = await until_told(page, "#one", "event")
    report = event["detail"]
    assert (event["name"], report["would_admit"], report["code"]) == ("debug", False, "mac_mismatch")
    assert [each["result"] for each in report["checks"]] == ["pass", "pass", "fail", "pass", "skipped"]
    assert report["signed_text"].split(":")[3] == "j***@e***"
    assert ("accredit: boot debug", report) in [await values_of(message) for message in warnings]
    # No hello came for longer than the SDK waits for one, and that is no fault.
    await page.wait_for_timeout(800)
    assert (await statuses(page), await told(page, "#one", "error"), console) == (["loading"], [], [])
    assert sessions_of(owner, debugged)[0]["status"] == "created"

    await frame_in(page).get_by_role("link").click()
    await expect(frame_in(page).get_by_role("heading")).to_have_text(f"Hello {JANE}")
    await document_in(page)
    session = application.sessions[-1]
    assert (session["trust"], session["proof"]) == ("unverified", None)
    assert [each["session_id"] for each in sessions_of(owner, debugged)] == [session["session_id"]]
    assert (await statuses(page), await told(page, "#one", "error"), console) == (["ready"], [], [])
    kept = owner.call("GET", f"/v1/boot_reports/{report['request_id']}")
    assert (kept["code"], kept["mistakes"]["secret_not_decoded"]) == ("mac_mismatch", False)


async def values_of(message):
    return tuple([await argument.json_value() for argument in message.args])


async def test_a_right_signature_is_reported_too_and_counts_as_unverified(page, customer, shop, application, debugged):
    await page.goto(shop.embed(customer.call(debugged)))
    await expect(frame_in(page).get_by_role("heading")).to_have_text("This boot would be admitted")
    assert (await until_told(page, "#one", "event"))["detail"]["code"] is None
    await frame_in(page).get_by_role("link").click()
    await document_in(page)
    assert application.sessions[-1]["trust"] == "unverified"


async def test_nothing_in_the_page_helps_to_forge(page, customer, shop, debugged):
    """The caller chooses the e-mail, so a MAC that is right for it would sign for anybody."""
    right = customer.sign(debugged, JANE)
    timestamp, mac, nonce = right.split(":")
    await page.goto(shop.embed(customer.call(debugged, signature=f"{timestamp}:{'A' * 43}=:{nonce}")))
    report = (await until_told(page, "#one", "event"))["detail"]
    shown = await frame_in(page).locator("html").inner_html()
    as_hex = base64.b64decode(mac).hex()
    for text in (mac, as_hex, JANE):
        assert text not in shown
        assert text not in json.dumps(report)
    assert report["checks"][2]["result"] == "fail"


async def test_while_debugging_a_site_off_the_list_hears_the_reason(page, owner, customer, shop, elsewhere, in_an_hour):
    members = {"level": "SECURE_IDENTITY_DEBUG", "debug_until": in_an_hour, "force": True, "allowed_origins": [shop.origin]}
    integration = customer.integration(**members)
    await page.goto(elsewhere.embed(customer.call(integration)))
    refused = await until_told(page, "#one", "error")
    assert refused["reason"] == reason_of(owner, refused["request_id"], "boot") == "origin_not_allowed"
    assert sessions_of(owner, integration) == []


async def test_a_reload_while_debugging_is_reported_as_a_replay(page, customer, shop, debugged):
    await page.goto(shop.embed(customer.call(debugged)))
    await until_told(page, "#one", "event")
    await page.reload()
    report = (await until_told(page, "#one", "event"))["detail"]
    assert (report["code"], report["checks"][4]) == (
        "nonce_replayed",
        {"check": "replay", "result": "fail", "code": "nonce_replayed"},
    )


async def test_the_keyboard_reaches_the_link_first(page, customer, shop, application, debugged):
    await page.goto(shop.embed(customer.call(debugged, signature=WRONG)))
    await until_told(page, "#one", "event")
    await page.locator("#before").focus()
    link = frame_in(page).get_by_role("link")

    async def reached():
        await page.keyboard.press("Tab")
        return await link.evaluate("link => link === document.activeElement")

    # A browser may stop at a frame that can be scrolled first.
    assert await reached() or await reached()
    assert await link.evaluate("link => getComputedStyle(link).outlineStyle") == "solid"
    await page.keyboard.press("Enter")
    await expect(frame_in(page).get_by_role("heading")).to_have_text(f"Hello {JANE}")


@pytest.mark.parametrize("width", [320, 1280])
async def test_the_report_can_be_read_by_everybody(page, customer, shop, debugged, barriers, width):
    await page.set_viewport_size({"width": width, "height": 800})
    full = "document.querySelector('#one').style.width = '100%';"
    await page.goto(shop.embed(customer.call(debugged, signature=WRONG), script=full))
    await until_told(page, "#one", "event")
    frame = page.frames[1]
    assert await barriers(page, frame) == []
    assert await frame.evaluate(NARROWER)
    # The way on is in sight without scrolling, however low the frame.
    assert await frame.evaluate("() => document.querySelector('a').getBoundingClientRect().bottom <= innerHeight")


async def test_the_report_says_what_it_says_without_script(browser, accredit, customer, application, debugged):
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    fields = {"cp_id": customer.cp_id, "cp_deployment_id": debugged["integration_id"], "signature": WRONG}
    inputs = "".join(f'<input name="{name}" value="{value}">' for name, value in fields.items())
    await page.set_content(f'<form method="post" action="{accredit.url}/boot">{inputs}<button>Boot</button></form>')
    await page.get_by_role("button").click()
    await expect(page.get_by_role("row", name="The time is near enough")).to_contain_text("timestamp_out_of_window")
    await page.get_by_role("link").click()
    await expect(page.get_by_role("heading")).to_have_text("Hello visitor")
    await context.close()
