"""Identity secrets over HTTP: issued, brought along, listed, retired, revoked (protocol-boot.md section 8)."""

import base64
import json

import pytest

from accredit.identity import IdentitySecret

TEXT = base64.b64encode(bytes(range(32))).decode()
SECRETS = "/v1/deployers/shop/secrets"


def test_an_issued_secret_is_shown_once(server):
    owner = server.owner()
    owner.deployer()
    made = owner.call("POST", SECRETS, 201, {"label": "backend"})
    assert len(IdentitySecret.from_base64(made["secret"]).octets) == 32
    key = made["key"]
    assert (key["purpose"], key["state"], key["label"]) == ("identity", "active", "backend")
    assert (key["deployer_id"], key["integration_id"], key["public_jwk"], key["alg"]) == ("shop", None, None, None)
    assert owner.call("GET", SECRETS) == {"keys": [key]}
    for path in (SECRETS, "/v1/keys", f"/v1/keys/{key['key_id']}", "/v1/audit"):
        assert made["secret"] not in owner.api.get(path).text


def test_a_secret_that_is_brought_along_is_never_shown(server):
    owner = server.owner()
    owner.deployer()
    answer = owner.api.post(SECRETS, json={"secret": TEXT})
    assert (answer.status_code, answer.json().keys()) == (201, {"key"})
    assert TEXT not in answer.text
    assert owner.call("POST", SECRETS, 409, {"secret": TEXT})["code"] == "key_exists"


def test_an_integration_has_secrets_of_its_own(server):
    owner = server.owner()
    boot = owner.integration("shop", door="boot")["integration_id"]
    keys = [owner.call("POST", SECRETS, 201, body)["key"] for body in ({"integration_id": boot}, {"integration_id": None})]
    assert [key["integration_id"] for key in keys] == [boot, None]
    assert owner.call("GET", SECRETS)["keys"] == keys
    assert owner.call("GET", "/v1/deployers/" + owner.deployer("bank") + "/secrets") == {"keys": []}


def test_two_live_each(server):
    owner = server.owner()
    boot = owner.integration("shop", door="boot")["integration_id"]
    for members in ({}, {"integration_id": boot}):
        _, key_id = owner.identity_secret(**members)
        owner.identity_secret(**members)
        assert owner.call("POST", SECRETS, 409, members)["code"] == "key_limit_reached"
        owner.call("POST", f"/v1/keys/{key_id}/revoke")
        owner.identity_secret(**members)


def test_a_secret_retires_and_is_revoked_as_every_key(server):
    owner = server.owner()
    _, key_id = owner.identity_secret()
    retiring = owner.call("POST", f"/v1/keys/{key_id}/retire", 200, {"until": "2027-01-15T09:00:00Z"})
    assert retiring["state"] == "retiring"
    assert owner.call("POST", f"/v1/keys/{key_id}/revoke")["key"]["state"] == "revoked"
    kinds = [entry["kind"] for entry in owner.call("GET", "/v1/audit")["entries"] if entry["key_id"] == key_id]
    assert sorted(kinds) == ["key.created", "key.retiring", "key.revoked"]
    events = server.rows("SELECT type, data FROM events WHERE type LIKE 'key.%' ORDER BY id")
    assert [(kind, json.loads(data)["purposes"]) for kind, data in events if json.loads(data)["key_id"] == key_id] == [
        ("key.created", ["identity"]),
        ("key.retiring", ["identity"]),
        ("key.revoked", ["identity"]),
    ]


@pytest.mark.parametrize(
    ("body", "status", "code", "member"),
    [
        ({"secret": TEXT[:-1]}, 400, "secret_malformed", "secret"),
        ({"secret": ""}, 400, "secret_malformed", "secret"),
        ({"secret": "AAECAw=="}, 400, "secret_malformed", "secret"),
        ({"secret": 5}, 400, "field_invalid", "secret"),
        ({"label": "\x7f"}, 400, "field_invalid", "label"),
        ({"integration_id": ""}, 400, "field_invalid", "integration_id"),
        ({"integration_ids": ["cpd_1"]}, 400, "field_invalid", "integration_ids"),
        ({"integration_id": "cpd_1"}, 404, "integration_not_found", "integration_id"),
        ({"integration_id": "embed"}, 404, "integration_not_found", "integration_id"),
    ],
)
def test_refuses_bodies_of_another_form(start_server, sqlite_url, body, status, code, member):
    owner = start_server(sqlite_url).owner()
    owner.integration("shop", integration_id="embed")
    problem = owner.api.post(SECRETS, json=body)
    assert (problem.status_code, problem.json()["code"], problem.json()["member"]) == (status, code, member)
    assert TEXT[:-1] not in problem.text


def test_secrets_of_another_account_and_environment(server):
    owner, other = server.owner(), server.owner()
    _, key_id = owner.identity_secret(secret=TEXT)
    for stranger in (other, server.owner(owner.owner_id, environment="sandbox")):
        assert stranger.call("GET", SECRETS, 404)["code"] == "deployer_not_found"
        assert stranger.call("POST", SECRETS, 404, {})["code"] == "deployer_not_found"
        assert stranger.call("POST", f"/v1/keys/{key_id}/revoke", 404)["code"] == "key_not_found"
    other.identity_secret(secret=TEXT)
