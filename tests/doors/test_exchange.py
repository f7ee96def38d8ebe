"""`POST /v1/exchange` (protocol-embed.md section 9): a frame's code becomes who embeds it, for whom, with what."""

import json

import pytest

MEMBERS = [
    "session_id", "door", "environment", "status", "owner_id", "deployer_id", "integration_id", "uid", "anonymous_id", "view_id",
    "locale", "origin", "channel", "data_passport", "server_only", "customer_info", "trust", "proof", "frame_ancestors", "renews",
    "created_at", "expires_at",
]  # fmt: skip
CHANNEL = "AAAAAAAAAAAAAAAAAAAAAA"
UNKNOWN = "A" * 43


def test_a_code_tells_of_a_signed_visit(server, clock):
    owner = server.owner()
    integration = owner.integration(views=[{"id": "summary"}], allowed_origins=["https://shop.example"])
    key = owner.deployment_key()
    token = owner.token(integration, key, uid="user-123456", data_passport={"first_name": "Ada", "age": 36})
    clock.advance(2)
    session = owner.visit(integration, signed_deployment=token, channel=CHANNEL)
    key_id = owner.call("GET", "/v1/deployers/shop/keys")["keys"][0]["key_id"]
    assert list(session) == MEMBERS
    assert session == {
        "session_id": session["session_id"],
        "door": "embed",
        "environment": "live",
        "status": "waiting",
        "owner_id": owner.owner_id,
        "deployer_id": "shop",
        "integration_id": integration["integration_id"],
        "uid": "user-123456",
        "anonymous_id": None,
        "view_id": "summary",
        "locale": None,
        "origin": "https://shop.example",
        "channel": CHANNEL,
        "data_passport": {"first_name": "Ada", "age": 36},
        "server_only": [],
        "customer_info": None,
        "trust": "signed",
        "proof": {"kind": "deployment", "key_id": key_id, "single_use": False},
        "frame_ancestors": ["https://shop.example"],
        "renews": None,
        "created_at": "2027-01-15T08:00:02.000Z",
        "expires_at": "2027-01-15T08:30:02.000Z",
    }


def test_a_visit_without_a_proof_is_anonymous_and_may_be_framed_anywhere(server):
    owner = server.owner()
    session = owner.visit(owner.integration())
    assert (session["uid"], session["proof"], session["trust"]) == (None, None, "unverified")
    assert session["anonymous_id"].startswith("anon_")
    assert session["frame_ancestors"] == ["*"]


def test_a_code_is_good_once(server):
    owner = server.owner()
    code = owner.admit(owner.integration())
    owner.call("POST", "/v1/exchange", 200, {"code": code})
    assert owner.call("POST", "/v1/exchange", 404, {"code": code})["code"] == "code_unknown"


def test_a_code_is_good_for_sixty_seconds(server, clock):
    owner = server.owner()
    integration = owner.integration()
    early, late = owner.admit(integration), owner.admit(integration)
    clock.advance(59.999)
    owner.call("POST", "/v1/exchange", 200, {"code": early})
    clock.advance(0.001)
    assert owner.call("POST", "/v1/exchange", 404, {"code": late})["code"] == "code_unknown"


def test_the_wrong_key_does_not_burn_a_code(server):
    owner, stranger = server.owner(), server.owner()
    sandbox = server.owner(owner.owner_id, environment="sandbox")
    integration, other = owner.integration(), owner.integration()
    limited = owner.call("POST", "/v1/keys", 201, {"purpose": "api", "integration_ids": [other["integration_id"]]})
    code = owner.admit(integration)
    for api in (stranger.api, sandbox.api, server.client(limited["secret"])):
        assert api.post("/v1/exchange", json={"code": code}).json()["code"] == "code_unknown"
    owner.call("POST", "/v1/exchange", 200, {"code": code})


def test_a_limited_key_redeems_codes_of_its_integrations(server):
    owner = server.owner()
    integration = owner.integration()
    made = owner.call("POST", "/v1/keys", 201, {"purpose": "api", "integration_ids": [integration["integration_id"]]})
    answer = server.client(made["secret"]).post("/v1/exchange", json={"code": owner.admit(integration)})
    assert answer.status_code == 200


def test_a_code_that_does_not_hold_is_audited_without_the_code(server):
    owner = server.owner()
    problem = owner.call("POST", "/v1/exchange", 404, {"code": UNKNOWN})
    (entry,) = owner.call("GET", f"/v1/audit?request_id={problem['request_id']}")["entries"]
    assert (entry["kind"], entry["code"], entry["actor"]) == ("exchange.refused", "code_unknown", owner.key_id)
    assert UNKNOWN not in json.dumps(entry)


@pytest.mark.parametrize(
    ("body", "code", "member"),
    [
        (b"{}", "field_missing", "code"),
        (b"", "field_missing", "code"),
        (b'{"code":1}', "field_invalid", "code"),
        (b'{"code":"short"}', "field_invalid", "code"),
        (b'{"code":"%s="}' % UNKNOWN.encode(), "field_invalid", "code"),
        (b'{"code":"%s","more":1}' % UNKNOWN.encode(), "field_invalid", "more"),
        (b'{"code":"a","code":"b"}', "request_malformed", None),
        (b'{"code":NaN}', "request_malformed", None),
        (b"[]", "request_malformed", None),
        (b'{"code":"\xff"}', "request_malformed", None),
        (b"[" * 40, "request_malformed", None),
    ],
)
def test_refuses_a_body_of_another_form(start_server, sqlite_url, body, code, member):
    owner = start_server(sqlite_url).owner()
    answer = owner.api.post("/v1/exchange", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"], answer.json().get("member")) == (400, code, member)
    assert answer.headers["content-type"] == "application/problem+json"


def test_refuses_another_media_type_and_too_long_a_body(server):
    owner = server.owner()
    answer = owner.api.post("/v1/exchange", data={"code": UNKNOWN})
    assert (answer.status_code, answer.json()["code"]) == (415, "media_type_unsupported")
    answer = owner.api.post("/v1/exchange", json={"code": "A" * 65536})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_a_problem_names_the_request_and_no_value(server):
    owner = server.owner()
    answer = owner.api.post("/v1/exchange", json={"code": "secret-value"})
    problem = answer.json()
    assert problem == {
        "type": f"{server.url}/docs/errors#field_invalid",
        "title": problem["title"],
        "status": 400,
        "code": "field_invalid",
        "request_id": answer.headers["x-request-id"],
        "member": "code",
    }
    assert "secret-value" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
