"""SQLite: the embedded engine. WAL, synchronous=FULL, one server process on a file.

Source: https://sqlite.org/wal.html and https://sqlite.org/pragma.html. With synchronous=FULL the WAL is synced at
every commit, so an answered write survives the loss of power.
"""

import fcntl
import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from accredit.errors import FailureError

from .transaction import Engine, Row, StatementError, Unavailable, Value

_BUSY_SECONDS = 5.0
# A text of insert_many may be cached in eight lengths; together with every other statement this stays below.
_CACHED_STATEMENTS = 512

# temp_store: a statement of many rows keeps what it would need to undo itself; in memory that takes a third off an insert.
_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON", "temp_store = MEMORY")

# Not mistakes of ours but the state of the machine. SQLite may have rolled back the transaction by itself by then.
_OUT_OF_ORDER = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)


class SqliteConnection:
    """One connection to the file."""

    engine: Engine = "sqlite"

    def __init__(self, path: Path, *, write: bool) -> None:
        self._connection = connect(path)
        self._run = self._connection.execute
        if not write:
            self.execute("PRAGMA query_only = ON")

    def begin(self, *, write: bool) -> None:
        self.execute("BEGIN IMMEDIATE" if write else "BEGIN")

    def commit(self) -> None:
        self.execute("COMMIT")

    def rollback(self) -> None:
        # After some failures SQLite has rolled back already, and would refuse to do it twice.
        if self._connection.in_transaction:
            self.execute("ROLLBACK")

    def execute(self, sql: str, params: Sequence[Value] = ()) -> int:
        try:
            return self._run(sql, params).rowcount
        except sqlite3.Error as error:
            raise _translated(error, sql) from error

    def execute_all(self, statements: Sequence[tuple[str, Sequence[Value]]]) -> int:
        return sum(self.execute(sql, params) for sql, params in statements)

    def rows(self, sql: str, params: Sequence[Value]) -> list[Row]:
        try:
            return self._run(sql, params).fetchall()
        except sqlite3.Error as error:
            raise _translated(error, sql) from error

    def queue(self, sql: str) -> None:
        self.execute(sql)

    def listen(self) -> None:
        """SQLite tells nobody of a commit; who wants to know looks."""

    def close(self) -> None:
        self._connection.close()


def connect(path: Path) -> sqlite3.Connection:
    """Opens the file, which is made readable to nobody else when it does not exist yet; transactions are explicit."""
    try:
        _create(path)
        connection = sqlite3.connect(
            path,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            cached_statements=_CACHED_STATEMENTS,
        )
    except (OSError, sqlite3.Error) as error:
        raise Unavailable from error
    try:
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
    except sqlite3.Error as error:
        connection.close()
        raise Unavailable from error
    return connection


def _create(path: Path) -> None:
    # Only ever the file that is not there yet: closing a descriptor of a database drops every lock that SQLite holds on it
    # for this process (https://sqlite.org/howtocorrupt.html section 2.2).
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def lock(path: Path) -> IO[str]:
    """Claims the file for one server process; the claim lasts until the returned file is closed or the process ends.

    Raises FailureError database_in_use. The lock file stays behind on purpose: deleting it would race with the next
    claim.
    """
    try:
        claim = path.with_name(path.name + ".lock").open("a", encoding="ascii")
    except OSError as error:
        raise Unavailable from error
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        claim.close()
        raise FailureError("database_in_use") from error
    return claim


def _translated(error: sqlite3.Error, sql: str) -> Unavailable | StatementError:
    code = getattr(error, "sqlite_errorcode", None)  # Absent when the module itself refused, such as a wrong count of values.
    if code is not None and code & 0xFF in _OUT_OF_ORDER:
        return Unavailable()
    return StatementError(str(error), sql)
