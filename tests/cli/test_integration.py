"""`accredit integration`: policies are written as NAME=VALUE, and each change is a version."""

import pytest


@pytest.fixture
def owner(on_database):
    on_database("account", "create", "Example Ltd", "--owner-id", "example")
    on_database("deployer", "create", "shop")
    return on_database


def test_creates_shows_changes_and_lists(owner):
    made = owner("integration", "create", "checkout", "--deployer", "shop", "--name", "Checkout", "--json").json
    assert (made["integration_id"], made["owner_id"], made["version"]) == ("checkout", "example", 1)
    assert made["signed_deployment"] == "off"
    members = (
        "signed_deployment=required",
        'allowed_origins=["https://shop.example"]',
        "session_lifetime_s=600",
        "enabled=false",
    )
    changed = owner("integration", "set", "checkout", *members, "--json").json
    assert changed["version"] == 2
    assert changed["allowed_origins"] == ["https://shop.example"]
    assert (changed["session_lifetime_s"], changed["enabled"]) == (600, False)
    assert owner("integration", "show", "checkout", "--json").json == changed
    assert owner("integration", "list", "--json").json == [changed]
    listed = owner("integration", "list").out.splitlines()
    assert listed[1].split() == ["checkout", "shop", "Checkout", "2", "no"]


def test_shows_each_member_of_the_policy_on_a_line(owner):
    owner("integration", "create", "checkout", "--deployer", "shop", "signed_deployment=required")
    lines = owner("integration", "show", "checkout").out.splitlines()
    assert ["signed_deployment", "required"] in [line.split() for line in lines]
    assert ["quota_per_day", "-"] in [line.split() for line in lines]


def test_lists_versions_with_what_changed(owner):
    owner("integration", "create", "checkout", "--deployer", "shop")
    owner("integration", "set", "checkout", "token_profile=warn", "strict_direct=true")
    versions = owner("integration", "versions", "checkout", "--json").json
    assert [each["version"] for each in versions] == [1, 2]
    assert versions[0]["changed"] == []
    aspects = {"token_key_id", "token_expiry", "token_single_use", "token_audience", "token_origins"}
    assert set(versions[1]["changed"]) == {"strict_direct", *aspects}
    assert versions[0]["policy"]["strict_direct"] is False
    assert "strict_direct" in owner("integration", "versions", "checkout").out


def test_a_null_unsets_and_text_that_is_no_json_is_text(owner):
    owner(
        "integration",
        "create",
        "checkout",
        "--deployer",
        "shop",
        "application_url=https://app.example/start",
        "quota_per_day=5",
    )
    changed = owner("integration", "set", "checkout", "quota_per_day=null", "--name", "New name", "--json").json
    assert changed["quota_per_day"] is None
    assert changed["application_url"] == "https://app.example/start"
    assert changed["name"] == "New name"


@pytest.mark.parametrize(
    ("member", "told"),
    [
        ("colour=red", "(colour)"),
        ("session_lifetime_s=5", "(session_lifetime_s)"),
        ("allowed_origins=https://shop.example", "(allowed_origins)"),
        ('allowed_origins=["shop.example"]', "origin_entry_invalid"),
        ("application_url=http://app.example", "(application_url)"),
        ("no-equals-sign", "NAME=VALUE"),
        ("=5", "NAME=VALUE"),
    ],
)
def test_a_wrong_member_is_named_and_nothing_is_published(accredit, member, told):
    accredit("account", "create", "Example Ltd")
    accredit("deployer", "create", "shop")
    accredit("integration", "create", "checkout", "--deployer", "shop")
    assert told in accredit("integration", "set", "checkout", "strict_direct=true", member, code=2).err
    assert accredit("integration", "show", "checkout", "--json").json["version"] == 1


def test_a_member_is_given_once(shop):
    assert "enabled is given twice" in shop("integration", "set", "checkout", "enabled=true", "enabled=false", code=2).err


def test_refuses_what_is_not_there_or_there_already(shop):
    assert "integration_exists" in shop("integration", "create", "checkout", "--deployer", "shop", code=1).err
    assert "deployer_not_found" in shop("integration", "create", "other", "--deployer", "nobody", code=1).err
    assert "field_invalid" in shop("integration", "create", "a:b", "--deployer", "shop", code=2).err
    for command in (("show", "nothing"), ("set", "nothing", "enabled=true"), ("versions", "nothing")):
        assert "integration_not_found" in shop("integration", *command, code=1).err
