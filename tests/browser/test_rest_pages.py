"""The person's pages in a real browser: a window that is sent on, a frame, two browsers, no script, no mouse, no light."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import expect

from accredit.server.hosted.rest.pages import failure_page, outcome_page, resume_page
from accredit.server.hosted.rest.views import OfferedProvider, Outcome, Surroundings
from accredit.server.hosted.rest.wording import languages
from accredit.server.themes.look import DEFAULT_LOOK

from ..rest_backend import make_backend
from .conftest import ELSEWHERE_NAME
from .embedding import page_with_frame, until, until_blocked
from .parties import Answer, Party


class Shop(Party):
    """A site that asks who its visitors are. visits: the queries with which they came back."""

    def __init__(self):
        self.visits = []
        super().__init__("localhost")

    def get(self, path):
        if path.startswith("/back"):
            self.visits.append(urlsplit(path))
        return Answer("<!doctype html><html lang=en><title>Shop</title><h1>Welcome back</h1></html>")

    def callbacks(self):
        return {kind: f"{self.origin}/back/{kind}" for kind in ("success", "abort", "error")}

    def last(self):
        """Where the last visitor came back to, and with what."""
        return self.visits[-1].path, parse_qs(self.visits[-1].query)


@pytest.fixture
def till():
    """The shop's own site."""
    till = Shop()
    yield till
    till.close()


@pytest.fixture(scope="session")
def sandbox(accredit):
    """An account in its sandbox."""
    return accredit.owner(environment="sandbox")


class Backends:
    """The shop's backends: a session is ask(**members); policy: of an integration of its own."""

    def __init__(self, owner, till):
        self._owner = owner
        self._till = till
        self.backend = None

    def __call__(self, policy=None, **members):
        self.backend = make_backend(self._owner, **(policy or {"consent": "never"}))
        return self.backend.create(**{"allowedProviders": ["nbid", "sbid"], "callbackUrls": self._till.callbacks(), **members})

    def told(self, made):
        """What the backend reads of it."""
        return self.backend.get(made["id"])


@pytest.fixture
def ask(sandbox, till):
    """Asks who a person is."""
    return Backends(sandbox, till)


async def see(page, heading):
    """Wait until the page says so."""
    await expect(page.get_by_role("heading", level=1)).to_have_text(heading)


async def press(page, name):
    await page.get_by_role("button", name=name, exact=True).click()


async def test_a_person_chooses_agrees_and_is_sent_back(page, console, ask, till):
    made = ask({"consent": "always"}, externalReference="order-7")
    await page.goto(made["authenticationUrl"])
    assert page.url == made["authenticationUrl"].partition("?")[0]
    await see(page, "How do you want to identify yourself?")
    await press(page, "Norwegian BankID")
    await see(page, "Do you want to share this?")
    await expect(page.get_by_role("listitem").filter(has_text="your first name")).to_be_visible()
    await press(page, "Agree and continue")
    await see(page, "Who do you want to be?")
    await page.get_by_label("Åse Synnøve Ødegård").check()
    await press(page, "Continue")
    await see(page, "Welcome back")
    assert till.last() == ("/back/success", {"sessionId": [made["id"]], "externalReference": ["order-7"]})
    assert await page.evaluate("document.referrer") == ""
    assert ask.told(made)["subject"]["firstName"] == "Åse Synnøve"
    await page.goto(made["authenticationUrl"])
    await see(page, "You have identified yourself")
    await page.get_by_role("link", name="Continue to localhost").click()
    await see(page, "Welcome back")
    assert console == []


@pytest.mark.parametrize("screen", ["choice", "consent", "person", "waiting"])
async def test_a_person_can_give_up_anywhere(page, console, ask, till, screen):
    made = ask({"consent": "always"})
    await page.goto(made["authenticationUrl"])
    for step in range(["choice", "consent", "person", "waiting"].index(screen)):
        if step == 2:
            await page.get_by_label("Ending").select_option("hang")
        await press(page, ["Norwegian BankID", "Agree and continue", "Continue"][step])
    await press(page, "Cancel")
    await see(page, "Welcome back")
    assert till.last() == ("/back/abort", {"sessionId": [made["id"]]})
    assert ask.told(made)["status"] == "ABORT"
    assert console == []


async def test_a_wrong_key_opens_nothing(page, ask, barriers):
    made = ask()
    answer = await page.goto(made["authenticationUrl"][:-2] + "AA")
    assert answer.status == 404
    await see(page, "There is nothing here")
    assert await barriers(page, page.main_frame) == []
    assert ask.told(made)["status"] == "CREATED"


async def test_the_browser_that_opened_last_goes_on(page, browser, ask, till):
    made = ask()
    await page.goto(made["authenticationUrl"])
    other = await browser.new_context()
    second = await other.new_page()
    await second.goto(made["authenticationUrl"])
    await press(page, "Norwegian BankID")
    await see(page, "There is nothing here")
    await press(second, "Swedish BankID")
    await press(second, "Continue")
    await see(second, "Welcome back")
    assert ask.told(made)["provider"] == "sbid"
    await other.close()


async def test_a_prefetch_and_a_scanner_do_not_stop_the_person(page, browser, ask, till, elsewhere, accredit):
    made = ask()
    asked = []
    page.on("response", lambda answer: asked.append(answer.status) if "/auth/session/" in answer.url else None)
    link = f'<link rel="prefetch" href="{made["authenticationUrl"]}">'
    await page.goto(elsewhere.serve(f"<!doctype html><title>Mail</title>{link}<p>A letter"))

    async def fetched():
        return bool(asked)

    await until(fetched)
    assert asked == [204]
    assert accredit.http.head(made["authenticationUrl"]).status_code == 200
    assert ask.told(made)["status"] == "CREATED"
    scanner = await browser.new_context()
    await (await scanner.new_page()).goto(made["authenticationUrl"])
    await scanner.close()
    await page.goto(made["authenticationUrl"])
    await press(page, "Norwegian BankID")
    await press(page, "Continue")
    await see(page, "Welcome back")


async def test_the_way_back_does_not_lead_in_circles(page, ask, till):
    made = ask()
    await page.goto(made["authenticationUrl"])
    await press(page, "Norwegian BankID")
    await press(page, "Continue")
    await see(page, "Welcome back")
    await page.go_back()
    await see(page, "You have identified yourself")
    assert len(till.visits) == 1


async def test_pressing_twice_is_pressing_once(page, ask, till):
    made = ask()
    await page.goto(made["authenticationUrl"])
    posts = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    button = page.get_by_role("button", name="Norwegian BankID")
    await button.evaluate("button => { button.click(); button.click(); }")
    await see(page, "Who do you want to be?")
    assert len(posts) == 1


async def test_another_language_is_a_click_away(page, console, ask, till):
    made = ask(language="nb")
    await page.goto(made["authenticationUrl"])
    await see(page, "Hvordan vil du identifisere deg?")
    await page.locator("summary").click()
    await page.get_by_role("link", name="Français").click()
    await see(page, "Comment voulez-vous vous identifier ?")
    assert await page.evaluate("document.documentElement.lang") == "fr"
    await press(page, "Norwegian BankID")
    await see(page, "Qui voulez-vous être ?")
    await press(page, "Annuler")
    await see(page, "Welcome back")
    await page.goto(made["authenticationUrl"])
    await see(page, "Vous avez annulé")
    assert console == []


async def test_times_are_those_of_the_reader_and_the_end_is_announced(browser, ask):
    made = ask(sessionLifetime=300)
    context = await browser.new_context(timezone_id="Asia/Kathmandu", locale="de-DE")
    page = await context.new_page()
    await page.clock.install()
    await page.goto(made["authenticationUrl"])
    await see(page, "Wie möchten Sie sich ausweisen?")
    ends = re.fullmatch(r"\d{4}-\d\d-\d\dT(\d\d):(\d\d):\d\dZ", await page.locator("footer time").get_attribute("datetime"))
    minutes = (int(ends[1]) * 60 + int(ends[2]) + 345) % 1440
    shown = f"{minutes // 60:02}:{minutes % 60:02}"
    await expect(page.locator("footer")).to_contain_text(f"{shown}.")
    await page.clock.run_for(175_000)
    await expect(page.get_by_role("alert")).to_have_text("")
    await page.clock.run_for(10_000)
    await expect(page.get_by_role("alert")).to_contain_text(f"Werden Sie vor {shown} fertig")
    async with page.expect_navigation():
        await page.clock.run_for(116_000)
    await context.close()


async def test_a_waiting_page_goes_on_by_itself(page, console, ask):
    made = ask(allowedProviders=["nbid"])
    await page.goto(made["authenticationUrl"])
    await page.get_by_label("Ending").select_option("hang")
    await press(page, "Continue")
    await see(page, "One moment, please")
    assert ask.backend.send("POST", f"/{made['id']}/cancel").status_code == 200
    await see(page, "You are no longer asked")
    assert console == []


async def test_everything_works_by_keyboard(page, ask, till):
    """From the skip link to the end, by Tab, Space, arrows and Enter alone; what has the focus can be seen."""
    made = ask({"consent": "always"})
    await page.goto(made["authenticationUrl"])
    keys = page.keyboard
    await keys.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await expect(page.get_by_role("link", name="Skip to content")).to_be_in_viewport()
    await tab_to(page, "summary")
    await keys.press("Space")
    await tab_to(page, "a[hreflang=de]")
    await keys.press("Enter")
    await see(page, "Wie möchten Sie sich ausweisen?")
    await tab_to(page, "button[value=nbid]")
    await keys.press("Enter")
    await see(page, "Möchten Sie das mitteilen?")
    await tab_to(page, "button[name=agree]")
    await keys.press("Space")
    await see(page, "Wer möchten Sie sein?")
    await tab_to(page, "input[name=person]")
    await keys.press("ArrowDown")
    await tab_to(page, "select")
    await keys.type("provider_r")
    await tab_to(page, "form[action$='/provider'] button")
    await keys.press("Enter")
    await see(page, "Welcome back")
    assert till.last()[0] == "/back/error"
    assert ask.told(made)["statusDetail"] == "provider_rejected"


async def tab_to(page, selector):
    """Press Tab until the element has the focus, and see that it shows."""
    for _ in range(20):
        await page.keyboard.press("Tab")
        if await page.locator(f"{selector}:focus").count():
            outline = await page.locator(f"{selector}:focus").evaluate("each => getComputedStyle(each).outlineStyle")
            assert outline == "solid"
            return
    pytest.fail(f"the keyboard does not reach {selector}")


async def test_everything_works_without_a_script(browser, ask, till, elsewhere):
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    made = ask({"consent": "always"})
    await page.goto(made["authenticationUrl"])
    await expect(page.get_by_text("UTC")).to_be_visible()
    await press(page, "Swedish BankID")
    await page.locator("summary").click()
    await page.get_by_role("link", name="Dansk").click()
    await press(page, "Accepter og fortsæt")
    await page.get_by_label("Slutning").select_option("hang")
    await press(page, "Fortsæt")
    await see(page, "Et øjeblik")
    await press(page, "Se efter igen")
    await see(page, "Et øjeblik")
    await press(page, "Annuller")
    await see(page, "Welcome back")
    assert ask.told(made)["status"] == "ABORT"
    framed = ask(flow="embedded", callbackUrls=None, returnUrl=f"{till.origin}/back/frame", allowedProviders=["nbid"])
    await page.goto(page_with_frame(elsewhere, framed["authenticationUrl"]))
    frame = page.frame_locator("#around")
    await frame.get_by_role("button", name="Continue").click()
    await expect(frame.get_by_role("heading", name="Welcome back")).to_be_visible()
    assert till.last()[0] == "/back/frame"
    await context.close()


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


async def test_the_pages_on_the_way_keep_nobody_out(page, console, ask, sandbox, barriers):
    """Each page of a real flow, in light and in dark colours."""
    sandbox.api.post("/v1/providers", json={"provider_id": "mail", "kind": "email_otp", "display_name": "E-mail"})
    made = ask({"consent": "always"}, allowedProviders=["mail", "nbid"], requestDomain=None)
    await page.goto(made["authenticationUrl"])
    found = {}

    async def look(name):
        found[name] = await barriers(page, page.main_frame)

    await look("choice")
    await page.locator("summary").click()
    await look("languages")
    await press(page, "E-mail")
    await look("consent")
    await press(page, "Agree and continue")
    await look("address")
    await page.get_by_label("E-mail address").fill("ada@example")
    await press(page, "Send the code")
    await look("address with a fault")
    await page.get_by_label("E-mail address").fill("ada@shop.example")
    await press(page, "Send the code")
    await expect(page.get_by_label("Code")).to_be_focused()
    await look("code")
    await page.get_by_label("Code").fill("1")
    await press(page, "Confirm")
    await expect(page.get_by_role("alert").filter(has_text="6 digits")).to_be_visible()
    await look("code with a fault")
    await page.goto(ask(allowedProviders=["nbid"])["authenticationUrl"])
    await look("person")
    await page.get_by_label("Ending").select_option("hang")
    await press(page, "Continue")
    await look("waiting")
    assert {name: barred for name, barred in found.items() if barred} == {}
    assert console == []


@pytest.mark.parametrize("outcome", ["success", "user_aborted", "provider_unavailable", "loa_too_low", "expire"])
async def test_the_ends_keep_nobody_out(page, console, ask, barriers, outcome):
    made = ask(allowedProviders=["nbid"])
    await page.goto(made["authenticationUrl"])
    await page.get_by_label("Ending").select_option(outcome)
    await press(page, "Continue")
    await see(page, "Welcome back")
    await page.goto(made["authenticationUrl"])
    assert await barriers(page, page.main_frame) == []
    assert console == []


async def test_a_page_in_colours_of_its_owner_keeps_nobody_out(page, console, ask, sandbox, barriers):
    svg = "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHdpZHRoPSI5MCIgaGVpZ2h0PSIzMCIvPg=="
    colors = {"background": "#1d1330", "surface": "#2a1d45", "text": "#ffffff", "soft_text": "#c9bfe0", "line": "#9b8bc4"}
    colors |= {"accent": "#ffb454", "on_accent": "#1d1330", "danger": "#ff9d9d"}
    body = {"theme_id": "night", "colors": colors, "font": "slab", "logo": svg}
    assert sandbox.api.post("/v1/themes", json=body).status_code == 201
    await page.goto(ask(themeId="night")["authenticationUrl"])
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(29, 19, 48)"
    assert await page.locator("img.logo").evaluate("logo => logo.complete && logo.naturalWidth") == 90
    assert await barriers(page, page.main_frame) == []
    assert console == []


@pytest.mark.parametrize("width", [320, 1280])
async def test_pages_fit_small_windows_and_large_writing(browser, ask, width):
    """WCAG 2.2, success criteria 1.4.4 and 1.4.10: nothing is cut off, and nobody scrolls sideways."""
    context = await browser.new_context(viewport={"width": width, "height": 500})
    page = await context.new_page()
    await page.goto(ask(allowedProviders=["nbid"])["authenticationUrl"])
    await page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await context.close()


async def test_no_page_loads_anything_from_elsewhere(page, ask, till, accredit):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(ask(allowedProviders=["nbid", "sbid"])["authenticationUrl"])
    await press(page, "Norwegian BankID")
    await press(page, "Cancel")
    await see(page, "Welcome back")
    assert {urlsplit(url).netloc for url in asked} == {urlsplit(accredit.url).netloc, urlsplit(till.origin).netloc}
    assert [url for url in asked if url.endswith((".js", ".css", ".woff2", ".png"))] == []


async def test_pages_that_are_seldom_seen_keep_nobody_out(page, console, elsewhere, barriers):
    """What takes a broken provider or a broken server, and every language, as the templates have them."""
    provider = OfferedProvider("nbid", "Norwegian BankID")
    now_ms = 1_800_000_000_000

    def around(language="en", **members):
        given = {"page": "/auth/session/s-1", "who": "Shop", "expires_ms": now_ms + 90_000, **members}
        return Surroundings("0" * 32, languages()[language], DEFAULT_LOOK, now_ms, **given)

    shown = [
        resume_page(around(), provider, alone=False),
        failure_page(around(expires_ms=None), 503),
        outcome_page(around(expires_ms=None), Outcome("cancelled", None, "Norwegian BankID", None)),
        *(resume_page(around(code, sandbox=True, domain="id.shop.example"), provider, alone=True) for code in languages()),
    ]
    for each in shown:
        policy = dict(each.headers)[b"content-security-policy"].decode()
        await page.goto(elsewhere.serve(each.body.decode(), Content_Security_Policy=policy))
        assert await barriers(page, page.main_frame) == []
    assert console == []
