"""What the reader of `identifying.md` does beside commands and files, and sees in a browser.

Each function is named by a comment of that page, see pages.py.
"""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from playwright.async_api import expect

from .pages import Block

if TYPE_CHECKING:
    from .scene import Scene


async def person_is_identified(scene: "Scene", _: Block) -> None:
    window = await scene.window()
    await window.goto(scene.address("http://localhost:9000/"))
    for button in ("Identify yourself", "Norwegian BankID", "Continue"):
        await window.get_by_role("button", name=button, exact=True).click()
    await expect(window.get_by_role("heading")).to_have_text("Welcome, Åse Synnøve")


async def callback_without_its_nonce_is_refused(scene: "Scene", _: Block) -> None:
    """The address that the reader came back by, without the nonce; then with it again."""
    window = await scene.window()
    right = window.url
    parts = urlsplit(right)
    without = "&".join(pair for pair in parts.query.split("&") if not pair.startswith("sessionNonce="))
    assert without != parts.query
    answer = await window.goto(urlunsplit(parts._replace(query=without)))
    assert answer is not None
    assert answer.status == 500
    await window.goto(right)
    await expect(window.get_by_role("heading")).to_have_text("Welcome, Åse Synnøve")
    code, output = scene.console.run("accredit audit list --environment sandbox --code invalid_session_nonce --limit 1")
    assert code == 0
    assert "invalid_session_nonce" in output
