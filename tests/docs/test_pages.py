"""Every block of the README pages and docs/ is run, in the order of its page; the few that are not are listed."""

from collections.abc import Iterator

import pytest

from .console import MissingToolError
from .pages import Block, all_pages, pages_up_to, parse_page, read_page
from .scene import ACTIONS, LISTINGS, Scene

BLOCKS = [block for page in all_pages() for block in read_page(page)]
# Nobody adds to these by accident: first line of the block, and why nothing runs it.
NOT_RUN = {
    "README.md": ["make demo", "make test"],
    "docs/guide/embedding.md": ["make demo", ". .venv/bin/activate"],
    "docs/guide/operating.md": [
        "make sdk",
        "sudo -u postgres createuser accredit",
        "upstream accredit {",
        "accredit keys register --jwks-uri https://bank.example/keys.json --deployer harbour-bank",
    ],
    "docs/reference/cli.md": [
        "accredit webhooks probe $id --environment sandbox",
        "accredit webhooks listen --forward-to http://localhost:3000/hooks --server https://id.example.com --api-key sandbox.key",
    ],
}


class Stage:
    """The scene of the pages that are being run, and how far it has come. failed: after which nothing of these pages is run."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._fixture = request.getfixturevalue
        self._scene: Scene | None = None
        self._pages: list[str] = []
        self._left: list[Block] = []
        self._failed = ""

    def reach(self, block: Block) -> None:
        """Run the pages up to this block; what was run already is not run again."""
        self._turn_to(pages_up_to(block.page))
        if self._failed:
            pytest.skip(f"{self._failed} failed")
        if self._scene is None:
            self._failed = f"the opening of {self._pages[0]}"
            self._scene = Scene(self._pages[0], self._fixture)
        while block in self._left:
            following = self._left.pop(0)
            self._failed = str(following)
            try:
                self._scene.run(following)
            except MissingToolError as missing:
                if following == block:
                    self._failed = ""
                    pytest.skip(str(missing))
        self._failed = ""

    def _turn_to(self, pages: list[str]) -> None:
        if pages[0] not in self._pages:
            self.clear()
        for page in pages[len(self._pages) :]:
            self._pages.append(page)
            self._left += read_page(page)

    def clear(self) -> None:
        """End the present scene."""
        if self._scene is not None:
            self._scene.close()
        self._scene, self._pages, self._left, self._failed = None, [], [], ""


@pytest.fixture(scope="module")
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """What all blocks of these tests are run on."""
    stage = Stage(request)
    yield stage
    stage.clear()


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.how != "not run"], ids=str)
def test_does_what_the_page_shows(block, stage):
    stage.reach(block)


def test_blocks_that_nothing_runs_are_listed():
    found: dict[str, list[str]] = {}
    for block in BLOCKS:
        if block.how == "not run":
            found.setdefault(block.page, []).append(block.code.splitlines()[0].removeprefix("$ "))
            assert len(block.what) > 10, f"{block}: the comment does not say why"
    assert found == NOT_RUN


def test_listings_hold_no_commands():
    assert [str(block) for block in BLOCKS if block.language in LISTINGS and "\n$ " in f"\n{block.code}"] == []


def test_every_action_is_asked_for():
    asked = {block.what for block in BLOCKS if block.how in ("run", "check")}
    assert asked == set(ACTIONS)


def test_reads_blocks_with_the_comments_above_them():
    text = "<!-- file: a.py -->\n```python\none\n```\n\n  ```js\n  two\n  ```\n<!-- check: looks -->\n"
    found = [(each.line, each.language, each.code, each.how, each.what) for each in parse_page("page", text)]
    assert found == [(3, "python", "one\n", "file", "a.py"), (7, "js", "two\n", "", ""), (9, "check", "", "check", "looks")]


@pytest.mark.parametrize(
    "text", ["```python\none\n", "<!-- file: a.py -->\n\n```python\none\n```\n", "<!-- run: a -->\ntext\n"]
)
def test_refuses_a_block_without_an_end_and_a_comment_without_a_block(text):
    with pytest.raises(ValueError, match="page:"):
        parse_page("page", text)
