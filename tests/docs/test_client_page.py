"""docs/reference/client.md names what the client has: every public name with its members, every method and every option."""

import dataclasses
import inspect
import re

import pytest

from accredit import client
from accredit.client import AsyncClient, AsyncFlowClient, CallError, Client, FlowClient, FlowOptions, Options

from .pages import ROOT

PAGE = (ROOT / "docs/reference/client.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### `(\w+)`\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
DATA = [name for name in client.__all__ if dataclasses.is_dataclass(getattr(client, name))]
ELSEWHERE = {"AsyncClient", "AsyncFlowClient", "Client", "FlowClient", "read_callback"}
REST, FLOW = PAGE.split("\n## The flow door\n")


def first_cells(section: str) -> list[str]:
    """The names in the first column of the section's tables."""
    rows = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`(\w+)`", row)]


def methods_of(kind: type) -> dict[str, str]:
    """The public methods, as they are called."""
    found = {}
    for name, method in inspect.getmembers(kind, inspect.isfunction):
        if not name.startswith("_"):
            _, *parameters = inspect.signature(method).parameters.values()
            bare = [each.replace(annotation=each.empty) for each in parameters]
            found[name] = f"{name}{inspect.Signature(bare)}"
    return found


def test_documents_every_public_name_and_no_other():
    assert sorted(SECTIONS) == sorted(set(client.__all__) - ELSEWHERE)
    assert [name for name in ELSEWHERE if f"`{name}" not in PAGE] == []


@pytest.mark.parametrize("name", DATA)
def test_shows_the_members_of_a_value(name):
    assert first_cells(SECTIONS[name]) == [each.name for each in dataclasses.fields(getattr(client, name))]


@pytest.mark.parametrize(("part", "kinds"), [(REST, (Client, AsyncClient)), (FLOW, (FlowClient, AsyncFlowClient))])
def test_shows_the_methods_of_both_clients(part, kinds):
    shown = set(re.findall(r"^\| `(\w+\(.*?\))` \|", part, re.MULTILINE))
    assert [set(methods_of(kind).values()) for kind in kinds] == [shown, shown]


@pytest.mark.parametrize("options", [Options, FlowOptions])
def test_shows_the_options(options):
    assert first_cells(SECTIONS[options.__name__]) == list(options.__annotations__)


def test_shows_the_members_of_an_error():
    error = CallError("x", 400, "X.")
    assert all(hasattr(error, name) for name in first_cells(SECTIONS["CallError"]))


@pytest.mark.parametrize("name", client.__all__)
def test_a_public_name_is_documented(name):
    documentation = inspect.getdoc(getattr(client, name)) or ""
    assert len(documentation) > 25
    assert not documentation.startswith(f"{name}(")
