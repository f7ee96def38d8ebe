"""The machine: its cores, what a process used of it, and what it is."""

import os
import platform
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from cryptography.hazmat.backends.openssl.backend import backend

_CPUCLOCK_SCHED = 2
_IN_MEMORY = ("tmpfs", "ramfs")
_LIBRARIES = ("cryptography", "joserfc", "uvicorn", "uvloop", "httptools", "starlette", "msgspec", "psycopg")
_PEER_LIBRARIES = ("fastapi", "pydantic", "sqlalchemy", "aiosqlite", "asyncpg", "jwcrypto")


class Unfit(Exception):
    """This machine, or this directory, cannot be measured on; the text says why."""


@dataclass(frozen=True, slots=True)
class Cores:
    """server: the core of whatever is measured. load: the core of who asks it, and of this process."""

    server: int
    load: int


def choose_cores() -> Cores:
    """The last two cores that this process may use; the first ones have the machine's own work. Raises Unfit."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise Unfit("the server and the load each need a core of their own, and there is one only")
    return Cores(server=usable[-2], load=usable[-1])


@contextmanager
def pinned(*cores: int) -> Iterator[None]:
    """This thread, and processes that it starts meanwhile, on these cores only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_seconds(pid: int) -> float:
    """Processor time that the process has used so far, in user and in system mode, all its threads."""
    # As clock_getcpuclockid(3) makes the clock's number on Linux; /proc/{pid}/stat tells the same in hundredths of a second.
    return time.clock_gettime(~pid << 3 | _CPUCLOCK_SCHED)


def memory_mb(pid: int) -> tuple[float, float]:
    """Resident and proportional memory of a process; the second one shares out what several processes have mapped."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    kilobytes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines) if rest.endswith("kB")}
    return kilobytes["Rss"] * 1024 / 1e6, kilobytes["Pss"] * 1024 / 1e6


def file_system(directory: Path) -> str:
    """The kind of file system that holds a directory. Raises Unfit for one in memory: nothing there is durable."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    held = [(len(mount[1]), mount[2]) for mount in mounts if directory.resolve().is_relative_to(mount[1])]
    kind = max(held)[1]
    if kind in _IN_MEMORY:
        raise Unfit(f"a database on {kind} is not durable: name a directory on a disk with --directory")
    return kind


def facts(directory: Path, *, peers: bool) -> list[tuple[str, str]]:
    """What the figures were measured on."""
    libraries = _LIBRARIES + (_PEER_LIBRARIES if peers else ())
    return [
        ("date", f"{datetime.now(UTC):%Y-%m-%d}"),
        ("processor", _processor()),
        ("cores", str(os.cpu_count())),
        ("memory", f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"),
        ("file system", file_system(directory)),
        ("Python", platform.python_version()),
        ("OpenSSL", backend.openssl_version_text()),
        ("SQLite", sqlite3.sqlite_version),
        ("libraries", ", ".join(f"{name} {version(name)}" for name in libraries)),
    ]


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Processor")))
    return next(named, platform.machine())
