"""Webhook endpoints over HTTP: made, listed, read, changed, switched, deleted; the secret is shown once, faults name their member."""

import re

import pytest

from accredit import generate_encryption_key, parse_webhook_key

from .conftest import ENDPOINTS, URL

MOMENT = "2027-01-15T08:00:00.000Z"


def make(owner, **members):
    return owner.call("POST", ENDPOINTS, 201, {"url": URL, **members})


def refused(owner, status, code, member=None, method="POST", path=ENDPOINTS, **members):
    """A call that must be refused so."""
    problem = owner.call(method, path, status, members)
    assert (problem["code"], problem.get("member")) == (code, member)


def path_of(endpoint, action=None):
    return f"{ENDPOINTS}/{endpoint['id']}" + (f"/{action}" if action else "")


def test_an_endpoint_is_created_listed_read_changed_and_deleted(owner):
    made = make(owner, description="the shop's backend")
    secret = made.pop("secret")
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", secret)
    assert re.fullmatch(r"whksub_[1-9A-HJ-NP-Za-km-z]{22}", made["id"])
    assert made == {
        "id": made["id"],
        "kind": "accredit",
        "url": URL,
        "event_types": ["session.*"],
        "doors": [],
        "integrations": [],
        "tags": [],
        "payload": "thin",
        "encryption_public_key": None,
        "signing": None,
        "api_key_id": None,
        "timeout_s": 15,
        "concurrency": 4,
        "description": "the shop's backend",
        "state": "enabled",
        "disabled_reason": None,
        "failing_since": None,
        "public_keys": made["public_keys"],
        "probe": None,
        "created_at": MOMENT,
        "updated_at": MOMENT,
    }
    assert owner.call("GET", path_of(made)) == made
    assert owner.call("GET", ENDPOINTS) == {"webhook_endpoints": [made]}
    changed = owner.call("PATCH", path_of(made), 200, {"event_types": ["*"], "tags": ["beta"], "timeout_s": 30})
    expected = {"event_types": ["*"], "tags": ["beta"], "timeout_s": 30, "updated_at": changed["updated_at"]}
    assert changed == {**made, **expected}
    owner.call("DELETE", path_of(made), 204)
    for method in ("GET", "DELETE"):
        assert owner.call(method, path_of(made), 404)["code"] == "endpoint_not_found"


def test_what_is_done_is_audited_without_address_or_secret(owner, shared):
    made = make(owner)
    owner.call("PATCH", path_of(made), 200, {"url": f"{URL}/2"})
    owner.call("POST", path_of(made, "disable"), 200)
    owner.call("POST", path_of(made, "enable"), 200)
    owner.call("POST", path_of(made, "rotate_secret"), 200)
    owner.call("DELETE", path_of(made), 204)
    rows = shared.rows("SELECT kind, detail FROM audit WHERE account_id = ? ORDER BY seq", owner.scope.account_id)
    kinds = [kind for kind, _ in rows if kind.startswith("endpoint.")]
    assert kinds == [f"endpoint.{each}" for each in ("created", "changed", "disabled", "enabled", "secret_rotated", "deleted")]
    assert not [detail for _, detail in rows if "whsec_" in detail or "hooks.shop" in detail]


def test_kind_flow_hears_of_the_original_s_events(owner):
    made = make(owner, kind="flow", signing="endpoint")
    assert made["event_types"] == ["flow_session.status.updated", "flow_session.step.updated", "flow_session.retried"]
    assert (made["signing"], made["api_key_id"]) == ("endpoint", None)
    refused(
        owner, 422, "event_type_unknown", "event_types", url=URL, kind="flow", signing="endpoint", event_types=["session.*"]
    )
    refused(owner, 422, "event_type_unknown", "event_types", url=URL, event_types=["flow_session.retried"])
    refused(owner, 422, "validation_failed", "kind", "PATCH", path_of(made), kind="accredit")


def test_an_api_key_signs_the_oldest_unless_another_is_named(owner):
    refused(owner, 422, "validation_failed", "api_key_id", url=URL, kind="flow")
    first, second = (owner.call("POST", "/v1/api_credentials", 201, {})["api_key_id"] for _ in range(2))
    assert make(owner, kind="flow")["api_key_id"] == first
    made = make(owner, kind="flow", api_key_id=second)
    assert (made["signing"], made["api_key_id"]) == ("api_key", second)
    changed = owner.call("PATCH", path_of(made), 200, {"signing": "endpoint"})
    assert (changed["signing"], changed["api_key_id"]) == ("endpoint", None)
    unknown = f"live_key_{'0' * 32}"
    refused(owner, 422, "validation_failed", "api_key_id", "PATCH", path_of(made), signing="api_key", api_key_id=unknown)


def test_full_payloads_need_a_public_key(owner):
    key = generate_encryption_key("ECDH-ES")
    refused(owner, 422, "encryption_key_required", "encryption_public_key", url=URL, payload="full")
    refused(owner, 400, "key_private_part", "encryption_public_key.d", url=URL, encryption_public_key=dict(key.private_jwk))
    # What was sent with its private half is nobody's secret any more.
    refused(owner, 400, "key_denied", "encryption_public_key", url=URL, encryption_public_key=dict(key.public_jwk))
    other = generate_encryption_key("ECDH-ES")
    made = make(owner, payload="full", encryption_public_key=dict(other.public_jwk))
    assert made["encryption_public_key"]["x"] == other.public_jwk["x"]
    refused(owner, 422, "encryption_key_required", "encryption_public_key", "PATCH", path_of(made), encryption_public_key=None)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("url", None),
        ("url", ["https://shop.example"]),
        ("kind", "other"),
        ("event_types", []),
        ("event_types", ["*"] * 51),
        ("doors", ["window"]),
        ("tags", ["x" * 65]),
        ("integrations", [7]),
        ("payload", "fat"),
        ("encryption_public_key", "key"),
        ("signing", "endpoint"),
        ("api_key_id", "live_key_1"),
        ("timeout_s", 4),
        ("timeout_s", 31),
        ("concurrency", 0),
        ("concurrency", 33),
        ("description", "x" * 201),
        ("secret", "whsec_of_my_own"),
    ],
)
def test_a_member_of_a_wrong_form_is_named(owner, member, value):
    body = {"url": URL, member: value}
    problem = owner.call("POST", ENDPOINTS, 422, body)
    assert problem["code"] == "validation_failed"
    assert problem["member"].startswith(member)


def test_a_missing_address_is_named(owner):
    assert owner.call("POST", ENDPOINTS, 422, {})["member"] == "url"


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/",
        "https://user@shop.example/",
        "https://shop.example/#part",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://[::1]/",
        "https://shop.example:22/",
        "ftp://shop.example/",
    ],
)
def test_an_address_that_may_not_be_called_is_not_saved(owner, url):
    refused(owner, 422, "endpoint_url_invalid", "url", url=url)
    made = make(owner)
    refused(owner, 422, "endpoint_url_invalid", "url", "PATCH", path_of(made), url=url)


def test_a_name_that_leads_inside_is_not_saved(owner):
    refused(owner, 422, "endpoint_address_forbidden", "url", url="https://localhost/hooks")


def test_plain_http_is_for_the_sandbox(shared, owner):
    sandbox = shared.owner(owner.scope.account_id, environment="sandbox")
    assert make(sandbox, url="http://hooks.shop.example/")["url"] == "http://hooks.shop.example/"
    assert owner.call("GET", ENDPOINTS) == {"webhook_endpoints": []}


def test_an_account_has_at_most_20_endpoints_in_an_environment(owner, shared):
    made = [make(owner) for _ in range(20)]
    refused(owner, 409, "endpoint_limit_reached", url=URL)
    make(shared.owner(owner.scope.account_id, environment="sandbox"))
    owner.call("DELETE", path_of(made[0]), 204)
    make(owner)


def test_another_account_s_endpoint_is_not_there(owner, shared):
    made, other = make(owner), shared.owner()
    sandbox = shared.owner(owner.scope.account_id, environment="sandbox")
    for stranger in (other, sandbox):
        for method, path in (("GET", path_of(made)), ("PATCH", path_of(made)), ("DELETE", path_of(made))):
            assert stranger.call(method, path, 404, {})["code"] == "endpoint_not_found"
        for action in ("enable", "disable", "rotate_secret"):
            assert stranger.call("POST", path_of(made, action), 404)["code"] == "endpoint_not_found"


def test_disabled_is_disabled_until_it_is_enabled(owner):
    made = make(owner)
    disabled = owner.call("POST", path_of(made, "disable"), 200)
    assert (disabled["state"], disabled["disabled_reason"]) == ("disabled", "manual")
    assert owner.call("POST", path_of(made, "disable"), 200) == disabled
    changed = owner.call("PATCH", path_of(made), 200, {"url": f"{URL}/2"})
    assert (changed["state"], changed["disabled_reason"]) == ("disabled", "manual")
    enabled = owner.call("POST", path_of(made, "enable"), 200)
    assert (enabled["state"], enabled["disabled_reason"]) == ("enabled", None)
    assert owner.call("POST", path_of(made, "enable"), 200) == enabled


def test_a_secret_is_rotated_once_at_a_time(owner, shared):
    made = make(owner)
    rotated = owner.call("POST", path_of(made, "rotate_secret"), 200, {"overlap_s": 60})
    assert rotated["secret"] != made["secret"]
    refused(owner, 409, "rotation_under_way", None, "POST", path_of(made, "rotate_secret"), overlap_s=60)
    # Whoever knows that a secret is lost waits for no overlap.
    third = owner.call("POST", path_of(made, "rotate_secret"), 200, {"overlap_s": 0})
    assert len({made["secret"], rotated["secret"], third["secret"]}) == 3
    records = owner.call("GET", "/v1/keys?purpose=webhook")["keys"]
    states = [each["state"] for each in records if each["endpoint_id"] == made["id"]]
    assert states == ["retired", "retired", "active"]


@pytest.mark.parametrize("body", [{"overlap_s": -1}, {"overlap_s": 604_801}, {"overlap_s": "60"}, {"overlap_s": True}])
def test_an_overlap_of_another_form_is_named(owner, body):
    refused(owner, 422, "validation_failed", "overlap_s", "POST", path_of(make(owner), "rotate_secret"), **body)


def test_the_account_s_public_key_stands_in_the_key_set(owner, shared):
    made = make(owner)
    [text] = made["public_keys"]
    published = shared.http.get("/.well-known/jwks.json").json()["keys"]
    [jwk] = [each for each in published if each.get("account_id") == owner.scope.account_id]
    assert (jwk["kty"], jwk["crv"], jwk["use"], jwk["alg"], jwk["environment"]) == ("OKP", "Ed25519", "sig", "EdDSA", "live")
    assert re.fullmatch(r"whk_[1-9A-HJ-NP-Za-km-z]{22}", jwk["kid"])
    assert parse_webhook_key(jwk).thumbprint == parse_webhook_key(text).thumbprint
    assert not {"d", "key_ops"} & jwk.keys()
    assert make(owner)["public_keys"] == [text]


def test_a_key_that_is_limited_to_integrations_does_not_reach_endpoints(owner, shared):
    integration = owner.integration("shop")
    body = {"purpose": "api", "integration_ids": [integration["integration_id"]]}
    client = shared.client(owner.call("POST", "/v1/keys", 201, body)["secret"])
    assert client.get(ENDPOINTS).json()["code"] == "api_key_limited"
