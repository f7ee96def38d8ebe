"""Brings the schema up to date. Alembic is imported only when there is something to do."""

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from . import sqlite
from .address import sqlite_path
from .transaction import Transaction

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

# The newest file in migrations/versions.
HEAD = "0001"

_MIGRATIONS = Path(__file__).with_name("migrations")
_FIND_REVISION = "SELECT version_num FROM alembic_version"
# Any number of ours: two nodes that start at once migrate one after the other.
_ADVISORY_LOCK = 4_102_444_800


def is_current(url: str) -> bool:
    """Whether the database has the schema that this version of Accredit was written for."""
    path = sqlite_path(url)
    return _postgresql_revision(url) == HEAD if path is None else _sqlite_revision(path) == HEAD


def is_current_schema(tx: Transaction, _: None) -> bool:
    """Query: the same of a database that is open."""
    return tx.row(_FIND_REVISION) == (HEAD,)


def migrate(url: str) -> list[str]:
    """Applies what is missing, all or nothing; the revisions that were applied, oldest first."""
    if is_current(url):
        return []
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    applied: list[str] = []
    config.attributes["applied"] = applied
    engine = _engine(url)
    with engine.begin() as connection:
        _wait_for_turn(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()
    return applied


def _sqlite_revision(path: Path) -> str | None:
    if not path.exists():
        return None
    with closing(sqlite.connect(path)) as connection:
        try:
            found = connection.execute(_FIND_REVISION).fetchone()
        except sqlite3.OperationalError:  # There is no such table yet.
            return None
    return None if found is None else str(found[0])


def _postgresql_revision(url: str) -> str | None:
    from . import postgresql

    with closing(postgresql.connect(url)) as session:
        if session.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
            return None
        found = session.execute(_FIND_REVISION).fetchone()
    return None if found is None else str(found[0])


def _engine(url: str) -> "Engine":
    from sqlalchemy import create_engine, event
    from sqlalchemy.pool import NullPool

    path = sqlite_path(url)
    if path is None:
        from . import postgresql

        # SQLAlchemy opens no transaction on a session that commits by itself.
        connect = partial(postgresql.connect, url, autocommit=False)
        return create_engine("postgresql+psycopg://", creator=connect, poolclass=NullPool)
    engine = create_engine("sqlite://", creator=lambda: sqlite.connect(path), poolclass=NullPool)
    # Our connections leave transactions to us, so that the whole of a migration is one.
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _wait_for_turn(connection: "Connection") -> None:
    """On SQLite the transaction itself has taken the write lock."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
