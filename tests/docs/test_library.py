"""docs/reference/library.md names what the library has: every public name, with its parameters or members."""

import dataclasses
import inspect
import re

import pytest

import accredit

from .pages import ROOT

PAGE = (ROOT / "docs/reference/library.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### `(\w+)`\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
FUNCTIONS = [name for name in accredit.__all__ if inspect.isfunction(getattr(accredit, name))]
DATA = [name for name in accredit.__all__ if dataclasses.is_dataclass(getattr(accredit, name))]


def first_cells(section: str) -> list[str]:
    """The names in the first column of the section's tables."""
    rows = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`(\w+)`", row)]


def test_documents_every_public_name_and_no_other():
    assert sorted(SECTIONS) == sorted(accredit.__all__)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_shows_the_parameters_of_a_function(name):
    shown = re.match(r"\s*`(\w+\(.*?\))`\s", SECTIONS[name])
    assert shown is not None, f"the section of {name} does not begin with its call"
    parameters = [
        each.replace(annotation=each.empty) for each in inspect.signature(getattr(accredit, name)).parameters.values()
    ]
    # A default of the library's own types is shown by its type.
    parameters = [
        each
        if not dataclasses.is_dataclass(each.default)
        else each.replace(default=_AsWritten(f"{type(each.default).__name__}()"))
        for each in parameters
    ]
    assert shown[1] == f"{name}{inspect.Signature(parameters)}"


class _AsWritten(str):
    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


@pytest.mark.parametrize("name", DATA)
def test_shows_the_members_of_a_value(name):
    assert first_cells(SECTIONS[name]) == [each.name for each in dataclasses.fields(getattr(accredit, name))]


def test_shows_the_members_of_an_error():
    assert first_cells(SECTIONS["AccreditError"]) == ["code", "member", "family", "status", "title"]


def test_uses_every_function_in_an_example():
    examples = "".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
    assert [name for name in FUNCTIONS if f"accredit.{name}(" not in examples] == []
