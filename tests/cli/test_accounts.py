"""`accredit account` and `accredit deployer`, and how commands find the account that they act in."""

import pytest


def test_creates_and_lists_accounts(on_database):
    made = on_database("account", "create", "Example Ltd", "--owner-id", "example", "--json").json
    assert made["name"] == "Example Ltd"
    assert made["owner_id"] == "example"
    assert made["account_id"].startswith("acc_")
    assert on_database("account", "list", "--json").json == [made]
    table = on_database("account", "list").out.splitlines()
    assert table[0].split() == ["account", "owner_id", "name", "created"]
    assert table[1].split()[:4] == [made["account_id"], "example", "Example", "Ltd"]


def test_the_first_account_makes_the_embedded_database(accredit):
    done = accredit.process("account", "create", "Example Ltd")
    assert done.code == 0
    assert "owner_id" in done.out
    assert (accredit.directory / "accredit-data" / "root.key").exists()


def test_an_owner_id_is_nobody_elses(accredit):
    accredit("account", "create", "One", "--owner-id", "example")
    done = accredit("account", "create", "Two", "--owner-id", "example", code=1)
    assert done.err == "accredit: account_exists: There is an account of this id. (owner_id)\n"


def test_an_id_of_a_wrong_form_is_wrong_usage(accredit):
    assert "field_invalid" in accredit("account", "create", "One", "--owner-id", "a:b", code=2).err


def test_creates_and_lists_deployers_by_environment(on_database):
    on_database("account", "create", "Example Ltd")
    on_database("deployer", "create", "shop", "--name", "The Shop")
    on_database("deployer", "create", "shop", "--environment", "sandbox")
    live, sandbox = (on_database("deployer", "list", "--json", *more).json for more in ((), ("--environment", "sandbox")))
    assert [(each["deployer_id"], each["name"], each["environment"]) for each in live] == [("shop", "The Shop", "live")]
    assert [(each["name"], each["environment"]) for each in sandbox] == [("shop", "sandbox")]
    assert "The Shop" in on_database("deployer", "list").out


def test_a_deployer_exists_once(accredit):
    accredit("account", "create", "Example Ltd")
    accredit("deployer", "create", "shop")
    assert "deployer_exists" in accredit("deployer", "create", "shop", code=1).err


def test_lists_more_deployers_than_fit_a_page(accredit, monkeypatch):
    monkeypatch.setattr("accredit.cli.deployer._PAGE", 2)
    accredit("account", "create", "Example Ltd")
    for name in "abcde":
        accredit("deployer", "create", name)
    assert [each["deployer_id"] for each in accredit("deployer", "list", "--json").json] == list("abcde")


def test_without_an_account_the_way_to_one_is_told(accredit):
    accredit("migrate")
    assert "accredit account create" in accredit("deployer", "list", code=2).err


@pytest.mark.parametrize("named", ["one", "acc_1"])
def test_among_several_accounts_one_is_named(accredit, named):
    accredit("account", "create", "One", "--owner-id", "one", "--account-id", "acc_1")
    accredit("account", "create", "Two", "--owner-id", "two", "--account-id", "acc_2")
    assert "--account" in accredit("deployer", "list", code=2).err
    accredit("deployer", "create", "shop", "--account", named)
    assert len(accredit("deployer", "list", "--account", "acc_1", "--json").json) == 1
    assert accredit("deployer", "list", "--account", "two", "--json").json == []
    assert "account_not_found" in accredit("deployer", "list", "--account", "three", code=1).err
