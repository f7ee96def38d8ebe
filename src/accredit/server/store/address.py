"""Which database a URL means.

sqlite:///data/accredit.sqlite            relative to the working directory
sqlite:////var/lib/accredit/db.sqlite     absolute
postgresql://user:password@host/name      everything that libpq reads, with its parameters
"""

from collections.abc import Callable
from pathlib import Path

from accredit.errors import FailureError

from . import sqlite
from .transaction import Connection

_SQLITE = "sqlite:///"
_POSTGRESQL = "postgresql://"


def sqlite_path(url: str) -> Path | None:
    """The file of a SQLite URL, None for PostgreSQL. Raises FailureError database_url_invalid for anything else."""
    if url.startswith(_POSTGRESQL):
        return None
    path = url.removeprefix(_SQLITE)
    # Stricter than a path needs: parameters after the path would otherwise quietly become part of a file's name.
    if path == url or not path or any(mark in path for mark in "?#\0") or path.startswith(":"):
        raise FailureError("database_url_invalid")
    return Path(path)


def connector(url: str, *, write: bool) -> Callable[[], Connection]:
    """What opens a connection to the database at this URL."""
    path = sqlite_path(url)
    if path is not None:
        return lambda: sqlite.SqliteConnection(path, write=write)
    # Imported here, because a server on SQLite runs without psycopg.
    from .postgresql import PostgresConnection

    return lambda: PostgresConnection(url)
