"""The schema comes from nothing, is the same on both engines, and is never used when it is behind."""

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from accredit.errors import FailureError
from accredit.server.store import Store, migrations
from accredit.server.store.config_version import find_version
from accredit.server.store.migrate import HEAD, is_current, migrate

_MIGRATE = "import sys; from accredit.server.store.migrate import migrate; print(migrate(sys.argv[1]))"
_SQLITE_TYPES = {"TEXT": "text", "INTEGER": "bigint", "BLOB": "bytea"}


def sqlite_file(url):
    return Path(url.removeprefix("sqlite:///"))


@pytest.fixture
def empty_url(database_url):
    """A database without any table, on each engine in turn."""
    if database_url.startswith("sqlite"):
        sqlite_file(database_url).unlink()
    else:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
    return database_url


def test_migrates_from_nothing_and_only_once(empty_url):
    assert not is_current(empty_url)
    assert migrate(empty_url) == [HEAD]
    assert is_current(empty_url)
    assert migrate(empty_url) == []


def test_two_nodes_that_start_at_once_migrate_one_after_the_other(empty_url):
    command = [sys.executable, "-c", _MIGRATE, empty_url]
    nodes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert sorted(node.communicate(timeout=60)[0] for node in nodes) == ["['0001']\n", "[]\n"]


def test_opening_migrates_when_asked_to(empty_url, run):
    async def scenario():
        store = await Store.open(empty_url, migrate=True)
        try:
            return await store.read(find_version, None)
        finally:
            await store.close()

    assert run(scenario()) == 1


def test_refuses_a_schema_that_is_behind(empty_url, run):
    with pytest.raises(FailureError, match="schema_behind"):
        run(Store.open(empty_url))


def test_refusing_leaves_no_file_behind(empty_url, run):
    with pytest.raises(FailureError):
        run(Store.open(empty_url, exclusive=False))
    if empty_url.startswith("sqlite"):
        assert list(sqlite_file(empty_url).parent.iterdir()) == []


def test_the_file_is_readable_to_its_owner_only(tmp_path):
    path = tmp_path / "new.sqlite"
    migrate(f"sqlite:///{path}")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_migration_that_fails_leaves_nothing_half_done(empty_url):
    if empty_url.startswith("sqlite"):
        with closing(sqlite3.connect(sqlite_file(empty_url))) as connection:
            connection.execute("CREATE TABLE audit (x)")
    else:
        with psycopg.connect(empty_url, autocommit=True) as connection:
            connection.execute("CREATE TABLE audit (x TEXT)")
    with pytest.raises(Exception, match="already exists"):
        migrate(empty_url)
    assert tables(empty_url) == ["audit"]


def test_the_newest_revision_is_the_one_that_the_server_asks_for():
    names = [path.name for path in Path(migrations.__file__).parent.glob("versions/[0-9]*.py")]
    assert max(names).startswith(f"{HEAD}_")


def test_both_engines_have_the_same_tables_columns_and_indexes(sqlite_url, postgresql_url):
    with closing(sqlite3.connect(sqlite_file(sqlite_url))) as sqlite, psycopg.connect(postgresql_url) as postgresql:
        assert sqlite_columns(sqlite) == postgresql_columns(postgresql)
        assert sqlite_indexes(sqlite) == postgresql_indexes(postgresql)


def test_every_sqlite_table_is_strict(sqlite_url):
    with closing(sqlite3.connect(sqlite_file(sqlite_url))) as connection:
        tables = connection.execute("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'").fetchall()
    ours = {name: strict for name, strict in tables if not name.startswith(("sqlite_", "alembic_"))}
    assert len(ours) > 10
    assert set(ours.values()) == {1}


def test_postgresql_compares_all_text_by_its_bytes(postgresql_url):
    with psycopg.connect(postgresql_url) as connection:
        rows = connection.execute(
            "SELECT DISTINCT collation_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND data_type = 'text'"
        ).fetchall()
    assert rows == [("C",)]


def tables(url):
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(sqlite_file(url))) as connection:
            rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    else:
        with psycopg.connect(url) as connection:
            rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return [name for (name,) in rows]


def sqlite_columns(connection):
    """(table, column, type, not null, place in the primary key) for every column."""
    rows = connection.execute(
        'SELECT m.name, c.name, c.type, c."notnull" OR c.pk > 0, c.pk FROM sqlite_schema m, pragma_table_info(m.name) c'
        " WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name <> 'alembic_version'"
    )
    return {(table, name, _SQLITE_TYPES[kind], bool(required), place) for table, name, kind, required, place in rows}


def postgresql_columns(connection):
    rows = connection.execute(
        "SELECT c.table_name, c.column_name, c.data_type, c.is_nullable = 'NO', COALESCE(k.ordinal_position, 0)"
        " FROM information_schema.columns c"
        " LEFT JOIN information_schema.table_constraints t ON t.table_name = c.table_name"
        "   AND t.table_schema = 'public' AND t.constraint_type = 'PRIMARY KEY'"
        " LEFT JOIN information_schema.key_column_usage k ON k.constraint_name = t.constraint_name"
        "   AND k.table_name = c.table_name AND k.column_name = c.column_name"
        " WHERE c.table_schema = 'public' AND c.table_name <> 'alembic_version'"
    )
    return set(rows.fetchall())


def sqlite_indexes(connection):
    rows = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
    return {name: shape(sql) for name, sql in rows}


def postgresql_indexes(connection):
    rows = connection.execute(
        "SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " WHERE c.relnamespace = 'public'::regnamespace"
        " AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid)"
    )
    return {name: shape(sql) for name, sql in rows}


def shape(sql):
    """Whether it is unique, its table, its columns, and the columns and values that its condition names."""
    found = re.search(r"CREATE (UNIQUE )?INDEX \w+ ON (?:public\.)?(\w+)(?: USING btree)? \(([^)]*)\)(.*)", sql, re.DOTALL)
    unique, table, columns, condition = found.groups()
    words = re.sub(r"::\w+(\[\])?", "", condition)
    named = sorted(set(re.findall(r"[a-z_']+", words)) - {"status", "in"})
    return bool(unique), table, columns, named
