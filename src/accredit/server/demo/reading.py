"""Reading a page as a program: its JSON blocks, and the hidden fields of its form."""

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any


@dataclass(frozen=True, slots=True)
class ReadPage:
    """blocks: JSON of `<script type="application/json" id=...>`, by id. hidden: hidden inputs by name."""

    blocks: dict[str, Any] = field(default_factory=dict)
    hidden: dict[str, str] = field(default_factory=dict)


def read_page(html: str) -> ReadPage:
    """What a page holds for programs."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.page


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = ReadPage()
        self._block: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A block begins, or a hidden field stands here."""
        named = dict(attrs)
        if tag == "script" and named.get("type") == "application/json":
            self._block = named.get("id")
        if tag == "input" and named.get("type") == "hidden":
            self.page.hidden[named.get("name") or ""] = named.get("value") or ""

    def handle_data(self, data: str) -> None:
        """The text of a block; the parser hands over a script's text whole."""
        if self._block is not None:
            self.page.blocks[self._block] = json.loads(data)
            self._block = None
