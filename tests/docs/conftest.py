"""What the documents' blocks run with: a shell, the command line, a browser."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ..browser.conftest import browser, loop
from ..examples.conftest import built
from .console import Command, Console, parse_blocks
from .warm import warm_command

__all__ = ["browser", "built", "loop"]


@pytest.fixture(scope="session")
def warm() -> Iterator[Path]:
    """A directory with an `accredit` that starts at once."""
    with warm_command() as path:
        yield path


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    """A shell in a fresh directory."""
    console = Console(tmp_path)
    yield console
    console.close()


@pytest.fixture
def parse() -> Callable[[str], list[Command]]:
    """Reads the commands of a document."""
    return parse_blocks
