"""A query sees what was committed before it was asked, one state of it, and cannot write."""

import asyncio
import threading

import pytest

from accredit.errors import AccreditError, ConflictError
from accredit.server.store import one_by_one

INSERT = "INSERT INTO counters (integration_id, period, n) VALUES (?, 'p', 1)"


@one_by_one
def insert(tx, name):
    tx.execute(INSERT, (name,))


def count(tx, _=None):
    return tx.rows("SELECT COUNT(*) FROM counters")[0][0]


def test_sees_every_write_that_was_answered_before(store, run):
    async def scenario():
        for expected in range(1, 51):
            await store.write(insert, f"n{expected}")
            assert await asyncio.gather(*(store.read(count, None) for _ in range(5))) == [expected] * 5

    run(scenario())


def test_sees_committed_data_only(store, run):
    written, release = threading.Event(), threading.Event()

    @one_by_one
    def slow_insert(tx, name):
        tx.execute(INSERT, (name,))
        written.set()
        assert release.wait(30)

    async def scenario():
        write = asyncio.create_task(store.write(slow_insert, "a"))
        await asyncio.to_thread(written.wait, 30)
        meanwhile = await store.read(count, None)
        release.set()
        await write
        return meanwhile, await store.read(count, None)

    assert run(scenario()) == (0, 1)


def test_all_statements_of_a_query_see_one_state(store, run):
    counted, release = threading.Event(), threading.Event()

    def count_twice(tx, _):
        first = count(tx)
        counted.set()
        assert release.wait(30)
        return first, count(tx)

    async def scenario():
        read = asyncio.create_task(store.read(count_twice, None))
        await asyncio.to_thread(counted.wait, 30)
        await store.write(insert, "a")
        release.set()
        return await read

    assert run(scenario()) == (0, 0)


def test_a_query_that_raises_leaves_its_neighbours_alone(store, run):
    def query(tx, what):
        if what == "raise":
            raise ConflictError("session_not_active")
        if what == "misspell":
            tx.rows("SELECT nothing FROM nowhere")
        return count(tx)

    async def scenario():
        asked = ["count", "raise", "count", "misspell", "count", "count"] * 10
        return await asyncio.gather(*(store.read(query, what) for what in asked), return_exceptions=True)

    answers = run(scenario())
    assert [answer for answer in answers if not isinstance(answer, Exception)] == [0] * 40
    assert len([answer for answer in answers if isinstance(answer, ConflictError)]) == 10


def test_a_query_cannot_write(store, run):
    with pytest.raises(AccreditError):
        run(store.read(lambda tx, name: tx.execute(INSERT, (name,)), "a"))
    assert run(store.read(count, None)) == 0


def test_a_slow_query_does_not_hold_up_the_next(store, run):
    started, release = threading.Event(), threading.Event()

    def slow(tx, _):
        started.set()
        assert release.wait(30)

    async def scenario():
        read = asyncio.create_task(store.read(slow, None))
        await asyncio.to_thread(started.wait, 30)
        assert await store.read(count, None) == 0
        release.set()
        await read

    run(scenario())
