"""`accredit integration`: policies are written as NAME=VALUE, and each change is a version."""

from datetime import UTC, datetime, timedelta

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
    assert listed[1].split() == ["checkout", "embed", "shop", "Checkout", "2", "no"]


def test_a_template_of_the_flow_door_has_no_deployer_and_needs_no_id(owner):
    made = owner("integration", "create", "--door", "flow", "require_signed_requests=true", "--json").json
    assert made["integration_id"].startswith("flwtmp_")
    assert (made["deployer_id"], made["signature_policy"], made["require_signed_requests"]) == (None, "required", True)
    named = owner("integration", "create", "kyc", "--door", "flow", "session_ttl_s=600", "--json").json
    assert (named["integration_id"], named["session_ttl_s"]) == ("kyc", 600)
    first = owner("integration", "create", 'allowed_origins=["https://shop.example"]', "--door", "flow", "--json").json
    assert first["allowed_origins"] == ["https://shop.example"]
    changed = owner("integration", "set", "kyc", "require_signed_requests=true").out.splitlines()
    assert ["signature_policy", "required"] in [line.split() for line in changed]


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


BOOT_MEMBERS = {
    "level": ("csp", "CSP"),
    "window_s": ("120", 120),
    "replay": ("window_only", "window_only"),
    "native": ("listed", "listed"),
    "native_apps": ('[{"type":"ios","value":"com.example.bank"}]', [{"type": "ios", "value": "com.example.bank"}]),
    "identity_v2": ("warn", "warn"),
    "identity_origin": ("require", "require"),
    "allowed_origins": ('["https://shop.example"]', ["https://shop.example"]),
    "application_url": ("https://app.example/start", "https://app.example/start"),
    "views": ('[{"id":"energy","signed_only":true}]', [{"id": "energy", "url": None, "signed_only": True}]),
    "session_lifetime_s": ("600", 600),
    "user_data_min_trust": ("signed", "signed"),
    "quota_per_day": ("1000", 1000),
    "retention_days": ("30", 30),
}


def test_an_integration_of_the_boot_door_takes_each_member_of_its_policy(owner):
    made = owner("integration", "create", "cpd_1", "--door", "boot", "--deployer", "shop", "--json").json
    assert (made["door"], made["level"], made["window_s"], made["native"]) == ("boot", "SECURE_IDENTITY", 60, "any")
    members = [f"{name}={text}" for name, (text, _value) in BOOT_MEMBERS.items()]
    changed = owner("integration", "set", "cpd_1", *members, "--json").json
    assert {name: changed[name] for name in BOOT_MEMBERS} == {name: value for name, (_text, value) in BOOT_MEMBERS.items()}
    again = owner("integration", "create", "cpd_2", "--door", "boot", "--deployer", "shop", *members, "--json").json
    assert {name: again[name] for name in BOOT_MEMBERS} == {name: changed[name] for name in BOOT_MEMBERS}
    assert [line.split()[:3] for line in owner("integration", "list").out.splitlines()] == [
        ["integration", "door", "deployer"],
        ["cpd_1", "boot", "shop"],
        ["cpd_2", "boot", "shop"],
    ]


def test_debugging_a_boot_has_an_end_and_is_asked_for_twice_in_live(owner):
    owner("integration", "create", "cpd_1", "--door", "boot", "--deployer", "shop")
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="seconds")
    debug, until = "level=secure_identity_debug", f"debug_until={soon}"
    assert "(debug_until)" in owner("integration", "set", "cpd_1", debug, "force=true", code=2).err
    assert "(force)" in owner("integration", "set", "cpd_1", debug, until, code=2).err
    shown = owner("integration", "set", "cpd_1", debug, until, "force=true", "--json").json
    assert (shown["level"], shown["force"]) == ("SECURE_IDENTITY_DEBUG", True)
    owner("deployer", "create", "shop", "--environment", "sandbox")
    sandbox = ("--door", "boot", "--deployer", "shop", "--environment", "sandbox", debug, until)
    assert owner("integration", "create", "cpd_2", *sandbox, "--json").json["force"] is False


def test_each_door_has_members_of_its_own(shop):
    assert "(level)" in shop("integration", "set", "checkout", "level=basic", code=2).err
    shop("integration", "create", "cpd_1", "--door", "boot", "--deployer", "shop")
    assert "(signed_deployment)" in shop("integration", "set", "cpd_1", "signed_deployment=required", code=2).err
    assert "'--door'" in shop("integration", "create", "x", "--door", "window", "--deployer", "shop", code=2).err
