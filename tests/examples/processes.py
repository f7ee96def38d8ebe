"""Samples that are servers, each a process of its own until it is told to end."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from .languages import LIMIT_S

END_S = 20


@dataclass(frozen=True)
class Running:
    """A process that answers at `url`. log: what it writes on both outputs."""

    url: str
    log: Path

    @property
    def said(self) -> str:
        """What it wrote until now."""
        return self.log.read_text()


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def running(command: Sequence[object], port: int, directory: Path, environ: Mapping[str, str], log: Path) -> Iterator[Running]:
    """A process that listens at a port of this machine. command: its part `PORT` stands for the port."""
    parts = [str(part).replace("PORT", str(port)) for part in command]
    started = Running(f"http://127.0.0.1:{port}", log)
    with log.open("w") as output:
        process = subprocess.Popen(parts, cwd=directory, env={**os.environ, **environ}, stdout=output, stderr=output)
        try:
            _await(started, process)
            yield started
        finally:
            process.terminate()
            process.wait(END_S)


def _await(started: Running, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + LIMIT_S
    while time.monotonic() < until:
        assert process.poll() is None, started.said
        try:
            httpx.get(started.url)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"no answer:\n{started.said}")
