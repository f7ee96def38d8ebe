"""The policy of the boot door: members, defaults and limits (protocol-boot.md section 1)."""

from datetime import UTC, datetime

import msgspec
import pytest

from accredit.errors import MalformedError
from accredit.identity import IdentityPolicy
from accredit.server.integrations.integration import Integration, prepare
from accredit.server.integrations.parsing import parse_policy
from accredit.server.keyring.scope import Scope

NOW_MS = 1_800_000_000_000
DEBUG = "SECURE_IDENTITY_DEBUG"
SOON, TOO_LATE = "2027-01-16T08:00:00Z", "2027-01-16T08:00:01Z"


def policy(*, environment="live", **members):
    return parse_policy("boot", members, now_ms=NOW_MS, environment=environment)


def prepared(**members) -> Integration:
    ids = {"integration_id": "i", "deployer_id": "d", "owner_id": "o"}
    return prepare(policy(**members), scope=Scope("a", "live"), door="boot", version=1, **ids)


def test_the_first_value_of_each_choice_is_the_default():
    assert msgspec.json.decode(msgspec.json.encode(policy())) == {
        "enabled": True,
        "application_url": None,
        "views": [],
        "allowed_origins": [],
        "session_lifetime_s": 1800,
        "user_data_min_trust": "unverified",
        "quota_per_day": None,
        "retention_days": None,
        "debug_until": None,
        "level": "SECURE_IDENTITY",
        "force": False,
        "window_s": 60,
        "replay": "single_use",
        "native": "any",
        "native_apps": [],
        "identity_v2": "off",
        "identity_origin": "off",
    }


@pytest.mark.parametrize("level", ["SECURE_IDENTITY", "BASIC", "CSP"])
def test_a_level_is_read_in_any_case(level):
    for spelling in (level, level.lower(), level.title(), level.swapcase()):
        assert policy(level=spelling).level == level


@pytest.mark.parametrize(
    ("members", "code", "member"),
    [
        *(({"level": level}, "field_invalid", "level") for level in ("", "NONE", " BASIC", 1, None, True, ["BASIC"])),
        ({"level": DEBUG, "force": True}, "field_missing", "debug_until"),
        ({"level": DEBUG, "debug_until": SOON}, "field_missing", "force"),
        ({"level": DEBUG, "debug_until": SOON, "force": False}, "field_missing", "force"),
        ({"level": DEBUG, "debug_until": SOON, "force": "true"}, "field_invalid", "force"),
        ({"level": DEBUG, "debug_until": TOO_LATE, "force": True}, "field_invalid", "debug_until"),
        ({"debug_until": "2027-01-15T09:00:00"}, "field_invalid", "debug_until"),
        *(({"window_s": seconds}, "field_invalid", "window_s") for seconds in (9, 601, 60.5, "60", True)),
        ({"replay": "off"}, "field_invalid", "replay"),
        ({"native": "ANY"}, "field_invalid", "native"),
        ({"native_apps": [{"type": "ios"}]}, "field_invalid", "native_apps[0].value"),
        ({"native_apps": [{"type": "iOS", "value": "x"}]}, "field_invalid", "native_apps[0].type"),
        ({"native_apps": [{"type": "ios", "value": "a b"}]}, "field_invalid", "native_apps[0].value"),
        ({"native_apps": [{"type": "ios", "value": "x" * 256}]}, "field_invalid", "native_apps[0].value"),
        ({"native_apps": 2 * [{"type": "ios", "value": "x"}]}, "field_invalid", "native_apps"),
        ({"native_apps": [{"type": "ios", "value": str(n)} for n in range(51)]}, "field_invalid", "native_apps"),
        ({"identity_v2": "required"}, "field_invalid", "identity_v2"),
        ({"identity_origin": True}, "field_invalid", "identity_origin"),
        ({"signed_deployment": "required"}, "field_invalid", "signed_deployment"),
        ({"origin_check": "require"}, "field_invalid", "origin_check"),
        ({"application_url": "http://app.example/"}, "field_invalid", "application_url"),
        ({"allowed_origins": ["https://*"]}, "origin_entry_invalid", "allowed_origins"),
    ],
)
def test_what_it_refuses_is_named(members, code, member):
    with pytest.raises(MalformedError) as error:
        policy(**members)
    assert (error.value.code, error.value.member) == (code, member)


def test_debugging_has_an_end_and_in_live_is_asked_for_twice():
    until = datetime(2027, 1, 16, 8, tzinfo=UTC)
    assert policy(level=DEBUG, debug_until=SOON, force=True).debug_until == until
    assert policy(environment="sandbox", level=DEBUG, debug_until=SOON).force is False
    # With the level goes the permission.
    assert policy(level="BASIC", force=True).force is False


def test_debugging_turns_into_secure_identity_by_itself():
    integration = prepared(level=DEBUG, debug_until=SOON, force=True)
    until_ms = NOW_MS + 24 * 3600 * 1000
    assert integration.debug_until_ms == integration.rules.debug_until_ms == until_ms
    assert integration.rules.level_at(until_ms - 1) == DEBUG
    assert integration.rules.level_at(until_ms) == "SECURE_IDENTITY"
    # At every other level nobody is told a reason.
    assert prepared(level="BASIC", debug_until=SOON).debug_until_ms == 0


def test_is_made_ready_for_the_gate():
    apps = [{"type": "ios", "value": "com.example.bank"}]
    rules = prepared(native="listed", native_apps=apps, replay="window_only", window_s=10, identity_v2="warn").rules
    assert (rules.native, rules.native_apps) == ("listed", frozenset({("ios", "com.example.bank")}))
    assert (rules.single_use, rules.window_s, rules.identity_policy) == (False, 10, IdentityPolicy(v2="warn"))


def test_at_level_csp_sites_and_apps_must_be_listed():
    empty, listed = prepared(level="CSP"), prepared(level="CSP", allowed_origins=["https://shop.example"], native="off")
    assert (empty.origin_required, empty.rules.native, empty.origins.frame_ancestors) == (True, "listed", "'none'")
    assert (listed.rules.native, listed.origins.frame_ancestors) == ("off", "https://shop.example")
    assert (prepared().origin_required, prepared().rules.native, prepared().origins.frame_ancestors) == (False, "any", "*")
