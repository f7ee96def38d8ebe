"""Keys of every purpose over HTTP: made, listed, retired, revoked (protocol-embed.md section 10)."""

import pytest

from accredit.keys import has_secret_form


def test_an_api_key_is_shown_once(server):
    owner = server.owner()
    made = owner.call("POST", "/v1/keys", 201, {"purpose": "api", "label": "checkout"})
    assert made["secret"].startswith("accredit_live_api_")
    assert has_secret_form(made["secret"])
    assert (made["key"]["state"], made["key"]["label"], made["key"]["integration_ids"]) == ("active", "checkout", None)
    for path in ("/v1/keys", f"/v1/keys/{made['key']['key_id']}", "/v1/audit"):
        assert made["secret"] not in owner.api.get(path).text
    assert server.client(made["secret"]).get(f"/v1/keys/{made['key']['key_id']}").json() == made["key"]


def test_a_sandbox_key_makes_sandbox_keys(server):
    owner = server.owner()
    made = server.owner(owner.owner_id, environment="sandbox").call("POST", "/v1/keys", 201, {"purpose": "api"})
    assert made["secret"].startswith("accredit_sandbox_api_")


def test_listing_by_purpose_in_pages(server, clock):
    owner = server.owner()
    integration = owner.integration()
    owner.deployment_key()
    owner.call("POST", f"/v1/integrations/{integration['integration_id']}/passport_keys", 201, {})
    for _ in range(2):
        clock.advance(1)
        owner.call("POST", "/v1/keys", 201, {"purpose": "api"})
    everything = owner.call("GET", "/v1/keys")["keys"]
    assert sorted(key["purpose"] for key in everything) == ["api", "api", "api", "deployment", "passport"]
    seen, path = [], "/v1/keys?purpose=api&limit=1"
    while path:
        page = owner.call("GET", path)
        seen += page["keys"]
        path = page["next_cursor"] and f"/v1/keys?purpose=api&limit=1&cursor={page['next_cursor']}"
    assert seen == [key for key in everything if key["purpose"] == "api"]
    assert owner.call("GET", "/v1/keys?purpose=session", 400)["member"] == "purpose"


def test_a_retiring_key_verifies_until_its_time(server, clock):
    owner = server.owner()
    integration = owner.integration(signed_deployment="required")
    private = owner.deployment_key()
    key_id = owner.call("GET", "/v1/deployers/shop/keys")["keys"][0]["key_id"]
    retiring = owner.call("POST", f"/v1/keys/{key_id}/retire", 200, {"until": "2027-01-15T09:01:00+01:00"})
    assert (retiring["state"], retiring["retire_at"]) == ("retiring", "2027-01-15T08:01:00.000Z")
    token = owner.token(integration, private)
    owner.visit(integration, signed_deployment=token)
    clock.advance(60)
    assert server.embed({"signed_deployment": token}).status_code == 403
    assert owner.call("GET", f"/v1/keys/{key_id}")["state"] == "retired"
    assert owner.call("POST", f"/v1/keys/{key_id}/retire", 409, {"until": "2030-01-01T00:00:00Z"})["code"] == "key_not_live"


def test_revoking_a_key_can_end_the_sessions_that_it_opened(server):
    owner = server.owner()
    integration = owner.integration()
    token = owner.token(integration, owner.deployment_key(), uid="user-1")
    signed, plain = owner.visit(integration, signed_deployment=token), owner.visit(integration)
    path = f"/v1/keys/{signed['proof']['key_id']}/revoke"
    revoked = owner.call("POST", path)
    assert (revoked["key"]["state"], revoked["sessions_cancelled"]) == ("revoked", 0)
    assert server.embed({"signed_deployment": token}).status_code == 403
    assert owner.call("GET", f"/v1/sessions/{signed['session_id']}")["status"] == "waiting"
    assert owner.call("POST", path, 200, {"end_sessions": True})["sessions_cancelled"] == 1
    assert owner.call("GET", f"/v1/sessions/{signed['session_id']}")["status"] == "cancelled"
    assert owner.call("GET", f"/v1/sessions/{plain['session_id']}")["status"] == "waiting"


@pytest.mark.parametrize(
    ("path", "body", "code", "member"),
    [
        ("/v1/keys", {}, "field_missing", "purpose"),
        ("/v1/keys", {"purpose": "deployment"}, "field_invalid", "purpose"),
        ("/v1/keys", {"purpose": "api", "integration_ids": []}, "field_invalid", "integration_ids"),
        ("/v1/keys", {"purpose": "api", "label": "\x7f"}, "field_invalid", "label"),
        ("/v1/keys/{key_id}/retire", {}, "field_missing", "until"),
        ("/v1/keys/{key_id}/retire", {"until": "2027-01-15T08:00:00"}, "field_invalid", "until"),
        ("/v1/keys/{key_id}/retire", {"until": 1}, "field_invalid", "until"),
        ("/v1/keys/{key_id}/revoke", {"end_sessions": 1}, "field_invalid", "end_sessions"),
    ],
)
def test_refuses_bodies_of_another_form(start_server, sqlite_url, path, body, code, member):
    owner = start_server(sqlite_url).owner()
    problem = owner.call("POST", path.format(key_id=owner.key_id), 400, body)
    assert (problem["code"], problem["member"]) == (code, member)


@pytest.mark.parametrize("until", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-14:00"])
def test_a_key_retires_at_any_time_that_there_is(start_server, sqlite_url, until):
    owner = start_server(sqlite_url).owner()
    made = owner.call("POST", "/v1/keys", 201, {"purpose": "api"})
    owner.call("POST", f"/v1/keys/{made['key']['key_id']}/retire", 200, {"until": until})
    owner.call("GET", "/v1/keys")


def test_unknown_keys(server):
    owner = server.owner()
    for key_id in ("key_1", "a%00", "x" * 65):
        assert owner.call("GET", f"/v1/keys/{key_id}", 404)["code"] == "key_not_found"
        assert owner.call("POST", f"/v1/keys/{key_id}/revoke", 404)["code"] == "key_not_found"
