"""Reads the documents: their fenced blocks in order, and what the comments above the blocks say of how a test runs them.

A comment stands on a line of its own, right above the block that it is of, and no reader of the rendered page sees it:
- `<!-- file: bank.py -->`: the block is a file of the page's directory, which a later block runs.
- `<!-- run: name -->`: the function of that name in `guide_actions` or `sdk_actions` runs the block and looks at what came of it.
- `<!-- not run: reason -->`: nothing runs the block. `test_pages` lists all of these, so that none is added by accident.

`<!-- check: name -->` stands alone: the function of that name does what the reader does there, or looks at what the text tells.
"""

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^ *(`{3,})(\S*)$")
_COMMENT = re.compile(r"^ *<!-- (file|run|not run|check): (.+?) -->$")


@dataclass(frozen=True)
class Block:
    """A fenced block, or a check where language is `check`. line: of its first line of code. how: the comment above it, or ''."""

    page: str
    line: int
    language: str
    code: str
    how: str = ""
    what: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


# Each goes on in the directory, with the programs, and in the state that the one before it leaves.
GUIDE = ("docs/guide/embedding.md", "docs/guide/application.md", "docs/guide/hardening.md")


def all_pages() -> list[str]:
    """The documents whose blocks are run, by their path from the root; those of the guide that build on each other in their order."""
    paths = [
        *(ROOT / folder / "README.md" for folder in ("", "examples", "examples/rest", "sdk")),
        *(ROOT / "docs").rglob("*.md"),
    ]
    found = {str(path.relative_to(ROOT)) for path in paths}
    return [*GUIDE, *sorted(found.difference(GUIDE))]


def pages_up_to(page: str) -> list[str]:
    """The pages that have to be run, in order, to have run this one."""
    return list(GUIDE[: GUIDE.index(page) + 1]) if page in GUIDE else [page]


def read_page(page: str) -> list[Block]:
    """The blocks and checks of a document, in order. Raises ValueError for a comment without a block, or an open fence."""
    return parse_page(page, (ROOT / page).read_text(encoding="utf-8"))


def parse_page(page: str, text: str) -> list[Block]:
    """The same of a text."""
    lines, blocks = text.splitlines(), []
    how, what, number = "", "", 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if comment := _COMMENT.match(line):
            how, what = comment.groups()
            if how == "check":
                blocks.append(Block(page, number, "check", "", how, what))
                how = what = ""
        elif fence := _FENCE.match(line):
            end = next((at for at in range(number, len(lines)) if lines[at].strip() == fence[1]), None)
            if end is None:
                raise ValueError(f"{page}:{number}: the block does not end")
            code = textwrap.dedent("\n".join(lines[number:end]) + "\n")
            blocks.append(Block(page, number + 1, fence[2], code, how, what))
            how, what, number = "", "", end + 1
        elif how:
            raise ValueError(f"{page}:{number}: the comment above is of no block")
    return blocks
