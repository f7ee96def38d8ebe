"""Providers over HTTP: created, listed, read, changed, deleted; secrets are never shown, and a fault names its member."""

import pytest

EID = {
    "provider_id": "eid",
    "kind": "oidc",
    "issuer": "https://id.example",
    "client_id": "accredit",
    "client_secret": "s3cret-of-the-provider",
}


def test_a_provider_is_created_read_changed_and_deleted(server):
    owner = server.owner()
    made = owner.call("POST", "/v1/providers", 201, {**EID, "request_object": True, "signing_alg": "ES256"})
    ref = made["callback_address"].rpartition("/")[2]
    assert made == {
        "provider_id": "eid",
        "kind": "oidc",
        "display_name": "eid",
        "logo": None,
        "enabled": True,
        "flows": ["redirect"],
        "loa": "low",
        "requires_encryption": False,
        "mapping": {},
        "required_attributes": [],
        "secrets_set": ["client_secret"],
        "callback_address": f"{server.url}/auth/callback/{ref}",
        "jwks_address": f"{server.url}/auth/federation/{ref}/jwks",
        "entity_statement_address": None,
        "created_at": "2027-01-15T08:00:00.000Z",
        "updated_at": "2027-01-15T08:00:00.000Z",
        "profile": "generic",
        "issuer": "https://id.example",
        "client_id": "accredit",
        "client_auth": "client_secret_basic",
        "assertion_audience": "issuer",
        "signing_alg": "ES256",
        "scopes": ["openid", "profile", "email"],
        "id_token_encryption": "off",
        "request_object": True,
        "acr_values": {},
        "login_hint": None,
        "userinfo": "off",
        "embeddable": False,
    }
    assert owner.call("GET", "/v1/providers/eid") == made
    server.clock.advance(1)
    mapping = {"nin": {"claim": "pid", "as": "nin", "country": "NO"}}
    changed = owner.call("PATCH", "/v1/providers/eid", 200, {"mapping": mapping, "display_name": "Example eID"})
    assert changed == {**made, "mapping": mapping, "display_name": "Example eID", "updated_at": "2027-01-15T08:00:01.000Z"}
    owner.call("DELETE", "/v1/providers/eid", 204)
    for method in ("GET", "DELETE"):
        assert owner.call(method, "/v1/providers/eid", 404)["code"] == "provider_not_found"


def test_no_secret_is_ever_shown(server):
    owner = server.owner()
    answers = [owner.api.post("/v1/providers", json=EID), owner.api.get("/v1/providers/eid"), owner.api.get("/v1/providers")]
    answers += [owner.api.patch("/v1/providers/eid", json={"client_secret": "another-secret"}), owner.api.get("/v1/audit")]
    for answer in answers:
        assert answer.status_code < 300
        assert "s3cret-of-the-provider" not in answer.text
        assert "another-secret" not in answer.text


def test_a_new_sandbox_has_seven_and_pages(server):
    owner = server.owner(environment="sandbox")
    listed = owner.call("GET", "/v1/providers")
    assert [each["provider_id"] for each in listed["providers"]] == [
        *("ftn", "idin", "mitid", "nbid", "otp-email", "sbid", "sbid-idcard")
    ]
    assert listed["next_cursor"] is None
    first = owner.call("GET", "/v1/providers?limit=4")
    rest = owner.call("GET", f"/v1/providers?limit=4&cursor={first['next_cursor']}")
    assert first["providers"] + rest["providers"] == listed["providers"]
    assert server.owner().call("GET", "/v1/providers") == {"providers": [], "next_cursor": None}


@pytest.mark.parametrize(
    ("body", "status", "code", "member"),
    [
        ({"kind": "sandbox"}, 400, "field_missing", "provider_id"),
        ({"provider_id": "eid"}, 400, "field_missing", "kind"),
        ({"provider_id": "EID", "kind": "email_otp"}, 400, "field_invalid", "provider_id"),
        ({"provider_id": "eid", "kind": "saml"}, 400, "field_invalid", "kind"),
        ({"provider_id": "eid", "kind": "wallet"}, 400, "provider_kind_unsupported", "kind"),
        ({"provider_id": "eid", "kind": "sandbox"}, 400, "provider_kind_unsupported", "kind"),
        ({**EID, "flows": ["headless"]}, 400, "field_invalid", "flows"),
        ({**EID, "client_secret": None}, 400, "field_missing", "client_secret"),
        ({**EID, "isuer": "x"}, 400, "field_invalid", "isuer"),
        ({**EID, "issuer": "http://id.example"}, 422, "endpoint_url_invalid", "issuer"),
        ({**EID, "issuer": "https://127.0.0.1:8443"}, 422, "endpoint_url_invalid", "issuer"),
        ({**EID, "mapping": {"x": {"claim": "a", "as": "nothing"}}}, 400, "field_invalid", "mapping[...].as"),
        ({**EID, "logo": "data:text/html;base64,AAAA"}, 400, "logo_invalid", "logo"),
    ],
)
def test_a_fault_names_its_member(start_server, sqlite_url, body, status, code, member):
    answer = start_server(sqlite_url).owner().call("POST", "/v1/providers", status, body)
    assert (answer["code"], answer["member"]) == (code, member)


def test_what_a_provider_is_stays(server):
    owner = server.owner()
    owner.call("POST", "/v1/providers", 201, EID)
    assert owner.call("POST", "/v1/providers", 409, EID)["code"] == "provider_exists"
    for member, value in (("kind", "email_otp"), ("profile", "ftn"), ("provider_id", "other")):
        answer = owner.call("PATCH", "/v1/providers/eid", 400, {member: value})
        assert (answer["code"], answer["member"]) == ("field_invalid", member)


def test_keys_are_listed_and_moved(server):
    owner = server.owner()
    owner.call("POST", "/v1/providers", 201, {**EID, "request_object": True, "signing_alg": "ES256"})
    (key,) = owner.call("GET", "/v1/providers/eid/keys")["keys"]
    assert (key["role"], key["phase"], key["published"], key["movable_at"]) == ("sig", "normal", True, None)
    assert key["public_jwk"].keys() == {"kty", "crv", "x", "y", "alg", "use", "kid"}
    moved = owner.call("POST", "/v1/providers/eid/keys/rotate")["keys"]
    assert [(each["phase"], each["movable_at"]) for each in moved] == [
        ("normal", None),
        ("warm_up", "2027-01-16T08:00:00.000Z"),
    ]
    assert owner.call("GET", "/v1/providers/other/keys", 404)["code"] == "provider_not_found"
    published = server.http.get(owner.call("GET", "/v1/providers/eid")["jwks_address"].removeprefix(server.url))
    assert published.headers["content-type"] == "application/jwk-set+json"
    assert [jwk["kid"] for jwk in published.json()["keys"]] == [each["public_jwk"]["kid"] for each in moved]


def test_other_accounts_and_limited_keys_see_nothing(server):
    owner, other = server.owner(), server.owner()
    owner.call("POST", "/v1/providers", 201, EID)
    assert other.call("GET", "/v1/providers/eid", 404)["code"] == "provider_not_found"
    integration = owner.integration("shop")["integration_id"]
    limited = owner.call("POST", "/v1/keys", 201, {"purpose": "api", "integration_ids": [integration]})["secret"]
    assert server.client(limited).get("/v1/providers").json()["code"] == "api_key_limited"
