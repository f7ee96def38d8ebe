"""The audit trail: whatever is done to its rows behind the server's back is found, and named."""

import asyncio
import time

import pytest

from accredit.encoding import b64url_decode, b64url_encode
from accredit.errors import FailureError, MalformedError
from accredit.server import audit
from accredit.server.audit import AuditBrokenError, AuditEntry, AuditHead, AuditSearch
from accredit.server.keyring.root import RootKey, RootKeys
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.store import bump_config, one_by_one

LIVE = Scope("acc_1", "live")


@one_by_one
def run_sql(tx, item):
    """Change: what somebody who can write the database does to it."""
    return tx.execute(*item)


@one_by_one
def append_entries(tx, entries):
    """Change: several entries at once."""
    audit.append(tx, entries)


@one_by_one
def fail_after(tx, entries):
    """Change: entries of something that then does not happen."""
    audit.append(tx, entries)
    raise LookupError


@one_by_one
def bump_first(tx, n):
    """Change: of the configuration, then told of."""
    bump_config(tx)
    audit.append(tx, [entry(n)])


@one_by_one
def bump_last(tx, n):
    """Change: told of, then of the configuration."""
    audit.append(tx, [entry(n)])
    bump_config(tx)


def entry(n, **members):
    given = {"kind": "key.created", "account_id": "acc_1", "environment": "live", "request_id": f"req_{n}", "detail": {"n": n}}
    return AuditEntry(n, **(given | members))


def broken(run, store, sealer, **options):
    with pytest.raises(AuditBrokenError) as caught:
        run(audit.verify(store, sealer, **options))
    assert caught.value.code == "audit_broken"
    return caught.value.fault, caught.value.seq


def attack(run, store, *statements):
    for statement in statements:
        assert run(store.write(run_sql, (statement, ()))) == 1


def head_text(run, store):
    return run(store.read(lambda tx, _: tx.row("SELECT value FROM meta WHERE name = 'audit_head'"), None))[0]


@pytest.fixture
def trail(run, store, sealer):
    """A trail of ten entries."""
    run(audit.ready(store, sealer))
    run(store.write(append_entries, [entry(n) for n in range(1, 11)]))
    return store


def test_an_empty_chain_holds(run, store, sealer):
    run(audit.ready(store, sealer))
    report = run(audit.verify(store, sealer))
    assert (report.count, str(report.head)) == (0, "0:" + "00" * 32)


def test_a_chain_holds_over_appends_of_every_kind(run, trail, sealer):
    run(trail.write(append_entries, []))
    full = AuditEntry(1, "k", "acc_1", "live", "c", "a", "i", "key", "s", "r", b"\0" * 32, {"names": ["größe"], "n": 1})
    run(trail.write(audit.record_entries, full))
    report = run(audit.verify(trail, sealer))
    assert (report.count, report.head.seq) == (11, 11)
    [record] = run(audit.find(trail, sealer, AuditSearch(LIVE, request_id="r"))).records
    assert (record.seq, record.entry) == (11, full)


def test_what_fails_leaves_no_entry_and_no_gap(run, trail, sealer):
    with pytest.raises(LookupError):
        run(trail.write(fail_after, [entry(99)]))
    run(trail.write(append_entries, [entry(11)]))
    assert run(audit.verify(trail, sealer)).count == 11


def test_failing_neighbours_in_one_group_do_not_break_the_chain(run, trail, sealer):
    async def at_once():
        changes = [append_entries if n % 3 else fail_after for n in range(60)]
        return await asyncio.gather(
            *(trail.write(change, [entry(n)]) for n, change in enumerate(changes)), return_exceptions=True
        )

    assert sum(isinstance(result, LookupError) for result in run(at_once())) == 20
    assert run(audit.verify(trail, sealer)).count == 50


def test_a_long_chain_is_verified_over_its_pages(run, trail, sealer):
    run(trail.write(append_entries, [entry(n) for n in range(2500)]))
    assert run(audit.verify(trail, sealer)).count == 2510
    attack(run, trail, "UPDATE audit SET code = 'x' WHERE seq = 2345")
    assert broken(run, trail, sealer) == ("altered", 2345)


ALTERATIONS = (
    "at_ms = at_ms + 1",
    "account_id = 'acc_2'",
    "environment = 'sandbox'",
    "kind = 'key.revoked'",
    "code = ''",
    "actor = 'acc_1'",
    "integration_id = 'i'",
    "key_id = 'k'",
    "session_id = 's'",
    "request_id = NULL",
    "address_hash = mac",
    "detail = '{\"n\": 5}'",
    "mac = (SELECT mac FROM audit WHERE seq = 1)",
)


def test_finds_an_altered_column_and_names_the_first(run, trail, sealer):
    run(trail.write(append_entries, [entry(n) for n in range(11, 15)]))
    for seq, change in zip(range(14, 1, -1), ALTERATIONS, strict=True):
        attack(run, trail, f"UPDATE audit SET {change} WHERE seq = {seq}")
        assert broken(run, trail, sealer) == ("altered", seq)


def test_finds_a_removed_entry(run, trail, sealer):
    attack(run, trail, "DELETE FROM audit WHERE seq = 5")
    assert broken(run, trail, sealer) == ("missing", 5)


def test_finds_the_first_entry_removed(run, trail, sealer):
    attack(run, trail, "DELETE FROM audit WHERE seq = 1")
    assert broken(run, trail, sealer) == ("missing", 1)


def test_finds_a_removed_entry_though_the_others_move_up(run, trail, sealer):
    attack(run, trail, "DELETE FROM audit WHERE seq = 5")
    for seq in range(6, 11):
        attack(run, trail, f"UPDATE audit SET seq = {seq - 1} WHERE seq = {seq}")
    assert broken(run, trail, sealer) == ("altered", 5)


@pytest.mark.parametrize(("seq", "found"), [(11, ("altered", 11)), (0, ("altered", 1)), (-7, ("altered", 1))])
def test_finds_an_inserted_entry(run, trail, sealer, seq, found):
    columns = "at_ms, account_id, environment, kind, detail, mac"
    attack(run, trail, f"INSERT INTO audit (seq, {columns}) SELECT {seq}, {columns} FROM audit WHERE seq = 3")
    assert broken(run, trail, sealer) == found


def test_finds_an_entry_in_front_of_an_empty_chain(run, store, sealer):
    run(audit.ready(store, sealer))
    insert = "INSERT INTO audit (seq, at_ms, account_id, environment, kind, detail, mac) VALUES (-1, 1, '', '', 'k', '{}', ?)"
    run(store.write(run_sql, (insert, (bytes(32),))))
    assert broken(run, store, sealer) == ("altered", 1)


def test_finds_two_entries_in_each_others_place(run, trail, sealer):
    attack(run, trail, *(f"UPDATE audit SET seq = {to} WHERE seq = {seq}" for seq, to in ((4, 99), (5, 4), (99, 5))))
    assert broken(run, trail, sealer) == ("altered", 4)


def test_finds_an_entry_of_the_same_number_from_another_history(run, trail, sealer):
    early = head_text(run, trail)
    run(trail.write(append_entries, [entry(11, code="other")]))
    attack(
        run, trail, "UPDATE audit SET seq = 99 WHERE seq = 11", f"UPDATE meta SET value = '{early}' WHERE name = 'audit_head'"
    )
    run(trail.write(append_entries, [entry(11), entry(12)]))
    attack(run, trail, "DELETE FROM audit WHERE seq = 11", "UPDATE audit SET seq = 11 WHERE seq = 99")
    assert broken(run, trail, sealer) == ("altered", 12)


def test_finds_a_cut_off_end(run, trail, sealer):
    run(trail.write(run_sql, ("DELETE FROM audit WHERE seq > 7", ())))
    assert broken(run, trail, sealer) == ("cut_off", 8)


def test_finds_that_all_is_gone(run, trail, sealer):
    run(trail.write(run_sql, ("DELETE FROM audit", ())))
    assert broken(run, trail, sealer) == ("cut_off", 1)


def test_finds_a_head_that_was_written_to_fit_a_cut_off_end(run, trail, sealer):
    mac = run(trail.read(lambda tx, _: tx.row("SELECT mac FROM audit WHERE seq = 7"), None))[0]
    name, *_, own = head_text(run, trail).split(":")
    run(trail.write(run_sql, ("DELETE FROM audit WHERE seq > 7", ())))
    for head in (f"{name}:7:{mac.hex()}:{own}", f"{name}:7:{mac.hex()}:", "", "::::", "x"):
        attack(run, trail, f"UPDATE meta SET value = '{head}' WHERE name = 'audit_head'")
        assert broken(run, trail, sealer) == ("head_damaged", 8)
        # Appending would write a new head, and with it hide the cut.
        with pytest.raises(FailureError, match="audit_broken"):
            run(trail.write(append_entries, [entry(8)]))


def test_finds_a_head_of_another_time(run, trail, sealer):
    earlier = head_text(run, trail)
    run(trail.write(append_entries, [entry(11)]))
    attack(run, trail, f"UPDATE meta SET value = '{earlier}' WHERE name = 'audit_head'")
    assert broken(run, trail, sealer) == ("head_differs", 12)


def test_a_head_taken_away_is_not_begun_anew(run, trail, sealer):
    attack(run, trail, "DELETE FROM meta WHERE name = 'audit_head'")
    run(audit.ready(trail, sealer))
    assert broken(run, trail, sealer) == ("head_missing", 11)
    with pytest.raises(FailureError, match="audit_broken"):
        run(trail.write(append_entries, [entry(11)]))


def test_a_restored_old_copy_is_found_by_a_head_noted_elsewhere(run, trail, sealer):
    early = run(audit.verify(trail, sealer)).head
    copy = head_text(run, trail)
    run(trail.write(append_entries, [entry(11), entry(12)]))
    late = run(audit.verify(trail, sealer, expect_head=early)).head
    run(trail.write(run_sql, ("DELETE FROM audit WHERE seq > 10", ())))
    attack(run, trail, f"UPDATE meta SET value = '{copy}' WHERE name = 'audit_head'")
    assert run(audit.verify(trail, sealer, expect_head=early)).count == 10
    assert broken(run, trail, sealer, expect_head=AuditHead.parse(str(late))) == ("unexpected", 11)
    # Another history of the same length.
    run(trail.write(append_entries, [entry(11), entry(13)]))
    assert broken(run, trail, sealer, expect_head=late) == ("unexpected", 13)


@pytest.mark.parametrize(
    "text", ["", "1", f"x:{'00' * 32}", "1:00", f"1:{'zz' * 32}", f"1:{'00' * 33}", f"-1:{'00' * 32}", f"1_0:{'00' * 32}"]
)
def test_refuses_what_is_no_noted_head(text):
    with pytest.raises(MalformedError, match="field_invalid: expect_head"):
        AuditHead.parse(text)


def test_the_chain_holds_after_a_rotation_of_the_root_key(run, trail, root_keys):
    new = RootKeys(RootKey.from_octets(b"n" * 32), (root_keys.current,))
    run(Sealer(trail, new, lambda: 0).rotate_root())
    later = Sealer(trail, RootKeys(new.current), lambda: 0)
    run(audit.ready(trail, later))
    run(trail.write(append_entries, [entry(11)]))
    assert run(audit.verify(trail, later)).count == 11


def test_two_nodes_append_at_once_to_one_chain(run, store, second_store, root_keys):
    nodes = [(node, Sealer(node, root_keys, lambda: 0)) for node in (store, second_store)]

    async def at_once():
        await asyncio.gather(*(audit.ready(*node) for node in nodes))
        # Many small groups that meet, then a few large ones.
        for n in range(100):
            await asyncio.gather(*(node.write(audit.record_entries, entry(n)) for node, _ in nodes))
        await asyncio.gather(*(node.write(audit.record_entries, entry(n)) for n in range(300) for node, _ in nodes))

    run(at_once())
    for node in nodes:
        assert run(audit.verify(*node)).count == 800


def test_nodes_that_lock_head_and_configuration_in_either_order_do_not_wait_for_each_other(run, store, second_store, root_keys):
    nodes = [(node, Sealer(node, root_keys, lambda: 0)) for node in (store, second_store)]

    async def at_once():
        await asyncio.gather(*(audit.ready(*node) for node in nodes))
        for _ in range(20):
            await asyncio.gather(*(node.write(change, 1) for change in (bump_first, bump_last) for node, _ in nodes))

    started = time.monotonic()
    run(at_once())
    assert run(audit.verify(*nodes[0])).count == 80
    # PostgreSQL looks for a deadlock after a second of waiting.
    assert time.monotonic() - started < 1


def test_verifying_while_entries_come_finds_no_fault(run, trail, sealer):
    async def at_once():
        writes = [trail.write(audit.record_entries, entry(n)) for n in range(500)]
        return await asyncio.gather(*(audit.verify(trail, sealer) for _ in range(20)), *writes)

    run(at_once())
    assert run(audit.verify(trail, sealer)).count == 510


def test_finds_newest_first_page_by_page_while_new_ones_come(run, trail, sealer):
    search = AuditSearch(LIVE)
    first = run(audit.find(trail, sealer, search, limit=4))
    run(trail.write(append_entries, [entry(11)]))
    second = run(audit.find(trail, sealer, search, cursor=first.next_cursor, limit=4))
    third = run(audit.find(trail, sealer, search, cursor=second.next_cursor, limit=4))
    seqs = [[record.seq for record in page.records] for page in (first, second, third)]
    assert seqs == [[10, 9, 8, 7], [6, 5, 4, 3], [2, 1]]
    assert third.next_cursor is None
    assert run(audit.find(trail, sealer, search, limit=11)).next_cursor is None


def test_finds_by_request_kind_and_code_and_never_in_another_scope(run, trail, sealer):
    extra = [entry(11, kind="k", code="c"), entry(12, kind="k"), entry(13, account_id="acc_2", code="c")]
    run(trail.write(append_entries, extra))

    def seqs(*members, **wanted):
        return [record.seq for record in run(audit.find(trail, sealer, AuditSearch(*members, **wanted))).records]

    assert seqs(LIVE, kind="k") == [12, 11]
    assert seqs(LIVE, kind="k", code="c") == [11]
    assert seqs(LIVE, request_id="req_3") == [3]
    assert seqs(LIVE, request_id="req_13") == []
    assert seqs(Scope("acc_2", "live")) == [13]
    assert seqs(Scope("acc_1", "sandbox")) == []


def test_refuses_a_cursor_of_another_search_or_of_nobody(run, trail, sealer):
    cursor = run(audit.find(trail, sealer, AuditSearch(LIVE), limit=2)).next_cursor
    others = [(AuditSearch(LIVE, kind="key.created"), cursor), (AuditSearch(Scope("acc_2", "live")), cursor)]
    earlier = b64url_encode((3).to_bytes(8, "big") + b64url_decode(cursor)[8:])
    for search, text in [*others, *((AuditSearch(LIVE), text) for text in ("", "A", "é", cursor[:-1], cursor + "A", earlier))]:
        with pytest.raises(MalformedError, match="cursor_invalid"):
            run(audit.find(trail, sealer, search, cursor=text))
