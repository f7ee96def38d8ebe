"""The policy of a template: what an owner may write, and what gate and sessions read of it (protocol-flow.md sections 1 and 7)."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accredit.errors import MalformedError
from accredit.server.integrations.flow import FlowPolicy
from accredit.server.integrations.integration import prepare_flow
from accredit.server.integrations.parsing import merge_members, parse_policy
from accredit.server.keyring.scope import Scope

NOW_MS = 1_800_000_000_000
KEY = {"kty": "OKP", "crv": "X25519", "x": "L-NkrKNZXiVkAgfqPtQ7XUDZeRXHrCTCBiFcJOGtYDA", "alg": "ECDH-ES", "use": "enc"}


def parse(environment: str = "live", **members: Any) -> FlowPolicy:
    policy = parse_policy("flow", members, now_ms=NOW_MS, environment=environment)
    assert isinstance(policy, FlowPolicy)
    return policy


def test_the_defaults_are_those_of_the_protocol() -> None:
    policy = parse()
    assert (policy.signature_policy, policy.require_signed_requests, policy.hosted_key_in) == ("optional", False, "query")
    assert (policy.session_ttl_s, policy.retention_days, policy.allowed_origins) == (172_800, None, ())
    assert policy.rules().session_ttl_ms == 172_800_000


@pytest.mark.parametrize(
    ("present", "toggle", "becomes"),
    [
        ("optional", True, "required"),
        ("required", True, "required"),
        ("required_v2", True, "required_v2"),
        ("optional", False, "optional"),
        ("required", False, "optional"),
        ("required_v2", False, "optional"),
    ],
)
def test_the_toggle_lifts_and_lowers_the_policy(present: str, toggle: bool, becomes: str) -> None:
    merged = merge_members("flow", {"signature_policy": present}, {"require_signed_requests": toggle})
    assert parse(**merged).signature_policy == becomes
    assert parse(**merged).require_signed_requests == (becomes != "optional")


@pytest.mark.parametrize("toggle", [True, False])
def test_a_new_template_may_be_made_with_the_toggle(toggle: bool) -> None:
    assert parse(require_signed_requests=toggle).require_signed_requests is toggle


@pytest.mark.parametrize(
    ("members", "member"),
    [
        ({"require_signed_requests": "true"}, "require_signed_requests"),
        ({"require_signed_requests": False, "signature_policy": "required"}, "require_signed_requests"),
        ({"require_signed_requests": True, "signature_policy": "optional"}, "require_signed_requests"),
        ({"signature_policy": "always"}, "signature_policy"),
        ({"session_ttl_s": 299}, "session_ttl_s"),
        ({"session_ttl_s": 2_592_001}, "session_ttl_s"),
        ({"retention_days": 0}, "retention_days"),
        ({"allow_localhost": True}, "allow_localhost"),
        ({"debug_until": (datetime.fromtimestamp(NOW_MS / 1000, UTC) + timedelta(hours=25)).isoformat()}, "debug_until"),
        ({"legacy_accepted_until": "2030-01-01T00:00:00"}, "legacy_accepted_until"),
        ({"application_url": "https://app.example"}, "application_url"),
        ({"steps": []}, "steps"),
        ({"steps": [{"step": f"step_{n}", "service": "svc_1"} for n in range(21)]}, "steps"),
        ({"steps": [{"step": "accept_tos"}, {"step": "accept_tos"}]}, "steps"),
        ({"steps": [{"step": "Kyc"}]}, "steps[0].step"),
        ({"steps": [{"step": "accept_tos", "terms_url": "http://parks.example/terms"}]}, "steps[0].terms_url"),
        ({"steps": [{"step": "accept_tos", "terms_url": 'https://parks.example/"'}]}, "steps[0].terms_url"),
        ({"steps": [{"step": "verify_email", "terms_url": "https://parks.example/terms"}]}, "steps[0].terms_url"),
        ({"steps": [{"step": "accept_tos", "run": "fallback"}]}, "steps"),
        ({"steps": [{"step": "accept_tos", "fields": ["email", "shoe_size"]}]}, "steps[0].fields[1]"),
        ({"steps": [{"step": "accept_tos", "fields": ["email", "email"]}]}, "steps[0].fields"),
        ({"steps": [{"step": "accept_tos", "on_failure": "fallback:verify_email"}]}, "steps[0].on_failure"),
        (
            {
                "steps": [
                    {"step": "verify_email", "run": "fallback"},
                    {"step": "accept_tos", "on_failure": "fallback:verify_email"},
                ]
            },
            "steps[1].on_failure",
        ),
        (
            {"steps": [{"step": "accept_tos", "on_failure": "fallback:verify_email"}, {"step": "verify_email"}]},
            "steps[0].on_failure",
        ),
    ],
)
def test_names_the_member_that_is_at_fault(members: dict[str, Any], member: str) -> None:
    with pytest.raises(MalformedError) as refused:
        parse(**members)
    assert (refused.value.code, refused.value.member) == ("field_invalid", member)


def test_a_call_out_has_a_service_but_where_it_is_simulated() -> None:
    steps = [{"step": "kyc_check"}]
    for environment, members in (("live", steps), ("sandbox", [{**steps[0], "simulate": False}])):
        with pytest.raises(MalformedError, match=r"field_missing: steps\[0\].service"):
            parse(environment, steps=members)
    assert parse("sandbox", steps=steps).steps[0].service is None
    assert parse(steps=[{**steps[0], "service": "svc_1"}]).steps[0].service == "svc_1"


def test_a_fallback_may_follow_the_step_that_names_it() -> None:
    rules = parse(
        steps=[{"step": "accept_tos", "on_failure": "fallback:verify_email"}, {"step": "verify_email", "run": "fallback"}]
    ).steps
    assert rules[0].fallback == "verify_email"
    assert rules[1].fallback is None


def test_a_public_key_is_checked_and_a_private_one_refused() -> None:
    key = parse(encryption_public_key=KEY).rules().encryption_key
    assert json.loads(str(key)) == KEY
    with pytest.raises(MalformedError, match="key_private_part"):
        parse(encryption_public_key={**KEY, "d": "AAAA"})


@pytest.mark.parametrize(
    "entry", ["http://localhost", "https://0x7f.1", "https://127.0.0.0x1", "https://0x7f000001:443", "https://[::1]"]
)
def test_refuses_addresses_in_every_spelling(entry: str) -> None:
    with pytest.raises(MalformedError, match="origin_entry_invalid"):
        parse(allowed_origins=[entry])


def test_local_pages_come_in_by_their_own_switch() -> None:
    scope = Scope("acc_1", "sandbox")
    policies = [parse("sandbox", allowed_origins=["https://shop.example"], allow_localhost=local) for local in (False, True)]
    without, allowed = (prepare_flow(policy, integration_id="flwtmp_1", scope=scope, version=1) for policy in policies)
    for origin in ("http://localhost", "http://localhost:8080", "http://127.0.0.1:3000"):
        assert (without.admits_origin(origin), allowed.admits_origin(origin)) == (False, True)
    for origin in ("https://localhost", "http://localhost.example", "http://127.0.0.2"):
        assert not allowed.admits_origin(origin)
    assert without.origins.frame_ancestors == "https://shop.example"
    assert allowed.origins.frame_ancestors == "https://shop.example http://localhost:* http://127.0.0.1:*"


def test_an_empty_list_admits_nobody() -> None:
    template = prepare_flow(parse(), integration_id="flwtmp_1", scope=Scope("acc_1", "live"), version=1)
    assert template.origins.frame_ancestors == "'none'"
    assert not template.admits_origin("https://shop.example")
