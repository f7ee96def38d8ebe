"""Servers as processes of their own, each on the server's core, on a free loopback port."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.load import LoadError, Target
from bench.machine import Cores, pinned

ACCREDIT = str(Path(sys.executable).with_name("accredit"))
ROOT = Path(__file__).parents[1]
_START_S, _STOP_S = 60, 30
_ON_DISK = Path("/var/tmp")


def clean_environ() -> dict[str, str]:
    """This process's environment without settings of Accredit's."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ACCREDIT_")}


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def serve_accredit(cores: Cores, environ: Mapping[str, str]) -> Iterator[Target]:
    """`accredit serve`, as an operator runs it."""
    port = free_port()
    with serving(cores, [ACCREDIT, "serve", "--port", str(port)], port, environ=environ) as target:
        yield target


@contextmanager
def serve_module(cores: Cores, module: str, given: Mapping[str, Any]) -> Iterator[Target]:
    """One of bench.peers, which is told on standard input what to do."""
    port = free_port()
    told = json.dumps({"port": port, **given}).encode()
    with serving(cores, [sys.executable, "-m", f"bench.peers.{module}"], port, told=told) as target:
        yield target


@contextmanager
def serving(
    cores: Cores, command: Sequence[str], port: int, *, environ: Mapping[str, str] | None = None, told: bytes = b""
) -> Iterator[Target]:
    """A process from its first answer until the end of the block. Raises LoadError when it does not come to answer."""
    with tempfile.TemporaryFile() as log:
        with pinned(cores.server):
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**clean_environ(), **(environ or {})},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        try:
            _tell(process, told)
            _await_answer(process, port, log)
            yield Target(port, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _tell(process: "subprocess.Popen[bytes]", told: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(told)
    process.stdin.close()


def _await_answer(process: "subprocess.Popen[bytes]", port: int, log: Any) -> None:
    until = time.monotonic() + _START_S
    while not is_ready(port):
        if process.poll() is not None or time.monotonic() > until:
            log.seek(0)
            raise LoadError(f"a server did not start: {log.read().decode(errors='replace')[-2000:]}")
        time.sleep(0.002)


def is_ready(port: int) -> bool:
    """Whether /readyz answers 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@contextmanager
def workspace(parent: Path | None) -> Iterator[Path]:
    """A directory for databases, removed at the end; by default where temporary files outlive the machine, so on a disk."""
    directory = Path(tempfile.mkdtemp(prefix="accredit-bench-", dir=parent or (_ON_DISK if _ON_DISK.exists() else None)))
    try:
        yield directory
    finally:
        shutil.rmtree(directory)
