"""What README.md and sdk/README.md show are fragments of pages: here the rest of each page, in a browser, and a look at what it does.

Each function is named by a comment of a page, see pages.py.
"""

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from playwright.async_api import Frame, Page, expect

import accredit

from ..browser.parties import Answer
from .pages import ROOT, Block

if TYPE_CHECKING:
    from .scene import Scene

_REST = """<!doctype html>
<html lang="en">
<title>Harbour Bank</title>
<body>
%s
</body>
</html>"""


def _script(code: str, *, kind: str = "text/javascript") -> str:
    return f'<script type="{kind}">{code}</script>'


async def _show(scene: "Scene", body: str, *, at: str = "/", **headers: str) -> tuple[Page, list[str]]:
    """Show a page of the bank; the window, and what its console tells as errors from now on."""
    window = await scene.window()
    errors: list[str] = []
    window.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    window.on("pageerror", lambda error: errors.append(str(error)))
    scene.bank.pages[at] = Answer(_REST % body, headers={name.replace("_", "-"): value for name, value in headers.items()})
    await window.goto(scene.bank.origin + at)
    return window, errors


async def _report_is_shown(window: Page, errors: list[str]) -> Frame:
    await expect(window.frame_locator("iframe").get_by_role("heading")).to_have_text("Credit report")
    assert errors == []
    return window.frames[-1]


def _sign(scene: "Scene") -> str:
    ids = {"deployer_id": "harbour-bank", "integration_id": "credit-report", "owner_id": "acme"}
    return accredit.sign_deployment(ids | {"uid": "user-123456"}, scene.names["private_jwk"])


async def page_that_embeds(scene: "Scene", block: Block) -> None:
    """README.md: the page's script knows the token that the block before signed."""
    token = _script(f"const token = {json.dumps(scene.names['token'])};")
    await _report_is_shown(*await _show(scene, token + scene.address(block.code)))
    scene.names["code"] = scene.report.code


async def script_in_a_page(scene: "Scene", block: Block) -> None:
    """sdk/README.md: the token is left out there, and `report` is the page's own."""
    code = scene.address(block.code).replace('"..."', json.dumps(_sign(scene)))
    scene.names["page"] = code
    window, errors = await _show(scene, _script("const report = console.error;") + code)
    await _report_is_shown(window, errors)
    assert await window.evaluate("handle.status") == "loading"


async def module_in_a_page(scene: "Scene", block: Block) -> None:
    module = (ROOT / "sdk" / "dist" / "accredit.mjs").read_text(encoding="utf-8")
    scene.bank.pages["/accredit.mjs"] = Answer(module, headers={"Content-Type": "text/javascript"})
    known = _script('{"imports": {"@accredit/sdk": "/accredit.mjs"}}', kind="importmap")
    names = f"const element = document.querySelector('div'), signed_deployment = {json.dumps(_sign(scene))};"
    await _report_is_shown(
        *await _show(scene, f"<div></div>{known}{_script(names + scene.address(block.code), kind='module')}")
    )


async def hook_of_a_framework(scene: "Scene", block: Block) -> None:
    """React's StrictMode calls an effect, its clean-up and the effect again in one task, and that must post once."""
    names = (
        f"const fields = {{ signed_deployment: {json.dumps(_sign(scene))} }}, ref = {{ current: document.querySelector('div') }};"
        "const useEffect = (effect) => { effect()(); window.end = effect(); };"
    )
    tag = f'<script src="{scene.address("https://accredit.example")}/sdk/accredit.js"></script>'
    window, errors = await _show(scene, f"<div></div>{tag}{_script(names + block.code)}")
    asked = len(scene.report.asked)
    await _report_is_shown(window, errors)
    assert len(scene.report.asked) <= asked + 1
    await window.evaluate("end()")
    await expect(window.locator("iframe")).to_have_count(0)


async def boot_of_a_page(scene: "Scene", block: Block) -> None:
    """The form is posted to the door of boots."""
    tag = f'<script src="{scene.address("https://accredit.example")}/sdk/accredit.js"></script>'
    names = "const signatureFromOurServer = async () => '1700000000:...:...';"
    code = block.code.replace("https://integration.example", scene.address("https://accredit.example"))
    window = await scene.window()
    async with window.expect_request("**/boot") as posted:
        await _show(scene, f'<div id="integration"></div>{tag}{_script(names + code)}')
    sent = parse_qs((await posted.value).post_data or "")
    assert (sent["cp_id"], sent["email"], sent["broadband[provider]"]) == (["cp_..."], ["jane@example.com"], ["..."])


async def flow_of_a_page(scene: "Scene", block: Block) -> None:
    """The form is posted to the door of flows, whose refusal the page hears of."""
    tag = f'<script src="{scene.address("https://accredit.example")}/sdk/accredit.js"></script>'
    names = "const show = () => {}, report = (code) => { window.refused = code; };"
    window, _ = await _show(scene, f'<button id="verify">Verify</button>{tag}{_script(names + block.code)}')
    async with window.expect_request("**/flow") as posted:
        await window.click("#verify")
    sent = parse_qs((await posted.value).post_data or "")
    assert (sent["templateId"], sent["customerReference"]) == (["flwtmp_..."], ["user-123456"])
    await window.wait_for_function("window.refused")


async def connection_of_the_application(scene: "Scene", block: Block) -> None:
    """The application's page, with the values that its backend got for the code."""
    tag = f'<script src="{scene.address("https://accredit.example")}/sdk/accredit.js"></script>'
    names = (
        f"const origin = {json.dumps(scene.bank.origin)}, channel = window.name.replace('accredit_', ''), door = 'embed';"
        "const expires_at = '2100-01-01T00:00:00.000Z', redeemByOurBackend = async () => ({ expires_at });"
    )
    page = f"<!doctype html><title>Report</title><h1>Credit report</h1>{tag}{_script(names + block.code)}"
    scene.report.pages["/start"] = Answer(page)
    heard = _script(
        "window.heard = [];"
        f"window.handle = accredit.init({{ location: 'div', height: 'auto', signed_deployment: {json.dumps(_sign(scene))},"
        " on_ready: (ready) => heard.push(ready), on_event: (event) => heard.push(event) });"
    )
    window, _ = await _show(scene, f"<div></div>{tag}{heard}")
    await window.wait_for_function("heard.length === 4")
    ready = {"expires_at": "2100-01-01T00:00:00.000Z"}
    assert await window.evaluate("heard") == [
        ready,
        {"name": "cart.added", "detail": {"sku": "A1"}},
        {"name": "close", "detail": {"outcome": "success"}},
        # The renewal that the frame asked for came through.
        ready,
    ]


async def policy_of_the_embedding_page(scene: "Scene", block: Block) -> None:
    """The page of the first block under this policy; its own script is let in by a nonce, as it is no part of what is shown."""
    scene.report.pages["/start"] = Answer("<!doctype html><title>Report</title><h1>Credit report</h1>")
    names = {"A": scene.address("https://accredit.example"), "B": scene.report.origin}
    policy = re.sub(r"\b[AB]\b", lambda name: names[name[0]], block.code.strip())
    policy = policy.replace("script-src", "default-src 'none'; script-src 'nonce-page'")
    page = _script("const report = console.error;") + scene.names["page"]
    page = page.replace("<script>", '<script nonce="page">').replace('"text/javascript"', '"text/javascript" nonce="page"')
    # The height of the container is an attribute here; in a page it stands in a style sheet.
    page = page.replace(' style="height: 600px"', "")
    await _report_is_shown(*await _show(scene, page, Content_Security_Policy=policy))
