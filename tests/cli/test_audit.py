"""`accredit audit`: what commands did is in the trail, and a trail that was rewritten is told with exit code 1."""

import sqlite3
from contextlib import closing


def test_lists_what_commands_did_newest_first(on_database, set_up):
    set_up(on_database)
    entries = on_database("audit", "list", "--json").json
    assert [each["kind"] for each in entries] == ["key.created", "integration.published", "deployer.created"]
    assert {each["actor"] for each in entries} == {"cli"}
    assert [each["kind"] for each in on_database("audit", "list", "--server", "--json").json] == []
    assert on_database("audit", "list", "--limit", "1").out.splitlines()[1].split()[2] == "key.created"


def test_narrows_the_list(shop):
    assert len(shop("audit", "list", "--kind", "key.created", "--json").json) == 1
    assert shop("audit", "list", "--code", "token_expired", "--json").json == []
    assert shop("audit", "list", "--request-id", "nobody", "--json").json == []
    assert shop("audit", "list", "--environment", "sandbox", "--json").json == []


def test_verifies_the_chain_from_a_head_that_was_noted(on_database, set_up):
    set_up(on_database)
    noted = on_database("audit", "verify", "--json").json
    assert noted["holds"] is True
    on_database("deployer", "create", "another")
    told = on_database("audit", "verify", "--expect-head", noted["head"]).out
    assert told.startswith(f"The audit chain holds: {noted['count'] + 1} entries.\nhead {noted['count'] + 1}:")


def test_a_chain_that_was_rewritten_does_not_hold(shop):
    with closing(sqlite3.connect(shop.directory / "accredit-data" / "accredit.sqlite")) as database, database:
        database.execute("UPDATE audit SET actor = 'somebody' WHERE seq = 2")
    done = shop("audit", "verify", code=1)
    assert done.err == "accredit: audit_broken: The audit chain does not hold. (altered at 2)\n"
    assert shop.process("audit", "verify", "--json").code == 1


def test_a_head_of_another_history_does_not_hold(shop):
    assert "audit_broken" in shop("audit", "verify", "--expect-head", f"2:{'0' * 64}", code=1).err
    assert "(expect_head)" in shop("audit", "verify", "--expect-head", "yesterday", code=2).err
