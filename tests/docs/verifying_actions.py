"""What the reader of `verifying.md` does in a browser, and sees there.

Each function is named by a comment of that page, see pages.py.
"""

import json
import re
from typing import TYPE_CHECKING

from playwright.async_api import expect

from ..browser.verifying import fill, press, see
from .pages import Block

if TYPE_CHECKING:
    from .scene import Scene


async def user_is_verified(scene: "Scene", _: Block) -> None:
    window = await scene.window()
    await window.goto(scene.address("http://localhost:9000/"))
    await press(window, "Verify me")
    frame = window.frame_locator("dialog iframe")
    await press(frame, "Accept and continue")
    await fill(frame, email="leslie@parks.example")
    await press(frame, "Send the code")
    await fill(frame, code="123456")
    await press(frame, "Confirm")
    await fill(frame, name__first="Leslie", name__last="Knope")
    await press(frame, "Continue")
    await see(frame, "You are verified")
    await expect(window.locator("#said")).to_have_text("You may trade.")
    # Once more it is the same session, and its end.
    await window.reload()
    await press(window, "Verify me")
    await see(frame, "You are verified")


async def wrong_signature_opens_nothing(scene: "Scene", _: Block) -> None:
    window = await scene.window()
    await window.goto(scene.address("http://localhost:9000/"))
    options = re.search(r"new Flow\((.+)\);", await window.content())
    assert options is not None
    changed = json.loads(options[1])
    first, rest = changed["user"]["signature"][0], changed["user"]["signature"][1:]
    changed["user"]["signature"] = ("B" if first == "A" else "A") + rest
    async with window.expect_event("console", lambda message: "admission_refused" in message.text):
        await window.evaluate("(options) => new Flow(options).open()", changed)
    assert await window.locator("dialog").count() == 0


async def link_leads_to_the_end(scene: "Scene", _: Block) -> None:
    window = await scene.window()
    await window.goto((scene.directory / "link.txt").read_text())
    await press(window, "Start")
    await see(window, "Enter the code")
    await fill(window, code="123456")
    await press(window, "Confirm")
    await see(window, "We could not verify you")
