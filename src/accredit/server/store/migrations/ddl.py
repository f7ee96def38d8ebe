"""One DDL text for both engines.

It is written in PostgreSQL's words. For SQLite, whose STRICT tables know fewer types, BIGINT becomes INTEGER, BYTEA
becomes BLOB and an identity column AUTOINCREMENT. On PostgreSQL every TEXT compares by its bytes, as SQLite does,
whatever the locale of the database.
"""

import re

from alembic import op

_FOR_SQLITE = (
    ("BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "INTEGER PRIMARY KEY AUTOINCREMENT"),
    ("BIGINT", "INTEGER"),
    ("BYTEA", "BLOB"),
    ("\n)", "\n) STRICT"),
)


def run(text: str) -> None:
    """Runs statements that are separated by semicolons."""
    engine = op.get_bind().dialect.name
    for statement in filter(None, map(str.strip, text.split(";"))):
        op.execute(_for_sqlite(statement) if engine == "sqlite" else _for_postgresql(statement))


def _for_sqlite(statement: str) -> str:
    for theirs, ours in _FOR_SQLITE:
        statement = statement.replace(theirs, ours)
    return statement


def _for_postgresql(statement: str) -> str:
    return re.sub(r"\bTEXT\b", 'TEXT COLLATE "C"', statement)
