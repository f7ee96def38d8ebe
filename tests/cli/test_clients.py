"""`accredit client`: the backends that call the rest door, and their secrets."""

import asyncio
import os
import stat

import pytest

from accredit.errors import Refused
from accredit.keys import has_secret_form
from accredit.server.app import open_node
from accredit.server.settings import read_settings


def check(commands, client_id, secret):
    """Whether the token endpoint would take these credentials; the client of whose they are."""

    async def work():
        settings = read_settings({**os.environ, **commands.environ})
        async with open_node(settings, exclusive=False) as node:
            client, _ = await node.callers.check_secret(client_id, secret, node.clock())
            return client

    return asyncio.run(work())


def test_creates_and_lists(on_database):
    on_database("account", "create", "Example Ltd")
    made = on_database("client", "create", "shop-1", "--name", "Shop backend", "--json").json
    assert (made["client_id"], made["name"], made["enabled"], made["environment"]) == ("shop-1", "Shop backend", True, "live")
    assert (made["scopes"], made["permissions"], made["token_lifetime_s"]) == (["signicat-api", "accredit"], ["rest"], 600)
    named = on_database("client", "create", "--environment", "sandbox", "--json").json
    assert named["client_id"].startswith("client_")
    assert on_database("client", "list", "--json").json == [made]
    assert on_database("client", "list", "--environment", "sandbox", "--json").json == [named]
    header, row = on_database("client", "list").out.splitlines()
    assert header.split() == ["client_id", "name", "enabled", "permissions", "integration_id", "created_at"]
    assert row.split()[:5] == ["shop-1", "Shop", "backend", "yes", "rest"]


def test_what_a_client_may(on_database):
    on_database("account", "create", "Example Ltd")
    options = ("--scope", "accredit", "--permission", "rest", "--permission", "api", "--token-lifetime", "60")
    made = on_database("client", "create", "operator", *options, "--json").json
    assert (made["scopes"], made["permissions"], made["token_lifetime_s"]) == (["accredit"], ["rest", "api"], 60)
    facts = dict(line.split(maxsplit=1) for line in on_database("client", "enable", "operator").out.splitlines())
    assert (facts["permissions"], facts["enabled"]) == ("rest api", "yes")
    assert "integration_id" not in facts


def test_secrets_are_shown_once_and_three_live_at_once(on_database):
    on_database("account", "create", "Example Ltd")
    on_database("client", "create", "shop-1")
    made = on_database("client", "secret", "shop-1", "--label", "first", "--json").json
    assert (made["key"]["purpose"], made["key"]["client_id"], made["key"]["label"]) == ("api", "shop-1", "first")
    assert has_secret_form(made["secret"])
    assert check(on_database, "shop-1", made["secret"]).name == ""
    assert made["secret"] not in on_database("keys", "list", "--json").out
    stored = on_database("client", "secret", "shop-1", "--out", "shop.secret").out
    path = on_database.directory / "shop.secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().strip() not in stored
    on_database("client", "secret", "shop-1")
    assert "key_limit_reached" in on_database("client", "secret", "shop-1", "--out", "fourth", code=1).err
    assert not (on_database.directory / "fourth").exists()
    on_database("keys", "revoke", made["key"]["key_id"])
    with pytest.raises(Refused, match="invalid_client"):
        check(on_database, "shop-1", made["secret"])
    assert check(on_database, "shop-1", path.read_text().strip()).client_id == "shop-1"
    header, *rows = on_database("keys", "list", "--live").out.splitlines()
    assert header.split()[4:7] == ["deployer_id", "integration_id", "client_id"]
    assert [row.split()[6] for row in rows] == ["shop-1", "shop-1"]


def test_a_disabled_client_is_refused_until_it_is_enabled(on_database):
    on_database("account", "create", "Example Ltd")
    on_database("client", "create", "shop-1")
    secret = on_database("client", "secret", "shop-1", "--json").json["secret"]
    assert on_database("client", "disable", "shop-1", "--json").json["enabled"] is False
    with pytest.raises(Refused, match="invalid_client"):
        check(on_database, "shop-1", secret)
    on_database("client", "enable", "shop-1")
    assert check(on_database, "shop-1", secret).enabled


def test_an_integration_that_holds_the_policy(on_database):
    on_database("account", "create", "Example Ltd")
    made = on_database("integration", "create", "checks", "--door", "rest", "--json").json
    assert on_database("client", "create", "a", "--integration", "checks", "--json").json["integration_id"] == "checks"
    assert made["integration_id"] == "checks"
    assert "integration_not_found" in on_database("client", "create", "b", "--integration", "other", code=1).err


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("create", "a b"), 2, "field_invalid"),
        (("create", "shop-1"), 1, "client_exists"),
        (("create", "--token-lifetime", "0"), 2, "1<=x<=3600"),
        (("create", "--permission", "all"), 2, "'all' is not one of"),
        (("secret", "nobody"), 1, "client_not_found"),
        (("disable", "nobody"), 1, "client_not_found"),
        (("disable", "shop-1", "--environment", "sandbox"), 1, "client_not_found"),
        (("secret", "shop-1", "--environment", "sandbox"), 1, "client_not_found"),
    ],
)
def test_what_there_is_not_is_told(accredit, arguments, code, told):
    accredit("account", "create", "Example Ltd")
    accredit("client", "create", "shop-1")
    assert told in accredit("client", *arguments, code=code).err
