"""The modal itself: the page of the original, focus, ways out, windows of every size, and mistakes (protocol-flow.md section 4)."""

import json

import pytest
from playwright.async_api import expect

from accredit import ReferenceSecret, sign_reference

from .embedding import until
from .parties import NONCE
from .verifying import heard, open_modal, press, see

USER_ID = "3a409367-a417-4d46-9a92-3d7bc5dc4605"
OPENED, CLOSED = ({"topic": "ui", "action": action} for action in ("opened", "closed"))

# The two script elements that the original prints; but for address and keys nothing is changed.
ORIGINAL = """<script src="%s/sdk/accredit.js"></script>

<script type="text/javascript">
  const flow = new Flow({
    publishableKey: "%s",
    templateId: "%s",
    user: {
      customerReference: currentUser.id,
      email: currentUser.email,
      signature: currentUser.flowSignature
    }
  });
</script>"""


def body_of(shop, address):
    """A page that a test changes before it serves it."""
    return shop.get(address.removeprefix(shop.origin)).body


def page_of_the_original(verifier, shop):
    """Its page, for a user whom the shop's server has signed."""
    backend = verifier.backend
    signature = sign_reference(ReferenceSecret.from_text(backend.secret), USER_ID)
    user = json.dumps({"id": USER_ID, "email": "leslie@parks.example", "flowSignature": signature})
    snippet = ORIGINAL % (backend.server.url, verifier.key, backend.template_id)
    return shop.serve(f"<!doctype html><title>Shop</title><script>const currentUser = {user};</script>{snippet}")


async def test_the_page_of_the_original_works_unchanged(page, console, verifier, shop):
    verifier.change(require_signed_requests=True)
    await page.goto(page_of_the_original(verifier, shop))
    await page.evaluate("flow.open()")
    await see(page.frame_locator("dialog iframe"), "Before we begin")
    (made,) = verifier.sessions
    assert (made["customer_reference"], made["admitted_by"]) == (USER_ID, "legacy")
    assert console == []


async def test_the_snippet_works_as_it_is_pasted(page, console, verifier, shop):
    backend = verifier.backend
    pasted = backend.owner.call("GET", f"/v1/integrations/{backend.template_id}/snippet")["html"]
    signature = sign_reference(ReferenceSecret.from_text(backend.secret), USER_ID)
    filled = {"YOUR-PUBLISHABLE-KEY": verifier.key, "YOUR-USER-ID": USER_ID, "YOUR-SIGNATURE": signature}
    for name, value in filled.items():
        pasted = pasted.replace(f"{{{{{name}}}}}", value)
    await page.goto(shop.serve(f"<!doctype html><title>Shop</title>{pasted}"))
    await press(page, "Verify me")
    await see(page.frame_locator("dialog iframe"), "Before we begin")
    assert verifier.sessions[0]["admitted_by"] == "legacy"
    assert console == []


async def test_the_focus_stays_in_the_modal(page, verifier, shop):
    """From its button through all of the frame and round again, forwards and back; the page behind is out of reach."""
    frame = await open_modal(page, verifier.page(shop))
    await expect(page.get_by_role("button", name="Close")).to_be_focused()
    wanted = {"BUTTON", "IFRAME", "Accept and continue", "Not now"}
    for key in ("Tab", "Shift+Tab"):
        reached: set[str] = set()
        for _ in range(40):
            await page.keyboard.press(key)
            # The focus goes from one process of the browser to the other, which takes it a moment.
            await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            reached.add(await page.evaluate("document.activeElement.id || document.activeElement.tagName"))
            reached |= set(await frame.locator(":focus").evaluate_all("found => found.map((each) => each.textContent.trim())"))
            if wanted <= reached:
                break
        assert wanted <= reached
        assert "verify" not in reached


@pytest.mark.parametrize("where", ["button", "frame", "content"])
async def test_escape_closes_the_modal_from_wherever_the_focus_is(page, console, verifier, shop, where):
    frame = await open_modal(page, verifier.page(shop))
    if where == "frame":
        await page.locator("dialog iframe").focus()
    if where == "content":
        await frame.get_by_role("button", name="Not now").focus()
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog")).to_have_count(0)
    await expect(page.get_by_role("button", name="Verify me")).to_be_focused()
    told = await heard(page, 3)
    assert [told[0], told[-1], len(told)] == [OPENED, CLOSED, 3]
    assert console == []


async def test_the_close_button_closes_the_modal_which_opens_again(page, verifier, shop):
    await open_modal(page, verifier.page(shop))
    await press(page, "Close")
    await expect(page.get_by_role("button", name="Verify me")).to_be_focused()
    await press(page, "Verify me")
    await see(page.frame_locator("dialog iframe"), "Before we begin")
    assert [each["action"] for each in await heard(page, 5)] == ["opened", "created", "closed", "opened", "resumed"]


@pytest.mark.parametrize(
    ("width", "height", "left"), [(390, 844, 0), (320, 568, 0), (844, 390, 182), (1280, 800, 400)], ids=lambda size: str(size)
)
async def test_the_modal_fits_every_window(page, verifier, shop, width, height, left):
    """On a phone it is the whole screen; nothing is cut off, and nothing scrolls sideways."""
    await page.set_viewport_size({"width": width, "height": height})
    frame = await open_modal(page, verifier.page(shop))
    assert await page.locator("dialog").bounding_box() == {"x": left, "y": 0, "width": min(width, 480), "height": height}
    shown = await page.locator("dialog iframe").bounding_box()
    button = await page.get_by_role("button", name="Close").bounding_box()
    assert (button["width"], button["height"], shown["y"]) == (44, 44, button["y"] + 44)
    assert shown["y"] + shown["height"] == height
    assert await frame.locator("html").evaluate("html => html.scrollWidth <= html.clientWidth")
    await expect(frame.get_by_role("button", name="Accept and continue")).to_be_attached()


async def test_the_modal_keeps_nobody_out(page, verifier, shop, barriers):
    body = body_of(shop, verifier.page(shop)).replace("<h1>", "<main><h1>").replace("</p>", "</p></main>")
    await open_modal(page, shop.serve(body))
    await expect(page.get_by_role("dialog", name="Verification")).to_be_visible()
    assert await barriers(page, page.main_frame) == []


async def test_a_strict_policy_sees_no_violation(page, console, accredit, verifier, shop):
    """No style of the modal needs a nonce; a page may pass one all the same."""
    policy = (
        f"default-src 'none'; base-uri 'none'; script-src 'nonce-{NONCE}'; frame-src {accredit.url}; form-action {accredit.url};"
        f" connect-src {accredit.url}; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    body = body_of(shop, verifier.page(shop)).replace("<script", f'<script nonce="{NONCE}"')
    body = body.replace('new Flow({"', f'new Flow({{"nonce": "{NONCE}", "')
    await open_modal(page, shop.serve(body, Content_Security_Policy=policy))
    assert await page.locator("dialog").evaluate("dialog => getComputedStyle(dialog).paddingTop") == "44px"
    assert console == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("options.publishableKey = undefined", "ids_missing"),
        ("options.publishableKey = 'live_publishable_key_' + '1'.repeat(32)", "admission_refused"),
        ("options.templateId = '{{YOUR-TEMPLATE}}'", "placeholder_left"),
        ("options.templateId = 'flwtmp_11111111111111'", "admission_refused"),
        ("options.user = undefined", "field_missing"),
        ("options.user.customerReference = {}", "customer_reference_invalid"),
        ("options.user.customerReference = 'a'.repeat(256)", "customer_reference_invalid"),
        ("options.user.signature = 'ab'.repeat(32)", "signature_malformed"),
        ("options.getSignature = async () => undefined", "signature_malformed"),
        ("options.baseUrl = 'accredit.example'", "field_invalid"),
    ],
)
async def test_a_mistake_of_the_page_is_told_to_its_developer(page, console, verifier, shop, change, code):
    """No modal, an object of topic `error` whose message begins with a stable code, and the same in the console."""
    body = body_of(shop, verifier.page(shop))
    body = body.replace("window.flow = new Flow(", "const options = ").replace(
        "});\nfor", f"}});\n{change};\nwindow.flow = new Flow(options);\nfor"
    )
    body = body.replace("const options = {", "const options = ({")
    await page.goto(shop.serve(body))
    await press(page, "Verify me")
    (told,) = await heard(page, 1)
    assert (told["topic"], told["code"]) == ("error", code)
    assert told["message"].startswith(code)
    assert any(line.startswith(f"accredit: {code}") for line in console)
    await expect(page.locator("dialog")).to_have_count(0)
    assert verifier.sessions == []


async def test_a_secret_in_a_page_is_revoked_and_never_sent(page, verifier, shop):
    """Scenario 13, as far as a browser sees it."""
    backend = verifier.backend
    # One of its own, since the others of the account go on.
    made = backend.owner.call("POST", "/v1/api_credentials", 201, {})
    posted = []
    page.on("request", lambda request: posted.append((request.url, request.post_data)) if request.method == "POST" else None)
    body = body_of(shop, verifier.page(shop)).replace(verifier.key, made["secret"])
    await page.goto(shop.serve(body))
    await press(page, "Verify me")
    (told,) = await heard(page, 1)
    assert (told["code"], made["secret"] in json.dumps(told)) == ("secret_exposed", False)

    async def revoked():
        listed = backend.owner.call("GET", "/v1/api_credentials")["api_credentials"]
        (credential,) = [each for each in listed if each["api_key_id"] == made["api_key_id"]]
        return {key["state"] for held in credential["secrets"] for key in held["keys"]} == {"revoked"}

    await until(revoked)
    assert [url for url, _ in posted] == [f"{backend.server.url}/leaks/browser"]
    assert made["secret"] not in json.dumps(posted)
