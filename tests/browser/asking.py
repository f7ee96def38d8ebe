"""The parties of the rest door in a browser: a shop that asks who its visitors are, and what its visitors do on the pages."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import expect

from ..rest_backend import make_backend
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


async def see(page, heading):
    """Wait until the page says so."""
    await expect(page.get_by_role("heading", level=1)).to_have_text(heading)


async def press(page, name):
    await page.get_by_role("button", name=name, exact=True).click()


async def tab_to(page, selector):
    """Press Tab until the element has the focus, and see that it shows."""
    for _ in range(20):
        await page.keyboard.press("Tab")
        if await page.locator(f"{selector}:focus").count():
            outline = await page.locator(f"{selector}:focus").evaluate("each => getComputedStyle(each).outlineStyle")
            assert outline == "solid"
            return
    pytest.fail(f"the keyboard does not reach {selector}")
