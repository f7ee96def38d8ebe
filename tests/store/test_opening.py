"""Which addresses are understood, who may open a database, and with which promises."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from accredit.errors import FailureError
from accredit.server.store import Store, one_by_one

_OPEN = """
import asyncio, sys
from accredit.errors import FailureError
from accredit.server.store import Store

async def main():
    try:
        store = await Store.open(sys.argv[1], exclusive=sys.argv[2] == "exclusively")
    except FailureError as error:
        print(error.code)
    else:
        await store.close()
        print("opened")

asyncio.run(main())
"""


@one_by_one
def insert(tx, name):
    tx.execute("INSERT INTO counters (integration_id, period, n) VALUES (?, 'p', 1)", (name,))


def names_in(tx, _):
    return [name for (name,) in tx.rows("SELECT integration_id FROM counters ORDER BY integration_id")]


def open_in_another_process(url, *, exclusive=True):
    command = [sys.executable, "-c", _OPEN, url, "exclusively" if exclusive else "beside a server"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "accredit.sqlite",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///file?mode=ro",
        "mysql://host/name",
        "postgres:name",
        "postgresql://[host/name",
        "postgresql://host/name?no_such_parameter=1",
    ],
)
def test_refuses_an_address_that_it_does_not_understand(run, url):
    with pytest.raises(FailureError, match="database_url_invalid"):
        run(Store.open(url))


def test_an_address_that_is_refused_is_not_quoted(run):
    with pytest.raises(FailureError) as caught:
        run(Store.open("postgresql://user:s3cret@[host/name"))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("url", ["postgresql://accredit@127.0.0.1:1/name", "sqlite:////nowhere/to/be/found.sqlite"])
def test_a_database_that_is_out_of_reach_is_unavailable(run, url):
    with pytest.raises(FailureError, match="service_unavailable"):
        run(Store.open(url, migrate=True))


def test_a_relative_sqlite_address_starts_at_the_working_directory(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(run(Store.open("sqlite:///here.sqlite", migrate=True)).close())
    assert (tmp_path / "here.sqlite").exists()


def test_a_second_server_on_a_sqlite_file_is_refused_until_the_first_has_closed(sqlite_url, run):
    first = run(Store.open(sqlite_url))
    with pytest.raises(FailureError, match="database_in_use"):
        run(Store.open(sqlite_url))
    assert open_in_another_process(sqlite_url) == "database_in_use"
    run(first.close())
    assert open_in_another_process(sqlite_url) == "opened"


def test_a_command_opens_a_sqlite_file_beside_a_server(sqlite_url, run):
    async def scenario():
        server = await Store.open(sqlite_url)
        command = await Store.open(sqlite_url, exclusive=False)
        await server.write(insert, "server")
        await command.write(insert, "command")
        names = await server.read(names_in, None)
        await command.close()
        await server.close()
        return names

    assert run(scenario()) == ["command", "server"]


def test_a_command_that_closes_leaves_the_files_to_the_server(sqlite_url, run):
    """SQLite's locks belong to the process and are lost when it closes the file by any other way than SQLite's."""
    log = Path(sqlite_url.removeprefix("sqlite:///") + "-wal")
    server = run(Store.open(sqlite_url))
    run(server.write(insert, "one"))
    before = log.stat().st_ino
    assert open_in_another_process(sqlite_url, exclusive=False) == "opened"
    after = log.stat().st_ino
    run(server.write(insert, "two"))
    run(server.close())
    assert after == before
    again = run(Store.open(sqlite_url))
    assert run(again.read(names_in, None)) == ["one", "two"]
    run(again.close())


def test_several_servers_share_a_postgresql_database(postgresql_url, run):
    first = run(Store.open(postgresql_url))
    run(run(Store.open(postgresql_url)).close())
    run(first.close())


def test_an_answered_write_survives_the_loss_of_power(store, run):
    """The engine's own promise, whatever the default of the server is; the one of the tests does not sync."""
    wanted = {
        "sqlite": [("PRAGMA synchronous", 2), ("PRAGMA journal_mode", "wal")],
        "postgresql": [("SHOW synchronous_commit", "on")],
    }

    @one_by_one
    def look(tx, _):
        return [(sql, tx.rows(sql)[0][0]) for sql, _ in wanted[tx.engine]], wanted[tx.engine]

    found, expected = run(store.write(look, None))
    assert found == expected


def test_closing_leaves_no_thread_and_no_descriptor(database_url, run):
    def open_descriptors():
        return len(os.listdir("/proc/self/fd"))

    run(run(Store.open(database_url)).close())
    # Other tests of this process may keep a server of their own running.
    before, threads = open_descriptors(), set(threading.enumerate())
    for _ in range(3):
        run(run(Store.open(database_url)).close())
    assert open_descriptors() == before
    assert [thread for thread in set(threading.enumerate()) - threads if thread.name.startswith("accredit")] == []
