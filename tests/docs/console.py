"""Runs console blocks, so that what a document shows is what happens.

A fenced block tagged `console` holds commands on lines that begin with `$ ` (and go on after a backslash) and, under each, what it
prints. All blocks of a document run in order in one shell and one directory, so variables, files and jobs last.
- Shown output is compared line by line, white space as one; `...` stands for any text in a line, alone on a line for any lines.
  A command that shows nothing may print anything.
- A command must end with 0, unless `echo $?` follows it.
- A command that ends with ` &` goes on beside the others, as a job of the shell; one that is followed by `^C` is stopped so, and must
  end with 0. Of both the shown output is waited for.
- Addresses of the document are replaced by those of the test, such as port 8400 by a free one.
- A running server hears of a change within a second: so much of it as is left passes before the server is asked, as with any reader.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

LIMIT_S = 120
PORT = "8400"
BINARIES = Path(sys.executable).parent
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = "\x1e"
_CHANGES = re.compile(r"accredit (integration|deployer|keys) (create|set|register|retire|revoke)")
_ASKS, _HEARD_S = "curl ", 1.0
# Not every machine has these, and no part of Accredit needs them; the shell says 127 of a command that it does not find.
_OPTIONAL = ("cargo", "dotnet", "go", "java", "node", "php", "ruby", "sqlite3")
# The same of a compiler that is a shell for one that nobody installed.
_NOT_FOUND = re.compile(r": (\S+): command not found|rustup could not choose a version of (cargo)")


class MissingToolError(Exception):
    """A command that is shown is not installed here."""


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
        more = False
        for number, line in enumerate(block.splitlines()):
            if more:
                commands[-1].text += "\n" + line
            elif line.startswith("$ "):
                commands.append(Command(line[2:]))
            elif line == "^C":
                commands[-1].interrupted = True
            else:
                assert number, f"a block begins with output: {line}"
                # An empty line between two commands is for the eye.
                commands[-1].shown += [line] if line.strip() or commands[-1].shown else []
            more = (more or line.startswith("$ ")) and line.endswith("\\")
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
    """A shell in a directory of its own. path: where commands are looked for first. replaced: what a document says, and what
    stands for it here."""

    def __init__(self, directory: Path, *, path: Path | None = None) -> None:
        self.directory = directory
        self.port = free_port()
        self.replaced = {PORT: self.port}
        self._kept = TemporaryDirectory(prefix="accredit-console-")
        self._beside: list[int] = []
        self._heard_at = 0.0
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ACCREDIT_")}
        here = {"ACCREDIT_PORT": self.port, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}
        self._shell = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=directory,
            env={**inherited, "PATH": ":".join(map(str, filter(None, (path, BINARIES, os.environ["PATH"])))), **here},
        )
        # Jobs are process groups of their own, as in a terminal.
        self.run("set -m")

    def replace(self, text: str) -> str:
        """The text with the addresses of this test."""
        for said, meant in self.replaced.items():
            text = text.replace(said, meant)
        return text

    def run_document(self, document: str) -> None:
        """Run all blocks. Raises AssertionError at the first command that does not do what is shown."""
        commands = parse_blocks(self.replace(document))
        for command, following in zip(commands, [*commands[1:], None], strict=True):
            if command.stays or command.interrupted:
                self._run_beside(command)
                continue
            code, output = self.run(command.text)
            missing = _NOT_FOUND.search(output)
            tool = missing and (missing[1] or missing[2])
            if tool in _OPTIONAL:
                raise MissingToolError(f"{tool} is not installed")
            told = f"$ {command.text}\n{output}\n(exit code {code})"
            assert code == 0 or (following is not None and following.text == "echo $?"), told
            assert _is_shown(command, output), f"{told}\nis not\n" + "\n".join(command.shown)

    def await_changes(self) -> None:
        """Wait until servers have heard of what commands have changed."""
        time.sleep(max(0.0, self._heard_at - time.monotonic()))

    def run(self, text: str) -> tuple[int, str]:
        """The exit code and the output of a command in the shell."""
        if _ASKS in text:
            self.await_changes()
        code, output = self._run(text)
        if _CHANGES.search(text):
            self._heard_at = time.monotonic() + _HEARD_S
        return code, output

    def _run(self, text: str) -> tuple[int, str]:
        assert self._shell.stdin is not None
        # The shell reads its commands from the same input, so none of them may.
        self._shell.stdin.write(f"{{ {text}\n}} < /dev/null; last=$?; printf '\\n{_MARK}%d\\n' $last; (exit $last)\n")
        self._shell.stdin.flush()
        output = ""
        for line in self._lines():
            if line.startswith(_MARK):
                return int(line[1:]), output.removesuffix("\n")
            output += line
        raise AssertionError(f"the shell ended at $ {text}\n{output}")

    def close(self) -> None:
        """Stop whatever still runs."""
        for group in self._beside:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGTERM)
        if self._beside and self._shell.poll() is None:
            self.run("wait")
        self._shell.terminate()
        self._shell.communicate()
        self._kept.cleanup()

    def _run_beside(self, command: Command) -> None:
        log = Path(self._kept.name) / str(len(self._beside))
        log.touch()
        _, told = self.run(f"{command.text.removesuffix(' &')} > {log} 2>&1 & echo $!")
        process = int(told.split()[-1])
        self._beside.append(process)
        give_up = time.monotonic() + LIMIT_S
        while not _is_shown(command, output := log.read_text()):
            assert _is_running(process), f"$ {command.text}\n{output}is not\n" + "\n".join(command.shown)
            assert time.monotonic() < give_up, f"$ {command.text}\n{output}is not yet\n" + "\n".join(command.shown)
            time.sleep(0.02)
        if command.interrupted:
            os.kill(process, signal.SIGINT)
            code, _ = self.run(f"wait {process}")
            assert code == 0, f"$ {command.text} ended with {code}"

    def _lines(self) -> Iterator[str]:
        """What the shell prints, for so long as a command may take."""
        assert self._shell.stdout is not None
        timer = threading.Timer(LIMIT_S, self._shell.kill)
        timer.start()
        try:
            yield from iter(self._shell.stdout.readline, "")
        finally:
            timer.cancel()


def _is_shown(command: Command, output: str) -> bool:
    # A last line without an end is a line all the same.
    ended = output if output.endswith("\n") else f"{output}\n"
    return not command.shown or pattern_of(command.shown).fullmatch(ended) is not None


def _is_running(process: int) -> bool:
    # The shell takes note of each child that ends, so a process that is over is soon nobody's.
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def free_port() -> str:
    """A port that nobody has at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return str(listening.getsockname()[1])
