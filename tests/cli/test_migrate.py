"""`accredit migrate`."""

from accredit.server.store.migrate import HEAD


def test_makes_the_schema_and_says_what_was_applied(accredit):
    done = accredit("migrate", "--database-url", "sqlite:///new.sqlite")
    assert done.out == f"applied 0001\nThe schema is at {HEAD}.\n"
    assert accredit("migrate", "--database-url", "sqlite:///new.sqlite", "--json").json == {"applied": [], "version": HEAD}


def test_a_database_that_is_up_to_date_has_nothing_to_do(on_database):
    assert on_database("migrate").out == f"The schema is at {HEAD}; there was nothing to do.\n"


def test_the_embedded_default_needs_no_settings(accredit):
    assert "applied 0001" in accredit.process("migrate").out
    assert (accredit.directory / "accredit-data").stat().st_mode & 0o777 == 0o700
    assert accredit("migrate", "--json").json["applied"] == []
