"""The names that a customer's developer meets: complete, typed, documented, and seen by tools though imported late."""

import ast
import dataclasses
import inspect
import re
from importlib import import_module, resources
from pathlib import Path

import pytest

import accredit

TREE = ast.parse(Path(accredit.__file__).read_text(encoding="utf-8"))


def names_that_tools_see() -> set[str]:
    """What the TYPE_CHECKING block imports."""
    blocks = [node for node in TREE.body if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"]
    imports = [node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.name for node in imports for alias in node.names}


def test_tools_see_what_is_there() -> None:
    assert names_that_tools_see() == set(accredit.__all__) == set(accredit._HOME_OF)
    assert accredit.__all__ == sorted(accredit.__all__, key=lambda name: (not name[0].isupper(), name))
    assert set(accredit.__all__) <= set(dir(accredit))
    assert resources.files("accredit").joinpath("py.typed").is_file()


@pytest.mark.parametrize("name", accredit.__all__)
def test_a_public_name_is_that_of_its_home(name: str) -> None:
    value = getattr(accredit, name)
    assert value is getattr(import_module(f"accredit.{accredit._HOME_OF[name]}"), name)
    assert value.__name__ == name


@pytest.mark.parametrize("name", accredit.__all__)
def test_a_public_name_is_documented_and_typed(name: str) -> None:
    value = getattr(accredit, name)
    documentation = inspect.getdoc(value) or ""
    # A dataclass without a docstring would be given its signature as one.
    assert len(documentation) > 40
    assert not documentation.startswith(f"{name}(")
    if inspect.isfunction(value):
        signature = inspect.signature(value)
        assert signature.return_annotation is not inspect.Signature.empty
        assert all(each.annotation is not inspect.Parameter.empty for each in signature.parameters.values())


@pytest.mark.parametrize("name", [name for name in accredit.__all__ if name.islower()])
def test_a_public_function_names_its_parameters_and_its_codes(name: str) -> None:
    value = getattr(accredit, name)
    documentation = inspect.getdoc(value) or ""
    assert "Raises" in documentation
    for parameter in inspect.signature(value).parameters:
        assert re.search(rf"\b{parameter}\b", documentation), parameter


@pytest.mark.parametrize("name", [name for name in accredit.__all__ if dataclasses.is_dataclass(getattr(accredit, name))])
def test_a_public_value_cannot_be_changed(name: str) -> None:
    value = getattr(accredit, name)
    assert value.__dataclass_params__.frozen
    assert "__dict__" not in dir(value)


def test_there_is_no_other_name() -> None:
    with pytest.raises(AttributeError, match="module 'accredit' has no attribute 'sign_everything'"):
        _ = accredit.sign_everything  # type: ignore[attr-defined]
    assert not hasattr(accredit, "__wrapped__")


def test_submodules_are_still_modules() -> None:
    assert inspect.ismodule(import_module("accredit.deployment"))
    assert re.fullmatch(r"\d+\.\d+\.\d+", accredit.__version__)
