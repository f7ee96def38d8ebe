"""Access tokens with the scope `accredit` at the owner's API, as far as the client's permissions go (protocol-rest.md section 3)."""

import pytest

from accredit.server.api.application import OPERATIONS

TOKEN = "/auth/open/connect/token"
FROM_A_PAGE = {"Origin": "https://shop.example", "Sec-Fetch-Site": "cross-site"}


def token_of(backend, **form):
    credentials = {"grant_type": "client_credentials", "client_id": backend.client_id, "client_secret": backend.secret}
    return backend.server.http.post(TOKEN, data={**credentials, **form}).json()["access_token"]


def call(backend, token, method="GET", path="/v1/deployers", **given):
    headers = {"Authorization": f"Bearer {token}", **given.pop("headers", {})}
    return backend.server.http.request(method, path, headers=headers, **given)


def told(answer):
    return answer.status_code, answer.json()["code"]


@pytest.fixture
def operator(backend):
    """A backend whose client may use the owner's API too."""
    backend.owner.call("PATCH", f"/v1/api_clients/{backend.client_id}", 200, {"permissions": ["rest", "api"]})
    return backend


def test_a_client_with_the_permission_does_what_an_api_key_does(operator):
    token = token_of(operator, scope="accredit")
    made = call(operator, token, "POST", json={"deployer_id": "shop"})
    assert made.status_code == 201
    assert operator.owner.call("GET", "/v1/deployers/shop") == made.json()
    assert call(operator, token).json()["deployers"] == [made.json()]
    (entry,) = operator.owner.call("GET", "/v1/audit?kind=deployer.created")["entries"]
    assert entry["actor"] == operator.client_id


def test_without_the_permission_or_the_scope_it_is_refused(backend, operator):
    by_original_scope = token_of(operator, scope="signicat-api")
    assert told(call(operator, by_original_scope)) == (403, "permission_denied")
    token = token_of(operator)
    assert call(operator, token).status_code == 200
    operator.owner.call("PATCH", f"/v1/api_clients/{operator.client_id}", 200, {"permissions": ["rest"]})
    assert told(call(operator, token)) == (403, "permission_denied")
    # What the address would have read is not looked at.
    assert told(call(operator, token, "POST", content=b"{")) == (403, "permission_denied")


def test_a_token_ends_with_its_time_and_with_its_client(operator, clock):
    token = token_of(operator)
    operator.owner.call("PATCH", f"/v1/api_clients/{operator.client_id}", 200, {"enabled": False})
    assert told(call(operator, token)) == (401, "invalid_token")
    operator.owner.call("PATCH", f"/v1/api_clients/{operator.client_id}", 200, {"enabled": True})
    clock.advance(600)
    refused = call(operator, token)
    assert told(refused) == (401, "invalid_token")
    assert refused.headers["www-authenticate"].startswith("Bearer")


def test_a_browser_is_refused_and_nothing_is_revoked(operator):
    token = token_of(operator)
    assert told(call(operator, token, headers=FROM_A_PAGE)) == (403, "browser_not_allowed")
    assert call(operator, token).status_code == 200


def test_a_grant_of_another_account_opens_the_rest_door_only(operator):
    other = operator.server.owner(environment="sandbox")
    other.deployer("theirs")
    other.call("PUT", f"/v1/api_client_grants/{operator.client_id}", 204)
    assert call(operator, token_of(operator)).json()["deployers"] == []


@pytest.mark.parametrize("credential", ["a.b.c", ".", "accredit_sandbox_api_x.y"])
def test_what_is_no_token_is_no_key_either(operator, credential):
    assert told(call(operator, credential)) == (401, "invalid_token")


def test_every_operation_that_asks_who_calls_takes_a_token(operator):
    """Not one of them takes a token whose client may not."""
    operator.owner.call("PATCH", f"/v1/api_clients/{operator.client_id}", 200, {"permissions": ["rest"]})
    token = token_of(operator)
    asked = [each for each in OPERATIONS if not each.public]
    assert len(asked) > 30
    for each in asked:
        path = each.path.replace("{", "").replace("}", "")
        assert told(call(operator, token, each.method, path)) == (403, "permission_denied"), each.name


def test_the_description_of_the_api_says_how(server):
    told_of = server.http.get("/openapi.json").json()
    scheme = told_of["components"]["securitySchemes"]["api_client"]
    discovered = server.http.get("/auth/open/.well-known/openid-configuration").json()
    assert scheme["flows"]["clientCredentials"]["tokenUrl"] == discovered["token_endpoint"]
    assert {name for each in told_of["security"] for name in each} == {"api_key", "api_client"}
    assert "permission_denied" in told_of["paths"]["/v1/deployers"]["get"]["responses"]["403"]["description"]
