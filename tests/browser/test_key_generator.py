"""`/tools/jwk`: a browser makes key pairs that requests may bring, and tells nobody of them."""

import json
import re

import pytest
from playwright.async_api import expect

from accredit.sealing import open_sealed, parse_decryption_key, parse_encryption_key, seal_response

KINDS = [
    ("rsa-2048", "RSA-OAEP"),
    ("rsa-2048", "RSA-OAEP-256"),
    ("rsa-3072", "RSA-OAEP"),
    ("p-256", "ECDH-ES"),
    ("p-384", "ECDH-ES+A256KW"),
    ("p-521", "ECDH-ES"),
    ("x25519", "ECDH-ES"),
]


@pytest.fixture
def generator(loop, page, accredit):
    """The page, loaded whole, and every request that it makes from then on."""
    asked: list[str] = []

    async def listen() -> None:
        await page.goto(f"{accredit.url}/tools/jwk", wait_until="networkidle")
        await expect(page.get_by_role("button", name="Make the pair")).to_be_visible()
        page.on("request", lambda request: asked.append(request.url))

    loop.run(listen())
    return asked


async def make(page, kind="p-256", alg="ECDH-ES"):
    """Make a pair; the public and the private JWK that the page shows."""
    await page.get_by_label("Key", exact=True).select_option(kind)
    await page.get_by_label("Algorithm").select_option(alg)
    await page.get_by_role("button", name="Make the pair").click()
    await expect(page.get_by_role("heading", name="Your key pair")).to_be_focused()
    return [json.loads(await page.locator(f"#{half}").text_content()) for half in ("public", "private")]


@pytest.mark.parametrize(("kind", "alg"), KINDS)
async def test_its_pairs_seal_and_open_and_nothing_is_asked_of_anybody(page, console, generator, kind, alg):
    public, private = await make(page, kind, alg)
    key = parse_encryption_key(public)
    assert await page.locator("#thumbprint").text_content() == public["kid"] == key.thumbprint
    assert {"use", "alg", "kid", "kty"} < public.keys() < private.keys()
    assert not {"d", "p", "q", "dp", "dq", "qi", "key_ops", "ext"} & public.keys()
    assert not {"key_ops", "ext"} & private.keys()
    assert (public["alg"], public["use"]) == (alg, "enc")
    member = json.loads("{" + await page.locator("#member").text_content() + "}")
    assert member == {"encryptionPublicKey": public}
    assert open_sealed(seal_response(b'{"id":"s-1"}', key), [parse_decryption_key(private)]) == {"id": "s-1"}
    assert generator == []
    assert console == []


async def test_the_private_key_is_saved_to_a_file_and_kept_nowhere(page, context, console, generator):
    _public, private = await make(page)
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="Download the private key").click()
    download = await saving.value
    assert re.fullmatch(r"accredit-[A-Za-z0-9_-]{8}\.private\.json", download.suggested_filename)
    assert json.loads((await download.path()).read_text()) == private
    state = "[localStorage.length, sessionStorage.length, document.cookie, location.href.includes('#')]"
    assert await page.evaluate(state) == [0, 0, "", False]
    assert await page.evaluate("indexedDB.databases()") == []
    assert await context.cookies() == []
    assert [url for url in generator if not url.startswith("blob:")] == []
    assert console == []
    await page.reload()
    assert await page.locator("#private").text_content() == ""


async def test_what_a_script_of_the_page_would_send_is_stopped(page, generator, accredit, shop):
    """The policy itself holds: no fetch, no beacon, no picture, no form, not even to the server of the page."""
    await make(page)
    tries = """async (url) => {
        const held = [];
        document.addEventListener("securitypolicyviolation", (event) => held.push(event.effectiveDirective));
        await fetch(url).catch(() => {});
        new Image().src = url;
        const form = document.body.appendChild(document.createElement("form"));
        Object.assign(form, { method: "post", action: url });
        form.submit();
        await new Promise((done) => setTimeout(done, 300));
        return held.sort();
    }"""
    for url in (f"{accredit.url}/steal", shop.origin):
        assert await page.evaluate(tries, url) == ["connect-src", "form-action", "img-src"]


async def test_the_key_id_is_the_thumbprint_another_or_none(page, generator):
    await page.get_by_label("None").check()
    public, private = await make(page, "rsa-2048", "RSA-OAEP")
    assert "kid" not in public.keys() | private.keys()
    await page.get_by_label("Another one").check()
    await page.get_by_role("button", name="Make the pair").click()
    await expect(page.get_by_role("status")).to_have_text("The key id must have 1 to 256 characters.")
    await expect(page.get_by_label("Your key id")).to_be_focused()
    await page.get_by_label("Your key id").fill("märz-2027")
    public, _private = await make(page)
    assert public["kid"] == "märz-2027"


async def test_copying_gives_what_is_shown(page, context, generator):
    await context.grant_permissions(["clipboard-read", "clipboard-write"])
    await make(page)
    for name, shown in (("for the request", "member"), ("the public key", "public"), ("the private key", "private")):
        await page.get_by_role("button", name=f"Copy {name}").click()
        await expect(page.get_by_role("status")).to_have_text("Copied.")
        assert await page.evaluate("navigator.clipboard.readText()") == await page.locator(f"#{shown}").text_content()


async def test_the_generator_keeps_nobody_out(page, console, generator, barriers):
    assert await barriers(page, page.main_frame) == []
    await make(page)
    await page.get_by_text("Show the private key").click()
    assert await barriers(page, page.main_frame) == []
    assert console == []


async def test_a_pair_is_made_by_keyboard(page, generator):
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("Key", exact=True)).to_be_focused()
    await page.keyboard.type("EC, P-384")
    for _ in range(3):
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Your key pair")).to_be_focused()
    assert json.loads(await page.locator("#public").text_content())["crv"] == "P-384"


async def test_without_a_script_the_page_says_what_to_do(browser, accredit):
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    answer = await page.goto(f"{accredit.url}/tools/jwk")
    await expect(page.get_by_text("accredit keys generate --purpose encryption")).to_be_visible()
    assert await page.get_by_role("button").count() == 0
    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    await context.close()
