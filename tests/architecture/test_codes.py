"""Stable codes: well-formed, told once, raised only as declared, and none that nobody raises."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from accredit.errors import CODES, AccreditError, ConflictError, FailureError, MalformedError, NotFoundError, Refused

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "accredit"
FAMILIES: dict[str, type[AccreditError]] = {
    family.__name__: family for family in (MalformedError, Refused, NotFoundError, ConflictError, FailureError)
}
STATUSES = {
    MalformedError: {400, 405, 413, 415, 422},
    Refused: {401, 403, 429},
    NotFoundError: {404, 410},
    ConflictError: {409, 412, 422},
    FailureError: {500, 502, 503},
}


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_snake_case_with_a_sentence_and_a_status_of_its_family(code: str) -> None:
    declared = CODES[code]
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", code)
    assert declared.family in FAMILIES.values()
    assert declared.status in STATUSES[declared.family]
    assert re.fullmatch(r"[A-Za-z].{8,}\.", declared.title)
    assert not re.search(r"(?<!{){\w", declared.title), "a value was to be filled in, but titles hold none"


def test_a_code_is_declared_once() -> None:
    """Python would take the last of two declarations without a word."""
    tree = ast.parse((SOURCE / "errors.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_codes"]
    named = Counter(keyword.arg for call in calls for keyword in call.keywords)
    assert {code for code, times in named.items() if times > 1} == set()
    assert named.keys() == CODES.keys()


def raised_in(path: Path) -> Iterator[tuple[str, str]]:
    """Each family that is made in the file, with each code that may stand there."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FAMILIES and node.args:
            first = node.args[0]
            branches = (first.body, first.orelse) if isinstance(first, ast.IfExp) else (first,)
            for branch in branches:
                if isinstance(branch, ast.Constant):
                    yield node.func.id, str(branch.value)


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_what_is_raised_is_declared_in_that_family(path: Path) -> None:
    for family, code in raised_in(path):
        assert code in CODES, f"{path.name}: {code}"
        assert CODES[code].family is FAMILIES[family], f"{path.name}: {code}"


def test_no_code_is_declared_that_nobody_means() -> None:
    """Each code stands in the source beside its declaration, or is promised by a protocol page."""
    texts = [path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py") if path.name != "errors.py"]
    texts += [path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "protocol").glob("*.md")]
    assert {code for code in CODES if not any(code in text for text in texts)} == set()
