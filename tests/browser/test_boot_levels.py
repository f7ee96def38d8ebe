"""The four levels of the boot door before a real browser: who is admitted, and what a person sees (protocol-boot.md section 2)."""

import re

import pytest
from playwright.async_api import expect

from .booting import JANE
from .embedding import (
    frame_in,
    page_with_frame,
    reason_of,
    sessions_of,
    statuses,
    told,
    until_blocked,
    until_told,
)


async def refused_in(page, owner, integration):
    """The audit code of the refusal that the page hears of; nothing was opened, and the frame says so."""
    refused = await until_told(page, "#one", "error")
    assert refused == {"code": "admission_refused", "request_id": refused["request_id"], "reason": None}
    await expect(frame_in(page).get_by_role("heading")).to_have_text("This site was not admitted.")
    assert sessions_of(owner, integration) == []
    assert await statuses(page) == ["refused"]
    return reason_of(owner, refused["request_id"], "boot")


async def admitted_in(page, application, name):
    """The session of the frame that shows the application."""
    await expect(frame_in(page).get_by_role("heading")).to_have_text(f"Hello {name}")
    await until_told(page, "#one", "ready")
    assert await told(page, "#one", "error") == []
    return application.sessions[-1]


async def test_secure_identity_opens_a_session_for_the_user_that_was_signed(page, console, customer, shop, application):
    integration = customer.integration(application_url=application.url)
    await page.goto(shop.embed(customer.call(integration)))
    session = await admitted_in(page, application, JANE)
    assert (session["door"], session["trust"], session["origin"]) == ("boot", "signed", shop.origin)
    assert session["proof"]["version"] == 1
    assert console == []


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("none", "signature_required"),
        ("forged", "mac_mismatch"),
        ("of_another", "mac_mismatch"),
        ("old", "timestamp_out_of_window"),
        ("other_integration", "mac_mismatch"),
    ],
)
async def test_secure_identity_opens_nothing_without_a_right_signature(
    page, console, owner, customer, shop, application, case, reason
):
    integration = customer.integration(application_url=application.url)
    right = customer.sign(integration, JANE)
    signature = {
        "none": None,
        "forged": re.sub(r":.{4}", ":AAAA", right, count=1),
        "of_another": customer.sign(integration, "john@example.com"),
        "old": customer.sign(integration, JANE, age_s=120),
        "other_integration": customer.sign({"integration_id": "other"}, JANE),
    }[case]
    seen = len(application.sessions)
    await page.goto(shop.embed(customer.call(integration, signature=signature)))
    assert await refused_in(page, owner, integration) == reason
    assert len(application.sessions) == seen
    assert not [text for text in console if JANE in text or reason in text or (signature or "no signature") in text]


async def test_basic_opens_an_unverified_session_and_refuses_a_wrong_signature(page, owner, customer, shop, application):
    integration = customer.integration(application_url=application.url, level="BASIC")
    await page.goto(shop.embed(customer.call(integration, signature="1700000000:wrong:" + "0" * 32)))
    assert await refused_in(page, owner, integration) == "mac_encoding"
    await page.goto(shop.embed(customer.call(integration, signature=None)))
    session = await admitted_in(page, application, JANE)
    assert (session["trust"], session["proof"]) == ("unverified", None)


async def test_csp_shows_the_application_in_a_listed_site(page, console, customer, shop, application):
    integration = customer.integration(application_url=application.url, level="CSP", allowed_origins=[shop.origin])
    await page.goto(shop.embed(customer.call(integration, signature=None)))
    session = await admitted_in(page, application, JANE)
    assert (session["trust"], session["frame_ancestors"]) == ("origin", [shop.origin])
    assert console == []


@pytest.mark.parametrize("listed", [True, False])
async def test_csp_opens_nothing_for_another_site_or_an_empty_list(page, owner, customer, shop, elsewhere, application, listed):
    allowed = [shop.origin] if listed else []
    integration = customer.integration(application_url=application.url, level="CSP", allowed_origins=allowed)
    seen = len(application.sessions)
    await page.goto(elsewhere.embed(customer.call(integration)))
    assert await refused_in(page, owner, integration) == "origin_not_allowed"
    assert len(application.sessions) == seen


async def test_csp_keeps_other_sites_from_framing_a_listed_one(page, console, customer, shop, elsewhere, accredit):
    integration = customer.integration(application_url=None, level="CSP", allowed_origins=[shop.origin])
    await page.goto(page_with_frame(elsewhere, shop.embed(customer.call(integration, signature=None))))
    await until_blocked(page, console, accredit.url)
    assert await page.get_by_text("Opened for").count() == 0


async def test_a_listed_page_that_hides_its_address_is_still_recognised(
    page, console, owner, customer, shop, elsewhere, application
):
    integration = customer.integration(application_url=application.url, level="CSP", allowed_origins=[shop.origin])
    fields = customer.call(integration, signature=None, customerInfo={"email": JANE, "first_name": "Zoë & <Co>"})
    await page.goto(shop.embed(fields, Referrer_Policy="no-referrer"))
    session = await admitted_in(page, application, JANE)
    assert (session["origin"], session["customer_info"]["first_name"]) == (shop.origin, "Zoë & <Co>")
    assert console == []
    await page.goto(elsewhere.embed(fields, Referrer_Policy="no-referrer"))
    refused = await until_told(page, "#one", "error")
    assert reason_of(owner, refused["request_id"], "boot") == "origin_not_allowed"
