"""The scene of a page, or of several that build on each other: the directory, shell, namespace and window that their blocks share."""

import asyncio
import inspect
import json
from collections.abc import Callable
from contextlib import ExitStack, chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
from playwright.async_api import Page

from accredit.client import Client, FlowClient

from . import boot_actions, guide_actions, identifying_actions, openings, sdk_actions, steps_actions, verifying_actions
from .console import Console
from .pages import Block
from .python_blocks import run_python

PATIENCE_MS = 15_000
ACTIONS = {
    name: action
    for module in (boot_actions, guide_actions, identifying_actions, sdk_actions, steps_actions, verifying_actions)
    for name, action in inspect.getmembers(module, inspect.isfunction)
    if action.__module__ == module.__name__ and not name.startswith("_")
}
# Diagrams and listings; nothing could run them.
LISTINGS = ("", "text")


class Scene:
    """What blocks run in. page: the first of them.

    names: what Python blocks know. fixture: what tests share, by name, made when it is first asked for. bank, report: sites of a page
    that sets up none of its own.
    """

    bank: openings.Site
    report: openings.Site

    def __init__(self, page: str, fixture: Callable[[str], Any]) -> None:
        self.page = page
        self.fixture = fixture
        self.names: dict[str, Any] = {}
        self.printed = ""
        self.ending = ExitStack()
        self.directory = Path(self.ending.enter_context(TemporaryDirectory(prefix="accredit-page-")))
        self.console = Console(self.directory, path=fixture("warm"))
        self.ending.callback(self.console.close)
        self._window: Page | None = None
        try:
            openings.open_page(self)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop everything."""
        for value in self.names.values():
            if isinstance(value, httpx.Client | Client | FlowClient):
                value.close()
        self.ending.close()

    def run(self, block: Block) -> None:
        """Run a block as its page says. Raises AssertionError where it does not do what is shown."""
        if block.how in ("run", "check"):
            self._act(block)
        elif block.how == "file":
            path = self.directory / self.console.replace(block.what)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.console.replace(block.code), encoding="utf-8")
        elif block.how != "not run":
            self._run_by_language(block)

    def address(self, said: str) -> str:
        """What stands for an address of the documents here."""
        return self.console.replace(said)

    async def window(self) -> Page:
        """The page's browser window."""
        if self._window is None:
            context = await self.fixture("browser").new_context()
            context.set_default_timeout(PATIENCE_MS)
            runner: asyncio.Runner = self.fixture("loop")
            self.ending.callback(lambda: runner.run(context.close()))
            self._window = await context.new_page()
        return self._window

    def _act(self, block: Block) -> None:
        action = ACTIONS[block.what]
        self.console.await_changes()
        if not inspect.iscoroutinefunction(action):
            action(self, block)
            return
        runner: asyncio.Runner = self.fixture("loop")
        # Started here, because a running loop cannot start it.
        self.fixture("browser")
        runner.run(action(self, block))

    def _run_by_language(self, block: Block) -> None:
        if block.language == "console":
            self.console.run_document(f"```console\n{block.code}```\n")
        elif block.language == "python":
            with chdir(self.directory):
                self.printed = run_python(block, self.console.replace(block.code), self.names)
        elif block.language == "json":
            json.loads(block.code)
        elif block.language == "text" and self.printed:
            assert self.console.replace(block.code) == self.printed
            self.printed = ""
        elif block.language not in LISTINGS:
            pytest.fail(f"nothing runs {block.language} here: the block needs a comment that says how, see pages.py")
