"""Integrations over HTTP: policy, versions, snippet and passport keys (protocol-embed.md sections 1, 8, 10 and 11)."""

import pytest

DEFAULTS = {
    "enabled": True,
    "application_url": None,
    "views": [],
    "allowed_origins": [],
    "session_lifetime_s": 1800,
    "user_data_min_trust": "unverified",
    "quota_per_day": None,
    "retention_days": None,
    "debug_until": None,
    "origin_check": "off",
    "signed_deployment": "off",
    "token_key_id": "off",
    "token_expiry": "off",
    "token_single_use": "off",
    "token_audience": "off",
    "token_origins": "off",
    "passport_schema": None,
    "passport_envelope": "off",
    "strict_passport": False,
    "strict_direct": False,
}
TOKEN_ASPECTS = ("token_key_id", "token_expiry", "token_single_use", "token_audience", "token_origins")


def path_of(integration):
    return f"/v1/integrations/{integration['integration_id']}"


def test_everything_has_its_default(server):
    owner = server.owner()
    owner.deployer("shop")
    made = owner.call("POST", "/v1/integrations", 201, {"deployer_id": "shop"})
    assert made == {
        **DEFAULTS,
        "integration_id": made["integration_id"],
        "door": "embed",
        "deployer_id": "shop",
        "owner_id": owner.owner_id,
        "name": made["integration_id"],
        "version": 1,
        "created_at": "2027-01-15T08:00:00.000Z",
        "updated_at": "2027-01-15T08:00:00.000Z",
    }
    assert made["integration_id"].startswith("int_")
    assert owner.call("GET", path_of(made)) == made


def test_a_change_is_a_new_version_and_acts_at_once(server, clock):
    owner = server.owner()
    integration = owner.integration(integration_id="checkout", name="Checkout")
    owner.visit(integration)
    clock.advance(5)
    changed = owner.call("PATCH", path_of(integration), 200, {"enabled": False, "name": "Old checkout"})
    expected = {"enabled": False, "name": "Old checkout", "version": 2, "updated_at": "2027-01-15T08:00:05.000Z"}
    assert changed == {**integration, **expected}
    assert server.embed(owner.fields(integration)).status_code == 403
    owner.call("PATCH", path_of(integration), 200, {"enabled": True})
    owner.visit(integration)
    (entry, *_) = owner.call("GET", "/v1/audit?kind=integration.published")["entries"]
    assert (entry["actor"], entry["detail"]) == (owner.key_id, {"version": 3, "changed": ["enabled"]})


def test_a_profile_sets_all_five_aspects(server):
    owner = server.owner()
    integration = owner.integration(token_profile="require", token_origins="off")
    assert [integration[aspect] for aspect in TOKEN_ASPECTS] == ["require"] * 5
    changed = owner.call("PATCH", path_of(integration), 200, {"token_profile": "warn"})
    assert [changed[aspect] for aspect in TOKEN_ASPECTS] == ["warn"] * 5


def test_origins_are_kept_in_one_spelling(server):
    made = server.owner().integration(
        allowed_origins=["https://SHOP.example:443", "https://shop.example", "https://*.a.example"]
    )
    assert made["allowed_origins"] == ["https://shop.example", "https://*.a.example"]


@pytest.mark.parametrize(
    ("members", "code", "member"),
    [
        ({"unknown": 1}, "field_invalid", "unknown"),
        ({"enabled": "yes"}, "field_invalid", "enabled"),
        ({"door": "hatch"}, "field_invalid", "door"),
        ({"integration_id": "a:b"}, "field_invalid", "integration_id"),
        ({"application_url": "http://app.example/"}, "field_invalid", "application_url"),
        ({"application_url": "https://app.example/?code=1"}, "field_invalid", "application_url"),
        ({"application_url": "https://app.example/#a"}, "field_invalid", "application_url"),
        ({"application_url": "https://app.example/\x00"}, "field_invalid", "application_url"),
        ({"application_url": "https://app.example/?a=\x7f"}, "field_invalid", "application_url"),
        ({"application_url": "https://user@app.example/"}, "field_invalid", "application_url"),
        ({"application_url": "https://app.example\\@other.example/"}, "field_invalid", "application_url"),
        ({"views": [{"id": "a"}, {"id": "a"}]}, "field_invalid", "views"),
        ({"views": [{"id": "a", "url": "https://other.example/"}]}, "field_invalid", "views[0].url"),
        ({"views": [{"name": "a"}]}, "field_invalid", "views[0].name"),
        ({"allowed_origins": ["https://shop.example/path"]}, "origin_entry_invalid", "allowed_origins"),
        ({"session_lifetime_s": 59}, "field_invalid", "session_lifetime_s"),
        ({"session_lifetime_s": 10**30}, "field_invalid", "session_lifetime_s"),
        ({"token_expiry": "maybe"}, "field_invalid", "token_expiry"),
        ({"token_profile": "strict"}, "field_invalid", "token_profile"),
        ({"passport_schema": [{"name": "a b"}]}, "field_invalid", "passport_schema[0].name"),
        ({"retention_days": 0}, "field_invalid", "retention_days"),
        ({"debug_until": "2027-01-16T08:00:01Z"}, "field_invalid", "debug_until"),
        ({"debug_until": "tomorrow"}, "field_invalid", "debug_until"),
        ({"name": "x" * 201}, "field_invalid", "name"),
    ],
)
def test_refuses_a_policy_of_another_form_and_keeps_nothing(start_server, sqlite_url, members, code, member):
    owner = start_server(sqlite_url).owner()
    integration = owner.integration(integration_id="there")
    body = {"deployer_id": "shop", "application_url": "https://app.example/", **members}
    problem = owner.call("POST", "/v1/integrations", 400, body)
    assert (problem["code"], problem["member"]) == (code, member)
    owner.call("PATCH", path_of(integration), 400, members)
    assert owner.call("GET", "/v1/integrations")["integrations"] == [integration]


def test_an_id_is_never_given_twice(server):
    owner, stranger = server.owner(), server.owner()
    integration = owner.integration(integration_id="taken")
    stranger.deployer("shop")
    for each in (owner, stranger):
        problem = each.call("POST", "/v1/integrations", 409, {"deployer_id": "shop", "integration_id": "taken"})
        assert (problem["code"], problem["member"]) == ("integration_exists", "integration_id")
    owner.call("DELETE", path_of(integration), 204)
    assert owner.call("POST", "/v1/integrations", 409, {"deployer_id": "shop", "integration_id": "taken"})


def test_an_integration_belongs_to_a_deployer_of_its_own_account(server):
    owner, stranger = server.owner(), server.owner()
    stranger.deployer("bank")
    problem = owner.call("POST", "/v1/integrations", 404, {"deployer_id": "bank"})
    assert (problem["code"], problem["member"]) == ("deployer_not_found", "deployer_id")
    assert owner.call("POST", "/v1/integrations", 400, {})["member"] == "deployer_id"


def test_deleting_admits_nobody_any_more(server):
    owner = server.owner()
    integration = owner.integration()
    code = owner.admit(integration)
    owner.call("DELETE", path_of(integration), 204)
    assert server.embed(owner.fields(integration)).status_code == 403
    for method in ("GET", "DELETE", "PATCH"):
        body = {} if method == "PATCH" else None
        assert owner.call(method, path_of(integration), 404, body)["code"] == "integration_not_found"
    owner.call("POST", "/v1/exchange", 200, {"code": code})
    (entry,) = owner.call("GET", "/v1/audit?kind=integration.deleted")["entries"]
    assert (entry["integration_id"], entry["actor"]) == (integration["integration_id"], owner.key_id)


def test_listing_in_pages(server):
    owner = server.owner()
    for name in "bca":
        owner.integration(integration_id=name)
    page = owner.call("GET", "/v1/integrations?limit=2")
    rest = owner.call("GET", f"/v1/integrations?limit=2&cursor={page['next_cursor']}")
    assert [[each["integration_id"] for each in part["integrations"]] for part in (page, rest)] == [["a", "b"], ["c"]]
    assert rest["next_cursor"] is None


def test_the_snippet_as_json_and_as_text_to_paste(server):
    owner = server.owner()
    integration = owner.integration(signed_deployment="required")
    snippet = owner.call("GET", f"{path_of(integration)}/snippet")
    assert snippet["server_samples"].keys() == {"python", "node", "ruby", "php"}
    assert f"{server.url}/sdk/" in snippet["html"]
    answer = owner.api.get(f"{path_of(integration)}/snippet", headers={"Accept": "text/html"})
    assert (answer.text, answer.headers["content-type"]) == (snippet["html"], "text/html; charset=utf-8")
    assert "sandbox" in answer.headers["content-security-policy"]


def test_passport_keys_are_shown_once_and_two_live(server):
    owner = server.owner()
    path = f"{path_of(owner.integration())}/passport_keys"
    made = owner.call("POST", path, 201, {})
    assert (made["jwk"]["kty"], made["jwk"]["alg"], made["key"]["purpose"]) == ("oct", "A128KW", "passport")
    assert made["jwk"]["k"] not in owner.api.get(path).text
    pair = owner.call("POST", path, 201, {"alg": "ECDH-ES+A128KW", "label": "pair"})
    assert "d" not in pair["jwk"]
    assert owner.call("GET", path) == {"keys": [made["key"], pair["key"]]}
    assert owner.call("POST", path, 409, {})["code"] == "key_limit_reached"
    owner.call("POST", f"/v1/keys/{made['key']['key_id']}/revoke")
    owner.call("POST", path, 201, {"alg": "RSA-OAEP-256", "enc": "A256GCM"})


@pytest.mark.parametrize(("body", "member"), [({"alg": "RSA1_5"}, "alg"), ({"enc": "A128CBC-HS256"}, "enc"), ({"k": ""}, "k")])
def test_refuses_a_passport_key_of_another_form(start_server, sqlite_url, body, member):
    owner = start_server(sqlite_url).owner()
    problem = owner.call("POST", f"{path_of(owner.integration())}/passport_keys", 400, body)
    assert (problem["code"], problem["member"]) == ("field_invalid", member)


def test_an_integration_of_the_rest_door_has_no_deployer(server):
    owner = server.owner()
    made = owner.call("POST", "/v1/integrations", 201, {"door": "rest", "callback_hosts": ["SHOP.example", "*.shop.example"]})
    assert "deployer_id" not in made
    assert made["callback_hosts"] == ["shop.example", "*.shop.example"]
    assert (made["protection"], made["retention_days"], made["delete_after_read_s"]) == ("optional", 7, None)
    assert owner.call("GET", path_of(made)) == made
    changed = owner.call("PATCH", path_of(made), 200, {"protection": "jws+jwe", "pad_to": 256})
    assert (changed["version"], changed["protection"], changed["pad_to"]) == (2, "jws+jwe", 256)
    assert owner.call("GET", f"{path_of(made)}/snippet", 404)["code"] == "integration_not_found"
    problem = owner.call("POST", "/v1/integrations", 400, {"door": "rest", "deployer_id": owner.deployer()})
    assert (problem["code"], problem["member"]) == ("field_invalid", "deployer_id")


@pytest.mark.parametrize(
    ("members", "member"),
    [
        ({"callback_hosts": ["shop.example", "https://shop.example"]}, "callback_hosts[1]"),
        ({"callback_hosts": ["*.127.0.0.1"]}, "callback_hosts[0]"),
        ({"request_domains": ["a..b"]}, "request_domains[0]"),
        ({"embedded_parent_domains": ["http://shop.example"]}, "embedded_parent_domains[0]"),
        ({"embedded_parent_domains": ["shop.example:8443"]}, "embedded_parent_domains[0]"),
        ({"providers": ["nbid", "nbid"]}, "providers"),
        ({"providers": ["NBID"]}, "providers[0]"),
        ({"allowed_enc": []}, "allowed_enc"),
        ({"allowed_enc": ["A256GCM"]}, "response_enc"),
        ({"allowed_alg": ["RSA1_5"]}, "allowed_alg[0]"),
        ({"pad_to": 100}, "pad_to"),
        ({"max_session_lifetime_s": 299}, "max_session_lifetime_s"),
        ({"delete_after_read_s": 86401}, "delete_after_read_s"),
        ({"application_url": "https://app.example/"}, "application_url"),
    ],
)
def test_refuses_a_policy_of_the_rest_door_of_another_form(start_server, sqlite_url, members, member):
    owner = start_server(sqlite_url).owner()
    problem = owner.call("POST", "/v1/integrations", 400, {"door": "rest", **members})
    assert (problem["code"], problem["member"]) == ("field_invalid", member)


def test_a_key_set_of_the_rest_door_is_read_by_tls_only(start_server, sqlite_url):
    owner = start_server(sqlite_url).owner()
    for address in ("http://shop.example/jwks", "https://a:b@shop.example/jwks", "https:///jwks", "https://[::1/"):
        problem = owner.call("POST", "/v1/integrations", 400, {"door": "rest", "encryption_jwks_uri": address})
        assert (problem["code"], problem["member"]) == ("jwks_uri_invalid", "encryption_jwks_uri")
