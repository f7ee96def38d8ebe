"""What the documents say is what the code has: codes, settings, decisions."""

import re
from pathlib import Path

import msgspec

from accredit.errors import CODES
from accredit.server.settings import Settings

ROOT = Path(__file__).parents[2]


def table(path: str) -> dict[str, list[str]]:
    """The rows of a page's tables by their first cell."""
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| `")]
    assert len({row[0] for row in rows}) == len(rows)
    return {row[0].strip("`"): [cell.strip().removesuffix("|").strip() for cell in row[1:]] for row in rows}


def test_the_page_of_errors_is_the_table_in_the_code():
    documented = table("docs/reference/errors.md")
    assert documented == {code: [str(known.status), known.title] for code, known in CODES.items()}


def test_the_sdk_says_of_a_code_what_python_says():
    source = (ROOT / "sdk/src/errors.ts").read_text(encoding="utf-8")
    known = dict(re.findall(r'^  ([a-z_]+): "(.*)",$', source, re.MULTILINE))
    assert len(known) > 15
    assert known == {code: CODES[code].title for code in known}


def test_every_setting_is_documented_with_its_variable():
    documented = table("docs/reference/settings.md")
    assert set(documented) == {f"ACCREDIT_{field.name.upper()}" for field in msgspec.structs.fields(Settings)}


def test_every_decision_is_listed():
    folder = ROOT / "docs/decisions"
    listed = set(re.findall(r"\]\((\d{4}-[a-z0-9-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8")))
    assert listed == {page.name for page in folder.glob("0*.md")}


def test_links_between_pages_lead_somewhere():
    broken = []
    folders = [folder for name in ("examples", "sdk") for folder in (ROOT / name).glob("*.md")]
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *folders]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []
