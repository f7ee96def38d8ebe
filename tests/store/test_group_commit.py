"""Many callers share a commit; what fails fails alone; an answer means that the write is durable."""

import asyncio
import threading
from contextlib import suppress

import pytest

from accredit.errors import ConflictError, FailureError
from accredit.server.store import StatementError, Store, one_by_one
from accredit.server.store.writer import QUEUE

INSERT = "INSERT INTO counters (integration_id, period, n) VALUES"


def insert(tx, names):
    """Inserts what is not there yet, in one statement; whether it was this one that did."""
    before = {name for (name,) in tx.rows("SELECT integration_id FROM counters")}
    tx.insert_many(INSERT, 3, [(name, "p", 1) for name in names], "ON CONFLICT DO NOTHING")
    answers = []
    for name in names:
        answers.append(name not in before)
        before.add(name)
    return answers


@one_by_one
def insert_one(tx, name):
    """Inserts, then raises for a name that asks for it."""
    tx.execute(f"{INSERT} (?, 'p', 1)", (name,))
    if name.startswith("bad"):
        raise ConflictError("session_not_active")
    return name


def insert_or_raise(tx, names):
    tx.insert_many(INSERT, 3, [(name, "p", 1) for name in names])
    if any(name.startswith("bad") for name in names):
        raise ConflictError("session_not_active")
    return names


def names_in(tx, _=None):
    return [name for (name,) in tx.rows("SELECT integration_id FROM counters ORDER BY integration_id")]


def together(store, change, items):
    async def ask():
        return await asyncio.gather(*(store.write(change, item) for item in items), return_exceptions=True)

    return ask()


def held_up(started, release):
    """A change that keeps the writer busy until it is released."""

    def change(tx, items):
        started.set()
        assert release.wait(30)
        return items

    return change


async def occupy(store, started, release):
    """The writer is inside a group when this returns."""
    busy = asyncio.create_task(store.write(held_up(started, release), None))
    await asyncio.to_thread(started.wait, 30)
    return busy


def test_many_concurrent_writes_share_few_commits(store, run):
    answers = run(together(store, insert, [f"n{i}" for i in range(200)]))
    assert answers == [True] * 200
    assert store.writer.items == 200
    assert store.writer.groups <= 3


def test_what_arrives_during_a_commit_goes_into_the_next_one(store, run):
    started, release = threading.Event(), threading.Event()

    async def scenario():
        busy = await occupy(store, started, release)
        writes = []
        for number in range(50):
            writes.append(asyncio.create_task(store.write(insert, f"n{number}")))
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        release.set()
        await asyncio.gather(busy, *writes)

    run(scenario())
    assert store.writer.groups == 2


def test_different_changes_share_a_commit(store, run):
    async def scenario():
        return await asyncio.gather(store.write(insert, "a"), store.write(insert_one, "b"), store.write(insert, "c"))

    assert run(scenario()) == [True, "b", True]
    assert store.writer.groups == 1
    assert run(store.read(names_in, None)) == ["a", "b", "c"]


def test_of_equal_keys_in_one_group_exactly_one_wins(store, run):
    answers = run(together(store, insert, ["a", "same", "same", "b", "same"]))
    assert answers == [True, True, False, True, False]
    assert store.writer.groups == 1
    assert run(store.read(names_in, None)) == ["a", "b", "same"]


def test_of_equal_keys_taken_one_by_one_exactly_one_wins(store, run):
    answers = run(together(store, insert_one, ["a", "same", "same", "b"]))
    assert [answer for answer in answers if isinstance(answer, str)] == ["a", "same", "b"]
    assert isinstance(answers[2], StatementError)
    assert run(store.read(names_in, None)) == ["a", "b", "same"]


def test_an_item_that_raises_leaves_nothing_behind_and_its_neighbours_alone(store, run):
    answers = run(together(store, insert_one, ["a", "bad", "b"]))
    assert answers[0] == "a"
    assert answers[2] == "b"
    assert isinstance(answers[1], ConflictError)
    assert store.writer.groups == 1
    assert run(store.read(names_in, None)) == ["a", "b"]


def test_a_batch_that_raises_is_run_again_one_by_one(store, run):
    answers = run(together(store, insert_or_raise, ["a", "bad", "b"]))
    assert isinstance(answers[1], ConflictError)
    assert (answers[0], answers[2]) == ("a", "b")
    assert run(store.read(names_in, None)) == ["a", "b"]


def test_a_change_that_answers_too_few_fails_and_writes_nothing(store, run):
    def forgetful(tx, names):
        insert(tx, names)
        return []

    answers = run(together(store, forgetful, ["a"]))
    assert isinstance(answers[0], ValueError)
    assert run(store.read(names_in, None)) == []


def test_a_commit_that_fails_gives_nobody_an_answer_but_those_it_holds_for(store, run):
    @one_by_one
    def make(tx, _):
        tx.execute("CREATE TABLE parents (id INTEGER PRIMARY KEY)")
        tx.execute("CREATE TABLE children (parent INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED, name TEXT)")
        tx.execute("INSERT INTO parents (id) VALUES (1)")

    def adopt(tx, parents):
        return [tx.execute("INSERT INTO children (parent, name) VALUES (?, 'x')", (parent,)) for parent in parents]

    run(store.write(make, None))
    answers = run(together(store, adopt, [1, 2, 1]))
    assert answers[0] == answers[2] == 1
    assert isinstance(answers[1], StatementError)
    assert run(store.read(lambda tx, _: tx.row("SELECT COUNT(*) FROM children"), None)) == (2,)


def test_a_savepoint_undoes_only_its_block(store, run):
    @one_by_one
    def change(tx, _):
        tx.execute(f"{INSERT} ('before', 'p', 1)")
        with pytest.raises(ConflictError), tx.savepoint():
            insert_or_raise(tx, ["bad"])
        tx.execute(f"{INSERT} ('after', 'p', 1)")

    run(store.write(change, None))
    assert run(store.read(names_in, None)) == ["after", "before"]


def test_a_statement_that_fails_inside_a_savepoint_does_not_end_the_transaction(store, run):
    @one_by_one
    def change(tx, _):
        tx.execute(f"{INSERT} ('a', 'p', 1)")
        with pytest.raises(StatementError), tx.savepoint():
            tx.execute(f"{INSERT} ('a', 'p', 1)")
        return tx.execute("UPDATE counters SET n = 2")

    assert run(store.write(change, None)) == 1


def test_a_change_that_hides_a_failed_statement_harms_only_its_own_group(store, run):
    def careless(tx, names):
        with tx.savepoint(), suppress(StatementError):
            tx.execute("SELECT nothing FROM nowhere")
        raise ConflictError("session_not_active")

    run(together(store, careless, ["a", "b"]))
    assert run(store.write(insert_one, "afterwards")) == "afterwards"


def test_a_caller_who_leaves_does_not_disturb_the_others(store, run):
    started, release = threading.Event(), threading.Event()

    async def scenario():
        busy = await occupy(store, started, release)
        writes = [asyncio.create_task(store.write(insert, name)) for name in ("a", "b", "c")]
        await asyncio.sleep(0)
        writes[1].cancel()
        release.set()
        return await asyncio.gather(busy, *writes, return_exceptions=True)

    answers = run(scenario())
    assert answers[1] is answers[3] is True
    assert isinstance(answers[2], asyncio.CancelledError)


def test_a_stop_iteration_reaches_its_caller_as_an_error(store, run):
    @one_by_one
    def change(tx, items):
        return next(iter(items))

    answers = run(together(store, change, ["", "x"]))
    assert isinstance(answers[0], RuntimeError)
    assert answers[1] == "x"


def test_turns_callers_away_when_too_many_wait(store, run):
    started, release = threading.Event(), threading.Event()

    async def scenario():
        busy = await occupy(store, started, release)
        waiting = [store.writer.ask(insert_one, f"n{number}") for number in range(QUEUE)]
        with pytest.raises(FailureError, match="service_unavailable"):
            await store.write(insert_one, "one too many")
        release.set()
        await asyncio.gather(busy, *waiting)

    run(scenario())
    assert len(run(store.read(names_in, None))) == QUEUE


def test_serves_who_waits_when_it_closes_and_nobody_after(database_url, run):
    async def scenario():
        store = await Store.open(database_url)
        writes = [asyncio.create_task(store.write(insert, f"n{number}")) for number in range(20)]
        await asyncio.sleep(0)
        await store.close()
        with pytest.raises(FailureError, match="service_unavailable"):
            await store.write(insert, "late")
        return await asyncio.gather(*writes)

    assert run(scenario()) == [True] * 20


def test_what_waited_for_another_node_is_run_again_alone(run, store):
    tried = []

    @one_by_one
    def wait_once(tx, name):
        tried.append(name)
        tx.execute(f"{INSERT} (?, 'p', 1)", (name,))
        if tried.count("a") == 1 and name == "a":
            raise StatementError("40P01", "UPDATE", transient=True)
        return name

    assert run(together(store, wait_once, ["a", "b"])) == ["a", "b"]
    assert run(store.read(names_in, None)) == ["a", "b"]
    assert tried.count("a") == 2
