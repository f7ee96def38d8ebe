"""Servers as processes, as people run them, and visitors who keep coming while something goes wrong."""

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from accredit.server.store import Store

from ..postgresql import PostgresqlServer
from ..program import ACCREDIT, Program

# All come from one address, and many are refused on purpose.
UNLIMITED = {"ACCREDIT_REFUSALS_PER_MINUTE": "100000"}


@contextmanager
def running(directory: Path, database_url: str, count: int = 1, **environ: str) -> Iterator[list[Program]]:
    """Servers on one database, with settings as in the environment."""
    programs = [Program(database_url, directory, f"node-{number}", **environ) for number in range(count)]
    try:
        for program in programs:
            program.launch()
        for program in programs:
            program.await_ready()
        yield programs
    finally:
        for program in programs:
            program.terminate()
        for program in programs:
            program.close()


@pytest.fixture
def start_program(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Starts a server: start_program(database_url, ACCREDIT_...="..."); it ends with the test."""
    with ExitStack() as ending:
        yield lambda database_url, **environ: ending.enter_context(running(tmp_path, database_url, **environ))[0]


@pytest.fixture
def program(start_program: Callable[..., Program], database_url: str) -> Program:
    """A server, on each engine in turn."""
    return start_program(database_url)


@pytest.fixture(scope="session")
def nodes(migrated_postgresql: PostgresqlServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Program]]:
    """Two servers on one PostgreSQL database. Tests share them, and have accounts of their own."""
    migrated_postgresql.execute("CREATE DATABASE nodes TEMPLATE migrated STRATEGY file_copy")
    with running(tmp_path_factory.mktemp("nodes"), migrated_postgresql.address.format("nodes"), 2, **UNLIMITED) as nodes:
        yield nodes


@pytest.fixture
def rows() -> Callable[..., list[tuple[Any, ...]]]:
    """Rows of a database: rows(database_url, sql, *values)."""

    async def read(database_url: str, sql: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        store = await Store.open(database_url, exclusive=False)
        try:
            return await store.read(lambda tx, _: tx.rows(sql, values), None)
        finally:
            await store.close()

    return lambda database_url, sql, *values: asyncio.run(read(database_url, sql, values))


@pytest.fixture
def audit_holds() -> Callable[[Program], bool]:
    """Whether the audit trail of a server's database is whole, as `accredit audit verify` finds it."""

    def verify(program: Program) -> bool:
        done = subprocess.run([ACCREDIT, "audit", "verify"], env=program.environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return True

    return verify
