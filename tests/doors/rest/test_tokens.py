"""The token endpoint, and the documents beside it (protocol-rest.md sections 2 and 3)."""

import base64
import json

import pytest

from accredit.encoding import b64url_decode
from accredit.sealing import verify_compact

TOKEN = "/auth/open/connect/token"
GRANT = {"grant_type": "client_credentials"}


@pytest.fixture
def shop(server):
    """An owner with an API client; client_id, secret."""
    owner = server.owner(environment="sandbox")
    owner.client_id = owner.call("POST", "/v1/api_clients", 201, {"client_id": "shop-1"})["client_id"]
    owner.client_secret = new_secret(owner)
    return owner


def new_secret(owner) -> str:
    return owner.call("POST", f"/v1/api_clients/{owner.client_id}/secrets", 201, {})["secret"]


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


def test_a_token_for_credentials_by_http_basic_or_in_the_body(server, clock, shop):
    by_basic = server.http.post(TOKEN, data=GRANT, headers=basic("shop-1", shop.client_secret))
    by_body = server.http.post(TOKEN, data={**GRANT, "client_id": "shop-1", "client_secret": shop.client_secret})
    for answer in (by_basic, by_body):
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        told = answer.json()
        assert (told["expires_in"], told["token_type"], told["scope"]) == (600, "Bearer", "signicat-api accredit")
        jwks = server.http.get("/.well-known/jwks.json").json()
        claims = json.loads(verify_compact(told["access_token"], jwks, typ="at+jwt").payload)
        assert claims.pop("jti")
        assert claims == {
            "iss": f"{server.url}/auth/open",
            "aud": server.url,
            "sub": "shop-1",
            "account_id": shop.owner_id,
            "sandbox": True,
            "scope": ["signicat-api", "accredit"],
            "iat": clock.now,
            "nbf": clock.now,
            "exp": clock.now + 600,
        }


@pytest.mark.parametrize(
    ("form", "headers", "status", "error"),
    [
        ({}, {}, 401, "invalid_client"),
        ({"client_id": "shop-1", "client_secret": "wrong"}, {}, 401, "invalid_client"),
        ({"client_id": "nobody", "client_secret": "SECRET"}, {}, 401, "invalid_client"),
        ({}, {"Authorization": "Basic !"}, 401, "invalid_client"),
        ({}, {"Authorization": "Bearer SECRET"}, 401, "invalid_client"),
        ({"client_id": "shop-1", "client_secret": "SECRET", "grant_type": "password"}, {}, 400, "unsupported_grant_type"),
        ({"client_id": "shop-1", "client_secret": "SECRET", "grant_type": ""}, {}, 400, "invalid_request"),
        ({"client_id": "shop-1", "client_secret": "SECRET", "scope": "other"}, {}, 400, "invalid_scope"),
        ({"client_secret": "SECRET"}, basic("shop-1", "SECRET"), 400, "invalid_request"),
    ],
)
def test_refuses_in_the_words_of_oauth(start_server, sqlite_url, form, headers, status, error):
    server = start_server(sqlite_url)
    owner = server.owner(environment="sandbox")
    owner.client_id = owner.call("POST", "/v1/api_clients", 201, {"client_id": "shop-1"})["client_id"]
    secret = new_secret(owner)
    sent = {name: value.replace("SECRET", secret) for name, value in {**GRANT, **form}.items()}
    answer = server.http.post(TOKEN, data=sent, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["code"] == error
    assert ("www-authenticate" in answer.headers) == (status == 401)
    assert secret not in answer.text


def test_a_parameter_that_comes_twice_or_a_secret_in_the_query_is_refused(server, shop):
    form = {**GRANT, "client_id": "shop-1", "client_secret": shop.client_secret}
    in_query = server.http.post(f"{TOKEN}?client_secret={shop.client_secret}", data=form)
    twice = server.http.post(
        TOKEN,
        content="grant_type=client_credentials&grant_type=client_credentials",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert [each.json()["error"] for each in (in_query, twice)] == ["invalid_request"] * 2
    assert server.http.post(TOKEN, json=form).status_code == 415
    assert server.http.post(TOKEN, data={**form, "more": "x" * 9000}).status_code == 413
    assert server.http.get(TOKEN).status_code == 405


def test_a_secret_that_a_browser_sends_stops_working(server, shop):
    """Server-side fetch sends Sec-Fetch-Mode only, which is no sign of a browser."""
    form = {**GRANT, "client_id": "shop-1", "client_secret": shop.client_secret}
    assert server.http.post(TOKEN, data=form, headers={"Sec-Fetch-Mode": "cors"}).status_code == 200
    browser = {"Origin": "https://shop.example", "Sec-Fetch-Site": "cross-site"}
    refused = server.http.post(TOKEN, data=form, headers=browser)
    assert (refused.status_code, refused.json()["error"], refused.json()["code"]) == (401, "invalid_client", "secret_exposed")
    assert server.http.post(TOKEN, data=form).status_code == 401
    assert shop.call("GET", "/v1/api_clients/shop-1")["secrets"][0]["state"] == "revoked"


def test_ten_failures_a_minute_are_enough(server, clock, shop):
    wrong = {**GRANT, "client_id": "shop-1", "client_secret": "wrong"}
    assert {server.http.post(TOKEN, data=wrong).status_code for _ in range(10)} == {401}
    refused = server.http.post(TOKEN, data={**wrong, "client_secret": shop.client_secret})
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert int(refused.headers["retry-after"]) > 0
    clock.advance(60)
    assert server.http.post(TOKEN, data={**wrong, "client_secret": shop.client_secret}).status_code == 200


def test_a_disabled_client_gets_no_token_and_up_to_three_secrets_live(server, shop):
    secrets = [new_secret(shop) for _ in range(2)]
    shop.call("POST", "/v1/api_clients/shop-1/secrets", 409, {})
    for secret in (shop.client_secret, *secrets):
        assert server.http.post(TOKEN, data=GRANT, headers=basic("shop-1", secret)).status_code == 200
    shop.call("PATCH", "/v1/api_clients/shop-1", 200, {"enabled": False})
    assert server.http.post(TOKEN, data=GRANT, headers=basic("shop-1", secrets[0])).status_code == 401


def test_a_client_secret_is_no_api_key(server, shop):
    answer = server.http.get("/v1/deployers", headers={"Authorization": f"Bearer {shop.client_secret}"})
    assert answer.status_code == 401


def test_a_client_that_serves_several_accounts_names_none_in_its_token(server, shop):
    other = server.owner(environment="sandbox")
    other.call("PUT", "/v1/api_client_grants/shop-1", 204)
    assert other.call("GET", "/v1/api_client_grants") == {"client_ids": ["shop-1"]}
    token = server.http.post(TOKEN, data=GRANT, headers=basic("shop-1", shop.client_secret)).json()["access_token"]
    assert "account_id" not in json.loads(b64url_decode(token.split(".")[1]))
    server.owner(other.owner_id, environment="live").call("PUT", "/v1/api_client_grants/shop-1", 404)
    other.call("DELETE", "/v1/api_client_grants/shop-1", 204)
    other.call("DELETE", "/v1/api_client_grants/shop-1", 404)


def test_the_key_set_has_keys_that_sign_and_keys_that_requests_are_sealed_to(server):
    answer = server.http.get("/.well-known/jwks.json")
    keys = answer.json()["keys"]
    assert [(key["use"], key["alg"]) for key in keys] == [("sig", "ES256"), ("enc", "RSA-OAEP-256"), ("enc", "ECDH-ES+A256KW")]
    assert all("d" not in key and key["kid"] for key in keys)
    assert "max-age=300" in answer.headers["cache-control"]
    assert server.http.get("/.well-known/jwks.json").json() == answer.json()


def test_the_discovery_document_is_found_by_both_names(server):
    told = server.http.get("/auth/open/.well-known/openid-configuration").json()
    assert told == server.http.get("/.well-known/oauth-authorization-server/auth/open").json()
    assert told["issuer"] == f"{server.url}/auth/open"
    assert server.http.get(told["jwks_uri"]).status_code == 200
    assert server.http.post(told["token_endpoint"], data=GRANT).status_code == 401
