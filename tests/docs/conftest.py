"""Runs the console blocks of a document, so that what it shows is what happens.

A fenced block tagged `console` holds commands on lines that begin with `$ ` (and go on after a backslash) and, under each, what it
prints. All blocks of a document run in order in one shell and one fresh directory, so variables, files and the data directory last.
- Shown output is compared line by line, white space as one; `...` stands for any text in a line, alone on a line for any lines.
  A command that shows nothing may print anything.
- A command must end with 0, unless `echo $?` follows it.
- A command that ends with ` &` goes on beside the others; one that is followed by `^C` is stopped so, and must end with 0. Of both
  the shown output is waited for.
- Port 8400 is replaced by a free one.
- Commands of the checkout and of package managers (`make test`, `pip install`) are not run.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

LIMIT_S = 120
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = "\x1e"
_PORT = "8400"
_NOT_RUN = ("make ", "git ", "pip ", "npm ", "docker ")


@dataclass
class Command:
    """One command of a block. shown: the lines under it. interrupted: `^C` ends it."""

    text: str
    shown: list[str] = field(default_factory=list)
    interrupted: bool = False

    @property
    def stays(self) -> bool:
        return self.text.endswith(" &")


def parse_blocks(document: str) -> list[Command]:
    """The commands of all console blocks, in order."""
    commands: list[Command] = []
    for block in _BLOCK.findall(document):
        open_line = False
        for number, line in enumerate(block.splitlines()):
            if open_line:
                commands[-1].text += "\n" + line
            elif line.startswith("$ "):
                commands.append(Command(line[2:]))
            elif line == "^C":
                commands[-1].interrupted = True
            else:
                assert number, f"a block begins with output: {line}"
                # An empty line between two commands is for the eye.
                commands[-1].shown += [line] if line.strip() or commands[-1].shown else []
            open_line = (open_line or line.startswith("$ ")) and line.endswith("\\")
    return commands


def pattern_of(shown: list[str]) -> "re.Pattern[str]":
    """What output must look like to be what is shown."""
    parts = []
    for line in shown:
        if line.strip() == "...":
            parts.append(r"(?:[^\n]*\n)*?")
        else:
            words = [".*?".join(re.escape(part) for part in word.split("...")) for word in line.split()]
            parts.append(r"[^\S\n]*" + r"[^\S\n]+".join(words) + r"[^\S\n]*\n")
    return re.compile("".join(parts) + r"\s*")


class Console:
    """A shell in a directory of its own, and the programs that it started beside."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port = free_port()
        self._environ = {name: value for name, value in os.environ.items() if not name.startswith("ACCREDIT_")}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self._environ |= {"PATH": path, "ACCREDIT_PORT": self._port, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}
        self._shell = self._start(["bash", "--norc", "--noprofile"], stdin=subprocess.PIPE)
        self._beside: list[subprocess.Popen[str]] = []

    def run_document(self, document: str) -> None:
        """Run all blocks. Raises AssertionError at the first command that does not do what is shown."""
        commands = parse_blocks(document.replace(_PORT, self._port))
        for command, following in zip(commands, [*commands[1:], None], strict=True):
            if command.text.startswith(_NOT_RUN):
                continue
            if command.stays or command.interrupted:
                self._run_beside(command)
                continue
            code, output = self._run(command.text)
            told = f"$ {command.text}\n{output}\n(exit code {code})"
            assert code == 0 or (following is not None and following.text == "echo $?"), told
            assert not command.shown or pattern_of(command.shown).fullmatch(output), f"{told}\nis not\n" + "\n".join(
                command.shown
            )

    def close(self) -> None:
        """Stop whatever still runs."""
        for process in (*self._beside, self._shell):
            process.terminate()
            process.communicate()

    def _run(self, text: str) -> tuple[int, str]:
        """The exit code and the output of a command in the shell."""
        assert self._shell.stdin is not None
        # The shell reads its commands from the same input, so none of them may.
        self._shell.stdin.write(f"{{ {text}\n}} < /dev/null; last=$?; printf '\\n{_MARK}%d\\n' $last; (exit $last)\n")
        self._shell.stdin.flush()
        output = ""
        for line in self._lines(self._shell):
            if line.startswith(_MARK):
                return int(line[1:]), output.removesuffix("\n")
            output += line
        raise AssertionError(f"the shell ended at $ {text}\n{output}")

    def _run_beside(self, command: Command) -> None:
        process = self._start(["bash", "-c", f"exec {command.text.removesuffix(' &')}"])
        self._beside.append(process)
        output, expected = "", pattern_of(command.shown)
        for line in self._lines(process):
            output += line
            if expected.fullmatch(output):
                break
        else:
            raise AssertionError(f"$ {command.text}\n{output}is not\n" + "\n".join(command.shown))
        if command.interrupted:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=LIMIT_S)
            assert process.returncode == 0, f"$ {command.text} ended with {process.returncode}"

    def _start(self, args: list[str], stdin: int = subprocess.DEVNULL) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            args,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self._directory,
            env=self._environ,
        )

    def _lines(self, process: "subprocess.Popen[str]") -> Iterator[str]:
        """What the process prints, for so long as a command may take."""
        assert process.stdout is not None
        timer = threading.Timer(LIMIT_S, process.kill)
        timer.start()
        try:
            yield from iter(process.stdout.readline, "")
        finally:
            timer.cancel()


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return str(listening.getsockname()[1])


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    """A shell in a fresh directory."""
    console = Console(tmp_path)
    try:
        yield console
    finally:
        with suppress(ProcessLookupError):
            console.close()


@pytest.fixture
def parse() -> Callable[[str], list[Command]]:
    """Reads the commands of a document."""
    return parse_blocks
