"""A database that goes away fails those who wait, and nobody after; a process that dies loses nothing that it answered for."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import psycopg
import pytest

from accredit.errors import FailureError
from accredit.server.store import Store, bump_config, one_by_one
from accredit.server.store.store import POSTGRESQL_READERS

INSERT = "INSERT INTO counters (integration_id, period, n) VALUES (?, 'p', 1)"

_WRITE_FOR_EVER = """
import asyncio, itertools, os, sys
from accredit.server.store import Store

numbers = itertools.count()

def insert(tx, names):
    tx.insert_many("INSERT INTO counters (integration_id, period, n) VALUES", 3, [(name, "p", 1) for name in names])
    return names

async def write(store):
    while True:
        name = await store.write(insert, f"n{next(numbers)}")
        os.write(1, f"{name}\\n".encode())

async def main():
    store = await Store.open(sys.argv[1])
    await asyncio.gather(*(write(store) for _ in range(16)))

asyncio.run(main())
"""


@one_by_one
def insert(tx, name):
    tx.execute(INSERT, (name,))
    return name


@one_by_one
def lose_connection(tx, name):
    tx.execute(INSERT, (name,))
    tx.rows("SELECT pg_terminate_backend(pg_backend_pid())")


def names_in(tx, _=None):
    return [name for (name,) in tx.rows("SELECT integration_id FROM counters ORDER BY integration_id")]


def end_all_connections(url):
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture
def postgresql_store(postgresql_url, run):
    store = run(Store.open(postgresql_url))
    yield store
    run(store.close())


def unavailable(answer):
    return isinstance(answer, FailureError) and answer.code == "service_unavailable"


def test_a_connection_lost_during_a_group_fails_all_of_it_and_the_next_one_succeeds(postgresql_store, run):
    store = postgresql_store

    async def scenario():
        return await asyncio.gather(
            store.write(insert, "a"),
            store.write(lose_connection, "b"),
            store.write(insert, "c"),
            return_exceptions=True,
        )

    assert all(map(unavailable, run(scenario())))
    assert run(store.read(names_in, None)) == []
    assert run(store.write(insert, "d")) == "d"
    assert run(store.read(names_in, None)) == ["d"]


def test_writes_recover_from_a_connection_lost_while_idle(postgresql_store, postgresql_url, run):
    store = postgresql_store
    run(store.write(insert, "a"))
    end_all_connections(postgresql_url)
    with pytest.raises(FailureError, match="service_unavailable"):
        run(store.write(insert, "b"))
    assert run(store.write(insert, "c")) == "c"
    assert run(store.read(names_in, None)) == ["a", "c"]


def test_reads_do_not_notice_connections_lost_while_idle(postgresql_store, postgresql_url, run):
    """On every reading thread: none finishes before all have begun."""

    async def read_on_every_thread():
        barrier = threading.Barrier(POSTGRESQL_READERS)

        def query(tx, _):
            names = names_in(tx)
            barrier.wait(30)
            return names

        reads = []
        for _ in range(POSTGRESQL_READERS):
            reads.append(asyncio.create_task(postgresql_store.read(query, None)))
            await asyncio.sleep(0.05)
        return await asyncio.gather(*reads)

    for _ in range(2):
        assert run(read_on_every_thread()) == [[]] * POSTGRESQL_READERS
        end_all_connections(postgresql_url)


def test_config_changes_are_seen_after_a_lost_connection(postgresql_store, postgresql_url, run):
    async def scenario():
        other = await Store.open(postgresql_url)
        await asyncio.to_thread(end_all_connections, postgresql_url)
        for _ in range(2):
            try:
                await other.write(one_by_one(lambda tx, _: bump_config(tx)), None)
            except FailureError:
                continue
        for _ in range(200):
            if postgresql_store.config_version == other.config_version > 1:
                break
            await asyncio.sleep(0.01)
        assert postgresql_store.config_version == other.config_version > 1
        await other.close()

    run(scenario())


def test_a_lock_held_by_another_process_for_long_is_unavailable_and_then_over(sqlite_url, run):
    async def scenario():
        store = await Store.open(sqlite_url)
        with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(FailureError, match="service_unavailable"):
                await store.write(insert, "a")
            other.execute("ROLLBACK")
        assert await store.write(insert, "b") == "b"
        assert await store.read(names_in, None) == ["b"]
        await store.close()

    run(scenario())


def test_two_nodes_that_wait_for_each_other_both_succeed(postgresql_url, run):
    @one_by_one
    def add(tx, names):
        for name in names:
            tx.execute("UPDATE counters SET n = n + 1 WHERE integration_id = ?", (name,))

    async def scenario():
        nodes = [await Store.open(postgresql_url), await Store.open(postgresql_url)]
        for name in ("a", "b"):
            await nodes[0].write(insert, name)
        orders = [("a", "b"), ("b", "a")]
        await asyncio.gather(*(node.write(add, order) for node, order in zip(nodes, orders, strict=True) for _ in range(200)))
        total = await nodes[0].read(lambda tx, _: tx.rows("SELECT n FROM counters"), None)
        for node in nodes:
            await node.close()
        return total

    assert run(scenario()) == [(401,), (401,)]


def test_a_killed_process_loses_no_answered_write(database_url, run):
    with subprocess.Popen([sys.executable, "-c", _WRITE_FOR_EVER, database_url], stdout=subprocess.PIPE) as process:
        answered = [process.stdout.readline() for _ in range(2000)]
        os.kill(process.pid, signal.SIGKILL)
        answered += process.stdout.readlines()
    names = {line.decode().strip() for line in answered if line.endswith(b"\n")}

    async def scenario():
        store = await Store.open(database_url)
        found = await store.read(names_in, None)
        assert await store.write(insert, "afterwards") == "afterwards"
        await store.close()
        return found

    assert names <= set(run(scenario()))
    assert len(names) >= 2000
