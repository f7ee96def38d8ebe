"""Secrets in a git history: in every file that any commit of any branch or tag ever held, and in the messages.

git itself lists and reads the objects. Each is read once, however many commits hold it, and only for a find git is asked which commit
brought it in.
"""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import click

from accredit.cli.leaks.forms import Find
from accredit.cli.leaks.places import Place
from accredit.cli.leaks.reading import find_in

# Nothing is fetched from elsewhere, asked of a terminal or written beside what is read.
_ENVIRONMENT = {"GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}


@dataclass(frozen=True, slots=True)
class _Object:
    """name: its hash. path: under which a commit held it; empty for commits and tags."""

    name: str
    path: str


class History:
    """The history of a repository. Raises UsageError where there is none that git can read, or no git."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._brought_in: dict[str, str | None] = {}
        self._objects = self._list()

    def __len__(self) -> int:
        return len(self._objects)

    def search(self, advance: Callable[[], object]) -> Iterator[Place]:
        """The secrets. advance: called after each object."""
        with tempfile.TemporaryFile() as names:
            names.write("".join(f"{each.name}\n" for each in self._objects).encode())
            names.seek(0)
            with self._start("cat-file", "--batch", "--buffer", stdin=names) as reading:
                assert reading.stdout is not None
                for each in self._objects:
                    for find in _read_object(reading.stdout):
                        yield self._place(each, find)
                    advance()

    def _list(self) -> list[_Object]:
        """All objects but folders, which hold names only."""
        listed = self._ask("rev-list", "--objects", "--all")
        objects = [_Object(name, path) for name, _, path in (line.partition(" ") for line in listed.splitlines())]
        with tempfile.TemporaryFile() as names:
            names.write("".join(f"{each.name}\n" for each in objects).encode())
            names.seek(0)
            kinds = self._ask("cat-file", "--batch-check=%(objecttype)", stdin=names).splitlines()
        return [each for each, kind in zip(objects, kinds, strict=True) if kind != "tree"]

    def _place(self, found: _Object, find: Find) -> Place:
        if not found.path:
            return Place("", find.line, find.shown, found.name)
        if found.name not in self._brought_in:
            commits = self._ask("log", "--all", "--reverse", "--format=%H", f"--find-object={found.name}").split()
            self._brought_in[found.name] = commits[0] if commits else None
        return Place(found.path, find.line, find.shown, self._brought_in[found.name])

    def _ask(self, *arguments: str, stdin: IO[bytes] | None = None) -> str:
        with self._start(*arguments, stdin=stdin) as asked:
            answer, _ = asked.communicate()
        if asked.returncode:
            raise click.UsageError(f"git finds no history that it can read at {self._path}.")
        return answer.decode("utf-8", "replace")

    def _start(self, *arguments: str, stdin: IO[bytes] | None) -> "subprocess.Popen[bytes]":
        try:
            return subprocess.Popen(  # noqa: S603 - a program that the person has, and no shell
                ["git", "-C", str(self._path), "-c", "core.quotePath=false", *arguments],  # noqa: S607 - the one on the person's path
                stdin=stdin or subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **_ENVIRONMENT},
            )
        except OSError as error:
            raise click.UsageError("git could not be started.") from error


def _read_object(reading: IO[bytes]) -> list[Find]:
    """One object as `cat-file --batch` writes it: a line with its size, its octets, and a line feed."""
    *_, size = reading.readline().split() or [b""]
    if not size:
        raise click.UsageError("git ended before it had read the history.")
    # One that a partial clone does not hold is named as missing.
    left = int(size) if size.isdigit() else 0

    def read(at_most: int) -> bytes:
        nonlocal left
        piece = reading.read(min(at_most, left))
        left -= len(piece)
        return piece

    finds = list(find_in(read))
    if size.isdigit():
        reading.read(1)
    return finds
