"""What the reader of the guide does beside commands and files, and sees in a browser.

Each function is named by a comment of a page, see pages.py. It gets the scene of that page and the block, which is empty where
nothing but looking is asked for.
"""

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
from playwright.async_api import FrameLocator, expect

from ..examples.languages import missing_crates
from .console import MissingToolError
from .pages import ROOT, Block

if TYPE_CHECKING:
    from .scene import Scene

_JOSE = ROOT / "tests" / "interop" / "node" / "node_modules"
_USER, _OTHER = "user-123456", "user-999999"


async def _open_bank(scene: "Scene", host: str = "localhost") -> FrameLocator:
    """Open the bank's page of the guide; its frame."""
    window = await scene.window()
    await window.goto(scene.address(f"http://{host}:9000/"))
    return window.frame_locator("iframe")


async def visitor_is_shown_the_hosted_page(scene: "Scene", _: Block) -> None:
    frame = await _open_bank(scene)
    await expect(frame.get_by_role("heading")).to_have_text("credit-report is open")
    await expect(frame.get_by_text("Opened for a visitor of harbour-bank")).to_be_visible()
    await expect(frame.get_by_text("by the page’s origin")).to_be_visible()


async def other_origin_is_refused(scene: "Scene", _: Block) -> None:
    frame = await _open_bank(scene, "127.0.0.1")
    await expect(frame.get_by_role("heading")).to_have_text("This site was not admitted.")


async def unsigned_page_is_refused(scene: "Scene", _: Block) -> None:
    frame = await _open_bank(scene)
    await expect(frame.get_by_role("heading")).to_have_text("This site was not admitted.")
    await expect(frame.get_by_text(re.compile(r"request [0-9a-f]{32}"))).to_be_visible()


async def user_is_shown_the_hosted_page(scene: "Scene", _: Block) -> None:
    frame = await _open_bank(scene)
    await expect(frame.get_by_text(f"Opened for {_USER} by harbour-bank.")).to_be_visible()
    await expect(frame.get_by_text("by a signature")).to_be_visible()


def jose_is_installed(scene: "Scene", _: Block) -> None:
    if not (_JOSE / "jose").exists():
        raise MissingToolError("jose is not installed: run npm ci in tests/interop/node")
    (scene.directory / "node_modules").symlink_to(_JOSE)


def crates_are_there(scene: "Scene", block: Block) -> None:
    if missing_crates():
        raise MissingToolError(f"{' and '.join(missing_crates())} is not installed")
    scene.console.run_document(f"```console\n{block.code}```\n")


async def user_is_shown_the_report(scene: "Scene", _: Block) -> None:
    frame = await _open_bank(scene)
    await expect(frame.get_by_role("heading")).to_have_text("Credit report of Ada")
    await expect(frame.get_by_text(f"For {_USER} of harbour-bank, trust: signed")).to_be_visible()


async def uid_beside_the_token_is_ignored(scene: "Scene", _: Block) -> None:
    """What a visitor can type into the console of the page."""
    await _open_bank(scene)
    window = await scene.window()
    call = f"accredit.init({{ location: 'h1', uid: '{_OTHER}', signed_deployment: '{_token_of_the_page(scene)}' }}).status"
    assert await window.evaluate(call) == "loading"
    frame = window.frame_locator("h1 iframe")
    await expect(frame.get_by_text(f"For {_USER} of harbour-bank")).to_be_visible()


def _token_of_the_page(scene: "Scene") -> str:
    page = httpx.get(scene.address("http://localhost:9000/")).text
    token = re.search(r'signed_deployment: "(.+?)"', page)
    assert token is not None
    return token[1]


def _post(scene: "Scene", token: str) -> str:
    """What a browser does with the SDK's form; the code of the frame's address."""
    fields = {"signed_deployment": token, "channel": "A" * 22}
    answer = httpx.post(_accredit(scene, "/embed"), data=fields, headers={"Origin": scene.address("http://localhost:9000")})
    assert answer.status_code == 303, answer.text
    (code,) = parse_qs(urlsplit(answer.headers["Location"]).query)["code"]
    return code


def _accredit(scene: "Scene", path: str) -> str:
    return f"http://127.0.0.1:{scene.console.port}{path}"


def a_frame_arrives(scene: "Scene", _: Block) -> None:
    scene.names["code"] = _post(scene, _token_of_the_page(scene))


def answer_of_the_exchange(scene: "Scene", block: Block) -> None:
    shown, answered = json.loads(scene.address(block.code)), scene.names["session"]
    assert list(shown) == list(answered)
    changing = {"session_id", "channel", "created_at", "expires_at"}
    for name in shown.keys() - changing - {"proof"}:
        assert shown[name] == answered[name], name
    assert shown["proof"] == answered["proof"] | {"key_id": shown["proof"]["key_id"]}
    assert all(len(shown[name]) == len(answered[name]) for name in changing)


async def bank_hears_of_the_report(scene: "Scene", _: Block) -> None:
    frame = await _open_bank(scene)
    await expect(frame.get_by_role("heading")).to_have_text("Credit report of Ada")
    await expect((await scene.window()).locator("#said")).to_have_text('report.shown {"pages":1}')


async def session_is_renewed(scene: "Scene", _: Block) -> None:
    window = await scene.window()
    frame = window.frames[-1]
    before = _newest(scene)
    await frame.evaluate("window.typed = 'kept'; connection.renew_needed()")
    await expect(window.locator("#said")).to_contain_text("ready until")
    renewed = _newest(scene)
    assert renewed["renews"] == before["session_id"]
    assert await frame.evaluate("window.typed") == "kept"
    # The reader presses the button that was there all the time.
    await frame.get_by_role("button").click()
    await expect(window.locator("#said")).to_have_text('close {"outcome":"success"}')
    assert _newest(scene)["status"] == "success"


def _newest(scene: "Scene") -> dict[str, Any]:
    return dict(scene.names["api"].get("/v1/sessions", params={"limit": 1}).json()["sessions"][0])


def plain_token_is_admitted(scene: "Scene", _: Block) -> None:
    _post(scene, (scene.directory / "plain.token").read_text().strip())


def passport_reaches_the_backend_alone(scene: "Scene", _: Block) -> None:
    code = _post(scene, scene.names["token"])
    key = (scene.directory / "api.key").read_text().strip()
    answer = httpx.post(_accredit(scene, "/v1/exchange"), json={"code": code}, headers={"Authorization": f"Bearer {key}"})
    session = answer.json()
    assert session["data_passport"] == {"first_name": "Ada", "card_number": "4111111111111111"}
    assert session["server_only"] == ["card_number"]


async def refusal_tells_its_reason(scene: "Scene", _: Block) -> None:
    frame = await _open_bank(scene)
    await expect(frame.get_by_text("Reason: token_claim_missing.")).to_be_visible()


def embedded_database_is_there(scene: "Scene", _: Block) -> None:
    places = scene.address("env -u ACCREDIT_DATABASE_URL -u ACCREDIT_ROOT_KEY_FILE ACCREDIT_DATA_DIR=/var/lib/accredit")
    code, output = scene.console.run(f"{places} accredit account create Acme")
    assert code == 0, output
