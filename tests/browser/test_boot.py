"""A boot from the customer's page to the application and back: one signature, one session (protocol-boot.md sections 3 and 9)."""

import html
import json
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from playwright.async_api import expect

from .booting import JANE
from .embedding import document_in, frame_in, heard_in, reason_of, sessions_of, statuses, told, until_told

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "boot.json").read_text(encoding="utf-8"))["cases"]


@pytest.fixture
def booted(customer, application):
    """An integration at level SECURE_IDENTITY."""
    return customer.integration(application_url=application.url)


async def test_a_call_of_the_original_works_unchanged(page, console, customer, shop, application, accredit, booted):
    """Its global and its fields; only address, ids and signature are of this server."""
    call = {
        "customerInfo": {
            "email": JANE,
            "first_name": "Stephen",
            "surname": "Hayes",
            "gender": "male",
            "title": "Mr",
            "building_number": "81",
            "address_1": "Miller Street",
            "town_city": "Hull",
            "postcode": "HG45BU",
            "dob": "1968-05-30T21:12:22.275Z",
        },
        "cp_id": customer.cp_id,
        "cp_deployment_id": booted["integration_id"],
        "location": "#one",
        "signature": customer.sign(booted, JANE),
        "marketplace_url": accredit.url,
    }
    await page.goto(shop.embed(script=f"mmob.init({json.dumps(call)});"))
    await expect(frame_in(page).get_by_role("heading")).to_have_text(f"Hello {JANE}")
    assert application.sessions[-1]["customer_info"] == call["customerInfo"]
    assert console == []


async def test_the_form_of_the_original_s_component_works_unchanged(
    page, console, owner, customer, shop, application, accredit
):
    """A hidden form into a frame, byte for byte as the React component posts it, but for address and ids; our script has no part."""
    integration = customer.integration(application_url=application.url, level="BASIC")
    (form,) = [case["inputs"] for case in VECTORS if case["name"] == "form_of_the_react_component"]
    ids = {"cp_id": customer.cp_id, "cp_deployment_id": integration["integration_id"]}
    fields = dict(parse_qsl(form["body"])) | ids
    inputs = "".join(f'<input type="hidden" name="{name}" value="{html.escape(value)}">' for name, value in fields.items())
    await page.goto(
        shop.serve(
            f'<!doctype html><title>Shop</title><iframe name="boot" title="Application"></iframe><form action="{accredit.url}/boot"'
            f' method="post" target="boot">{inputs}</form><script>document.forms[0].submit()</script>'
        )
    )
    await expect(page.frame_locator("iframe").get_by_role("heading")).to_have_text("Hello sharon.jordan@example.com")
    session = application.sessions[-1]
    assert (session["trust"], session["origin"], session["locale"]) == ("unverified", shop.origin, "en_GB")
    assert session["customer_info"]["broadband"] == {"provider": "Virgin Media", "ppm": "28", "down_speed": "110592"}
    assert [each["status"] for each in sessions_of(owner, integration)] == ["waiting"]
    assert console == []


async def test_the_snippet_works_as_it_is_pasted(page, console, owner, customer, shop, application, booted):
    snippet = owner.call("GET", f"/v1/integrations/{booted['integration_id']}/snippet")["html"]
    pasted = snippet.replace("YOUR-TARGET-ELEMENT", "one").replace("{{YOUR-SIGNATURE}}", customer.sign(booted, JANE))
    pasted = pasted.replace("{{YOUR-VALUE}}", JANE, 1).replace("{{YOUR-VALUE}}", "Jane")
    await page.goto(shop.serve(f"<!doctype html><title>Shop</title>{pasted}"))
    await expect(frame_in(page).get_by_role("heading")).to_have_text(f"Hello {JANE}")
    assert application.sessions[-1]["customer_info"] == {"email": JANE, "first_name": "Jane", "surname": "Jane"}
    assert console == []


async def test_the_snippet_with_a_placeholder_left_in_it_posts_nothing(page, console, owner, shop, booted):
    snippet = owner.call("GET", f"/v1/integrations/{booted['integration_id']}/snippet")["html"]
    await page.goto(shop.serve(f"<!doctype html><title>Shop</title>{snippet.replace('YOUR-TARGET-ELEMENT', 'one')}"))
    await page.wait_for_function("window.accredit")
    assert [text.strip() for text in console] == ["accredit: placeholder_left signature"]
    assert await page.locator("iframe").count() == 0


async def test_a_framework_that_mounts_twice_boots_once(page, console, owner, customer, shop, booted):
    """What React's StrictMode does: mount, unmount, mount, all in one task; then the same call again."""
    fields = json.dumps(customer.call(booted))
    await page.goto(shop.embed(script=f"const fields = {fields}; mount(fields).destroy(); mount(fields); mount(fields);"))
    await expect(frame_in(page).get_by_role("heading")).to_have_text(f"Hello {JANE}")
    await page.wait_for_timeout(100)
    assert await page.locator("iframe").count() == 1
    assert await statuses(page) == ["ready", "ready", "ready"]
    assert len(sessions_of(owner, booted)) == 1
    assert console == []


async def test_a_reload_posts_the_signature_again_and_is_told_that_it_was_refused(page, owner, customer, shop, booted):
    await page.goto(shop.embed(customer.call(booted)))
    await document_in(page)
    await page.reload()
    refused = await until_told(page, "#one", "error")
    assert refused["code"] == "admission_refused"
    assert reason_of(owner, refused["request_id"], "boot") == "nonce_replayed"
    assert len(sessions_of(owner, booted)) == 1


async def test_a_reload_within_the_window_boots_again_where_the_policy_says_so(page, owner, customer, shop, application):
    integration = customer.integration(application_url=application.url, replay="window_only")
    await page.goto(shop.embed(customer.call(integration)))
    await document_in(page)
    await page.reload()
    await document_in(page)
    assert len(sessions_of(owner, integration)) == 2


async def test_a_renewal_brings_a_fresh_signature_and_the_document_stays(
    page, console, owner, customer, shop, application, booted
):
    shop.fresh = lambda: {"signature": customer.sign(booted, JANE)}
    await page.goto(shop.embed({**customer.call(booted), "fresh": True}))
    frame = await document_in(page)
    document_id = await frame.evaluate("document_id")
    await frame.evaluate("connection.renew_needed()")
    assert await heard_in(frame) == [["renewed", JANE]]
    await until_told(page, "#one", "ready", times=2)
    assert await frame.evaluate("document_id") == document_id
    new, old = application.sessions[-1], application.sessions[-2]
    assert (new["renews"], new["door"], new["trust"]) == (old["session_id"], "boot", "signed")
    assert [each["status"] for each in sessions_of(owner, booted)] == ["waiting", "success"]
    assert console == []


async def test_a_renewal_with_the_signature_of_the_call_is_refused_and_the_visit_goes_on(page, owner, customer, shop, booted):
    await page.goto(shop.embed(customer.call(booted)))
    frame = await document_in(page)
    await frame.evaluate("connection.renew_needed()")
    assert await heard_in(frame) == [["renew_failed"]]
    refused = await until_told(page, "#one", "error")
    assert reason_of(owner, refused["request_id"], "boot") == "nonce_replayed"
    assert await statuses(page) == ["ready"]


async def test_a_changed_field_ends_a_signature_over_all_of_them(page, owner, customer, shop, application):
    members = {
        "identity_v2": "require",
        "identity_origin": "require",
        "views": [{"id": "gas"}, {"id": "energy", "signed_only": True}],
    }
    integration = customer.integration(application_url=application.url, **members)
    info = {
        "email": JANE,
        "first_name": "Zoë",
        "address_1": "1 High Street\nFlat 2",
        "number_of_children": 2,
        "meta": {"b": [1.5], "a": "x"},
    }

    def sign():
        return customer.sign_all(integration, info, page="energy", locale="en_GB", origin=shop.origin)

    call = customer.call(integration, customerInfo=info, page="energy", locale="en_GB")
    await page.goto(shop.embed({**call, "signature": sign()}, {**call, "signature": sign(), "page": "gas", "location": "#two"}))
    await document_in(page)
    session = application.sessions[-1]
    assert (session["view_id"], session["customer_info"]["meta"], session["unverified"]) == ("energy", info["meta"], [])
    refused = await until_told(page, "#two", "error")
    assert reason_of(owner, refused["request_id"], "boot") == "mac_mismatch"
    assert await told(page, "#one", "error") == []
