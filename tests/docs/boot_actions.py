"""What the reader of `booting.md` does beside commands and files, and sees in a browser.

Each function is named by a comment of that page, see pages.py.
"""

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import httpx
from playwright.async_api import FrameLocator, expect

from .pages import Block

if TYPE_CHECKING:
    from .scene import Scene

_USER = "jane@example.com"


async def _open_site(scene: "Scene", host: str = "localhost") -> FrameLocator:
    """Open the site of the guide; its frame."""
    window = await scene.window()
    await window.goto(scene.address(f"http://{host}:9000/"))
    return window.frame_locator("iframe")


async def _is_open(frame: FrameLocator, vouched_for: str) -> None:
    await expect(frame.get_by_role("heading")).to_have_text("check is open")
    await expect(frame.get_by_text(f"Opened for {_USER} by beacon.")).to_be_visible()
    await expect(frame.get_by_text(vouched_for)).to_be_visible()


async def boot_is_open_and_vouched_for_by_nobody(scene: "Scene", _: Block) -> None:
    await _is_open(await _open_site(scene), "by nobody")


async def boot_is_open_to_the_listed_site_alone(scene: "Scene", _: Block) -> None:
    await _is_open(await _open_site(scene), "by the page’s origin")
    frame = await _open_site(scene, "127.0.0.1")
    await expect(frame.get_by_role("heading")).to_have_text("This site was not admitted.")


async def boot_is_reported_as_wrong(scene: "Scene", _: Block) -> None:
    """The id of the request goes into the shell, as the reader is told."""
    frame = await _open_site(scene)
    await expect(frame.get_by_role("heading")).to_have_text("This boot would be refused")
    await expect(frame.get_by_role("row", name="The MAC is right")).to_contain_text("fail")
    told = await frame.get_by_text(re.compile(r"^Request [0-9a-f]{32}\.")).inner_text()
    scene.console.run(f"REQUEST={told.split()[1].rstrip('.')}")
    await frame.get_by_role("link").click()
    await _is_open(frame, "by nobody")


async def boot_is_reported_as_right(scene: "Scene", _: Block) -> None:
    frame = await _open_site(scene)
    await expect(frame.get_by_role("heading")).to_have_text("This boot would be admitted")


async def boot_is_open_and_signed(scene: "Scene", _: Block) -> None:
    """Each view has a signature of its own; a renewal has one too, and the page's document stays."""
    for _view in range(2):
        await _is_open(await _open_site(scene), "by a signature")
    window = await scene.window()
    async with window.expect_response("**/boot/renew") as answered:
        await window.evaluate("fetch('/signature').then((answer) => answer.json()).then((fresh) => handle.renew(fresh))")
    assert (await answered.value).status == 200


def a_boot_arrives(scene: "Scene", _: Block) -> None:
    """What a browser does with the form of the site's page."""
    origin = scene.address("http://localhost:9000")
    signature = re.search(r'signature: "(.+?)"', httpx.get(origin).text)
    assert signature is not None
    fields = {"cp_id": "beacon", "cp_deployment_id": "check", "email": _USER, "first_name": "Jane", "signature": signature[1]}
    answer = httpx.post(f"http://127.0.0.1:{scene.console.port}/boot", data=fields, headers={"Origin": origin})
    assert answer.status_code == 303, answer.text
    (scene.names["code"],) = parse_qs(urlsplit(answer.headers["Location"]).query)["code"]
