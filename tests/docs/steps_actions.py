"""What the reader of `steps.md` does beside commands and files, and sees in a browser.

Each function is named by a comment of that page, see pages.py.
"""

from typing import TYPE_CHECKING

from playwright.async_api import expect

from .pages import Block

if TYPE_CHECKING:
    from .scene import Scene


async def volunteer_is_verified(scene: "Scene", _: Block) -> None:
    window = await scene.window()
    await window.goto(scene.names["link"])
    await window.get_by_role("button", name="Start", exact=True).click()
    await window.get_by_label("First name").fill("Leslie")
    await window.get_by_label("Last name").fill("Knope")
    await window.get_by_role("button", name="Continue", exact=True).click()
    async with window.context.expect_page() as opened:
        await window.get_by_role("link", name="localhost").click()
    service = await opened.value
    await service.get_by_role("button", name="My document is in order").click()
    await service.wait_for_url(f"**/verify/{scene.names['made']['id']}")
    await expect(window.get_by_role("heading")).to_have_text("You are verified")
