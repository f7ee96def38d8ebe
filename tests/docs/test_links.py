"""A link into a page leads to a heading that is there; that the page is there, tests/architecture sees."""

import re
from pathlib import Path

from .pages import ROOT

PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "examples" / "README.md", ROOT / "sdk" / "README.md"]


def anchors_of(path: Path) -> set[str]:
    """What the headings of a page are called in links, as GitHub and its like make it."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_into_pages_lead_to_headings():
    broken, seen = [], 0
    for page in PAGES:
        for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text(encoding="utf-8")):
            path = page.parent / target if target else page
            seen += 1
            if path.suffix == ".md" and anchor not in anchors_of(path):
                broken.append(f"{page.relative_to(ROOT)}: {target}#{anchor}")
    assert broken == []
    assert seen > 10
