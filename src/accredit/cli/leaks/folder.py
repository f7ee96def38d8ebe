"""Secrets in a file, or in the files of a folder: all of them, whatever they are called, but for what git keeps for itself."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from accredit.cli.leaks.places import Place
from accredit.cli.leaks.reading import find_in

_LEFT_OUT = ".git"


def search_folder(path: Path, unreadable: list[str], advance: Callable[[], object]) -> Iterator[Place]:
    """The secrets below a path. Links are not followed. unreadable: gets what could not be read. advance: called after each file."""
    for file in _files(path, unreadable):
        shown = str(file)
        try:
            with file.open("rb", buffering=0) as opened:
                for find in find_in(opened.read):
                    yield Place(shown, find.line, find.shown)
        except OSError:
            unreadable.append(shown)
        advance()


def _files(path: Path, unreadable: list[str]) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for folder, folders, names in os.walk(path, onerror=lambda error: unreadable.append(str(error.filename))):
        folders[:] = sorted(name for name in folders if name != _LEFT_OUT)
        for name in sorted(names):
            file = Path(folder, name)
            try:
                # A pipe or a device may never end.
                if stat.S_ISREG(file.lstat().st_mode):
                    yield file
            except OSError:
                unreadable.append(str(file))
