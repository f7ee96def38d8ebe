"""What tests ask of a page that embeds: its frame, what the SDK told it, and what the server made of it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from playwright.async_api import Frame, FrameLocator, Page

from ..doors.conftest import Owner
from .parties import Site

PATIENCE_S = 15.0


def frame_in(page: Page, location: str = "#one") -> FrameLocator:
    """The frame at a place of the page, for what is to be seen in it."""
    return page.frame_locator(f"{location} iframe")


async def document_in(page: Page, location: str = "#one") -> Frame:
    """The same frame, for scripts that are to run in it, once it speaks to the page."""
    await until_told(page, location, "ready")
    frame = await (await page.wait_for_selector(f"{location} iframe")).content_frame()
    assert frame is not None
    return frame


async def told(page: Page, location: str, kind: str) -> list[Any]:
    """What the SDK told the page of that kind, for the frame at that place."""
    entries = await page.evaluate("told")
    return [value for place, told_kind, value in entries if (place, told_kind) == (location, kind)]


async def until_told(page: Page, location: str, kind: str, times: int = 1) -> Any:
    """The last of at least so many entries of that kind."""
    entries: list[Any] = []

    async def enough() -> bool:
        entries[:] = await told(page, location, kind)
        return len(entries) >= times

    await until(enough)
    return entries[-1]


async def heard_in(frame: Frame, times: int = 1) -> list[Any]:
    """What the application's page heard from the page around it, once that is at least so many messages."""
    heard: list[Any] = []

    async def enough() -> bool:
        heard[:] = await frame.evaluate("heard")
        return len(heard) >= times

    await until(enough)
    return heard


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what happens by and by."""
    async with asyncio.timeout(PATIENCE_S):
        # What is waited for happens in a browser, or in the database of another process: nobody can tell us.
        while not await holds():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def statuses(page: Page) -> list[str]:
    """The statuses of the page's handles."""
    return await page.evaluate("handles.map(({ status }) => status)")


def sessions_of(owner: Owner, integration: dict[str, Any]) -> list[dict[str, Any]]:
    """The sessions of an integration, newest first."""
    return owner.call("GET", f"/v1/sessions?integration_id={integration['integration_id']}")["sessions"]


def reason_of(owner: Owner, request_id: str, door: str = "embed") -> str:
    """The audit code of a refusal."""
    (entry,) = owner.call("GET", f"/v1/audit?request_id={request_id}&kind={door}.refused")["entries"]
    return entry["code"]


def page_with_frame(site: Site, address: str) -> str:
    """The address of a page of a site that frames another page."""
    return site.serve(
        f'<!doctype html><title>Around</title><iframe id="around" src="{address}" width="900" height="700"></iframe>'
    )


async def until_blocked(page: Page, console: list[str], refused: str) -> None:
    """Wait for the browser to refuse a document in a frame; what it shows there is its own page."""

    async def blocked() -> bool:
        return any("frame-ancestors" in text and refused in text for text in console) and any(
            frame.url.startswith("chrome-error:") for frame in page.frames
        )

    await until(blocked)
