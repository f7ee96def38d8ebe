"""One SQL text means the same on both engines."""

import pytest

from accredit.server.store import StatementError, one_by_one
from accredit.server.store.wire import numbered

USERS = "INSERT INTO users (integration_id, subject_hash, data, version, created_ms, updated_ms) VALUES"


def in_a_transaction(store, run, block):
    """What the block returns, which runs as a change."""
    return run(store.write(one_by_one(lambda tx, _: block(tx)), None))


def test_values_come_back_as_they_were_written(store, run):
    values = ("ünï 'quoted' \"?\" $1 😀", b"\x00\xff'\\x41", None, 2**63 - 1, -(2**63), 0)

    def block(tx):
        tx.execute(f"{USERS} (?, ?, ?, ?, ?, ?)", values)
        return tx.row("SELECT integration_id, subject_hash, data, version, created_ms, updated_ms FROM users")

    assert in_a_transaction(store, run, block) == values


def test_empty_text_and_bytes_are_not_null(store, run):
    def block(tx):
        tx.execute(f"{USERS} (?, ?, ?, 1, 1, 1)", ("", b"", b""))
        return tx.row("SELECT integration_id, subject_hash, data FROM users")

    assert in_a_transaction(store, run, block) == ("", b"", b"")


def test_a_truth_value_is_0_or_1(store, run):
    assert in_a_transaction(store, run, lambda tx: tx.row("SELECT 1 < 2, 1 > 2")) == (1, 0)


def test_a_float_comes_back_as_one(store, run):
    sql = "SELECT CAST(? AS DOUBLE PRECISION), CAST(? AS DOUBLE PRECISION)"
    assert in_a_transaction(store, run, lambda tx: tx.row(sql, (0.1, -1e300))) == (0.1, -1e300)


def test_execute_tells_the_number_of_rows_that_changed(store, run):
    def block(tx):
        inserted = tx.execute(f"{USERS} ('a', ?, NULL, 1, 1, 1), ('b', ?, NULL, 1, 1, 1)", (b"1", b"2"))
        again = tx.execute(f"{USERS} ('a', ?, NULL, 1, 1, 1) ON CONFLICT DO NOTHING", (b"1",))
        updated = tx.execute("UPDATE users SET version = version + 1 WHERE integration_id = ?", ("a",))
        return inserted, again, updated, tx.execute("DELETE FROM users")

    assert in_a_transaction(store, run, block) == (2, 0, 1, 2)


def test_returning_gives_rows(store, run):
    sql = f"{USERS} ('a', ?, NULL, 1, 1, 1) ON CONFLICT DO NOTHING RETURNING integration_id, version"

    def block(tx):
        return tx.row(sql, (b"1",)), tx.row(sql, (b"1",))

    assert in_a_transaction(store, run, block) == (("a", 1), None)


def test_a_new_row_gets_a_number_of_its_own(store, run):
    sql = (
        "INSERT INTO data_keys (account_id, environment, purpose, root_key_id, created_ms)"
        " VALUES (?, 'live', 'seal', 'r1', 1) RETURNING id"
    )
    (first,), (second,) = in_a_transaction(store, run, lambda tx: (tx.row(sql, ("a",)), tx.row(sql, ("b",))))
    assert second > first


@pytest.mark.parametrize("count", [0, 1, 2, 3, 64, 127, 128, 300])
def test_insert_many_inserts_every_row_once(store, run, count):
    rows = [("a", f"{number:04}".encode(), None, number, 1, 1) for number in range(count)]

    def block(tx):
        inserted = tx.insert_many(USERS, 6, rows)
        return inserted, tx.rows("SELECT subject_hash, version FROM users ORDER BY version")

    assert in_a_transaction(store, run, block) == (count, [(row[1], row[3]) for row in rows])


def test_insert_many_tells_how_many_were_new(store, run):
    rows = [("a", bytes([number % 7]), None, number, 1, 1) for number in range(20)]
    assert in_a_transaction(store, run, lambda tx: tx.insert_many(USERS, 6, rows, "ON CONFLICT DO NOTHING")) == 7


def test_text_sorts_by_its_bytes(store, run):
    def block(tx):
        for name in ("b", "a", "B", "_", "é", "~"):
            tx.execute(f"{USERS} (?, ?, NULL, 1, 1, 1)", (name, b"1"))
        return [name for (name,) in tx.rows("SELECT integration_id FROM users ORDER BY integration_id")]

    assert in_a_transaction(store, run, block) == ["B", "_", "a", "b", "~", "é"]


def test_an_error_names_the_statement_and_never_a_value(store, run):
    def block(tx):
        for _ in range(2):
            tx.execute(f"{USERS} (?, ?, NULL, 1, 1, 1)", ("ada@example.com", b"1"))

    with pytest.raises(StatementError) as caught:
        in_a_transaction(store, run, block)
    assert "INSERT INTO users" in str(caught.value)
    assert "ada" not in str(caught.value)


@pytest.mark.parametrize("sql", ["SELECT FROM WHERE", "SELECT nothing FROM nowhere", "INSERT INTO meta (name) VALUES ('x')"])
def test_a_wrong_statement_is_an_error_each_time_it_is_run(store, run, sql):
    for _ in range(2):
        with pytest.raises(StatementError):
            in_a_transaction(store, run, lambda tx: tx.execute(sql))
    assert in_a_transaction(store, run, lambda tx: tx.row("SELECT 1")) == (1,)


def test_more_different_statements_than_stay_prepared(store, run):
    def block(tx):
        return [tx.rows(f"SELECT {number} + CAST(? AS BIGINT)", (1,))[0][0] for number in range(1200)]

    assert in_a_transaction(store, run, block) == list(range(1, 1201))


def test_numbers_placeholders_but_not_question_marks_in_text():
    assert numbered("SELECT '?', \"?\", ? -- ?\n, 'it''s ?', ?") == "SELECT '?', \"?\", $1 -- ?\n, 'it''s ?', $2"
