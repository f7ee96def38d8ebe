"""Fixtures for all tests: a runner for async code, and a fresh database for each test on both engines.

PostgreSQL is started by the tests themselves, once and only when a test asks for it. No test trusts the machine's certificates:
every HTTP client reads them when it is made, which takes longer than most tests.
"""

import asyncio
import os
import shutil
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvloop

from accredit.server.store import Store
from accredit.server.store.migrate import migrate

from .postgresql import PostgresqlServer, ReusedDatabase

os.environ["SSL_CERT_FILE"] = str(Path(__file__).with_name("nobody.pem"))

Run = Callable[[Coroutine[Any, Any, Any]], Any]


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Long texts are no names: tokens and secrets are fresh in every process, and processes must agree on what tests there are."""
    return argname if isinstance(val, str | bytes) and len(val) > 40 else None


@pytest.fixture
def run() -> Iterator[Run]:
    """Runs a coroutine to its end, always on the same event loop, which is of the kind that the server uses."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        yield runner.run


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """A PostgreSQL server for all tests."""
    server = PostgresqlServer()
    server.start()
    yield server
    server.stop()
    server.remove()


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql_server: PostgresqlServer) -> PostgresqlServer:
    """A server with a database named `migrated`, which the database of each test is a copy of."""
    postgresql_server.execute("CREATE DATABASE migrated")
    migrate(postgresql_server.address.format("migrated"))
    return postgresql_server


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the schema, which the database of each test is a copy of."""
    path = tmp_path_factory.mktemp("migrated") / "accredit.sqlite"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def reused_postgresql(postgresql_server: PostgresqlServer) -> Iterator[ReusedDatabase]:
    """A database with the schema, for the tests of one process after another."""
    database = ReusedDatabase(postgresql_server, "reused", migrate)
    yield database
    database.drop()


@pytest.fixture
def postgresql_url(reused_postgresql: ReusedDatabase) -> str:
    """A PostgreSQL database with the schema, as good as fresh."""
    # Not at the end of a test: its server may still be there then.
    reused_postgresql.restore()
    return reused_postgresql.address


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """A fresh SQLite database with the schema."""
    path = tmp_path / "accredit.sqlite"
    shutil.copyfile(migrated_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh database with the schema, on each engine in turn."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def store(run: Run, database_url: str) -> Iterator[Store]:
    """An open store on a fresh database, on each engine in turn."""
    store = run(Store.open(database_url))
    yield store
    run(store.close())
