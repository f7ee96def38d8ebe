"""The schema comes from nothing, is the same on both engines, and is never used when it is behind."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from accredit.errors import FailureError
from accredit.server.store import Store
from accredit.server.store.migrate import HEAD, is_current, migrate


@pytest.fixture
def empty_url(request, database_url):
    """A database without any table, on each engine in turn."""
    if database_url.startswith("sqlite"):
        Path(database_url.removeprefix("sqlite:///")).unlink()
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
