"""Who may call the API: keys, their limits, and keys that a browser sends (protocol-embed.md sections 9 and 10)."""

import pytest

FROM_A_PAGE = {"Origin": "https://shop.example", "Sec-Fetch-Site": "cross-site"}


def code_of(answer):
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize(
    "credential",
    ["", "Basic YTpi", "Bearer", "Bearer x", "Bearer accredit_live_api_" + "A" * 49, "Bearer \xff\xfe", "accredit_live_api_x"],
)
def test_refuses_what_is_no_live_key(start_server, sqlite_url, credential):
    server = start_server(sqlite_url)
    answer = server.http.get("/v1/keys", headers={"Authorization": credential.encode("latin-1")} if credential else {})
    assert code_of(answer) == (401, "invalid_token")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_the_scheme_is_case_insensitive(server):
    owner = server.owner()
    assert server.http.get("/v1/keys", headers={"Authorization": f"bearer {owner.secret}"}).status_code == 200


def test_a_key_stops_when_it_is_revoked_or_retired(server, clock):
    owner = server.owner()
    made = [owner.call("POST", "/v1/keys", 201, {"purpose": "api"}) for _ in range(2)]
    clients = [server.client(each["secret"]) for each in made]
    assert [client.get("/v1/keys").status_code for client in clients] == [200, 200]
    owner.call("POST", f"/v1/keys/{made[0]['key']['key_id']}/revoke", 200)
    owner.call("POST", f"/v1/keys/{made[1]['key']['key_id']}/retire", 200, {"until": "2027-01-15T08:01:00Z"})
    assert [client.get("/v1/keys").status_code for client in clients] == [401, 200]
    clock.advance(60)
    assert [client.get("/v1/keys").status_code for client in clients] == [401, 401]


def test_nothing_crosses_accounts_or_environments(server):
    owner, stranger = server.owner(), server.owner()
    sandbox = server.owner(owner.owner_id, environment="sandbox")
    integration = owner.integration()
    session = owner.visit(integration, uid="user-1")
    key_id = owner.key_id
    paths = {
        f"/v1/sessions/{session['session_id']}": "session_not_found",
        f"/v1/sessions/{session['session_id']}/user_data": "session_not_found",
        "/v1/deployers/shop": "deployer_not_found",
        "/v1/deployers/shop/keys": "deployer_not_found",
        "/v1/deployers/shop/invitations": "deployer_not_found",
        f"/v1/integrations/{integration['integration_id']}": "integration_not_found",
        f"/v1/integrations/{integration['integration_id']}/snippet": "integration_not_found",
        f"/v1/integrations/{integration['integration_id']}/passport_keys": "integration_not_found",
        f"/v1/users/user-1/data?integration_id={integration['integration_id']}": "integration_not_found",
        f"/v1/keys/{key_id}": "key_not_found",
    }
    for other in (stranger, sandbox):
        for path, code in paths.items():
            assert code_of(other.api.get(path)) == (404, code)
        assert other.call("GET", "/v1/sessions")["sessions"] == []
        assert other.call("GET", "/v1/integrations")["integrations"] == []
        assert other.call("GET", "/v1/deployers")["deployers"] == []
        assert [key["key_id"] for key in other.call("GET", "/v1/keys")["keys"]] == [other.key_id]
        assert other.call("POST", f"/v1/keys/{key_id}/revoke", 404)["code"] == "key_not_found"
        assert other.call("DELETE", f"/v1/integrations/{integration['integration_id']}", 404)["code"] == "integration_not_found"
    assert owner.call("GET", f"/v1/sessions/{session['session_id']}")["status"] == "waiting"


def test_unknown_and_foreign_ids_are_told_alike(server):
    owner, stranger = server.owner(), server.owner()
    session = owner.visit(owner.integration())
    foreign = stranger.api.get(f"/v1/sessions/{session['session_id']}").json()
    unknown = stranger.api.get(f"/v1/sessions/{session['session_id'][:-4]}0000").json()
    no_id = stranger.api.get("/v1/sessions/%00").json()
    for problem in (foreign, unknown, no_id):
        problem.pop("request_id")
        problem.pop("member", None)
    assert foreign == unknown == no_id


def test_a_limited_key_reaches_its_integrations_only(server):
    owner = server.owner()
    mine, other = owner.integration(integration_id="mine"), owner.integration(integration_id="other")
    sessions = {name: owner.visit(each, uid="user-1") for name, each in (("mine", mine), ("other", other))}
    made = owner.call("POST", "/v1/keys", 201, {"purpose": "api", "integration_ids": ["mine"]})
    api = server.client(made["secret"])
    assert api.get(f"/v1/sessions/{sessions['mine']['session_id']}").status_code == 200
    assert code_of(api.get(f"/v1/sessions/{sessions['other']['session_id']}")) == (404, "session_not_found")
    assert [each["integration_id"] for each in api.get("/v1/sessions").json()["sessions"]] == ["mine"]
    assert [each["integration_id"] for each in api.get("/v1/integrations").json()["integrations"]] == ["mine"]
    assert code_of(api.get("/v1/integrations/other")) == (404, "integration_not_found")
    assert code_of(api.put("/v1/users/user-1/data?integration_id=other", json={})) == (404, "integration_not_found")
    assert api.put("/v1/users/user-1/data?integration_id=mine", json={}).status_code == 204
    for path in ("/v1/keys", "/v1/deployers", "/v1/audit", "/v1/deployers/shop/keys"):
        assert code_of(api.get(path)) == (403, "api_key_limited")
    assert code_of(api.patch("/v1/integrations/mine", json={"enabled": False})) == (403, "api_key_limited")


def test_a_key_can_be_limited_to_ones_own_integrations_only(server):
    owner, stranger = server.owner(), server.owner()
    stranger.integration(integration_id="theirs")
    problem = owner.call("POST", "/v1/keys", 404, {"purpose": "api", "integration_ids": ["theirs"]})
    assert (problem["code"], problem["member"]) == ("integration_not_found", "integration_ids")


def test_a_key_that_a_browser_sends_is_revoked_at_once(server):
    owner = server.owner()
    made = owner.call("POST", "/v1/keys", 201, {"purpose": "api"})
    api = server.client(made["secret"])
    answer = api.post("/v1/exchange", json={"code": "A" * 43}, headers=FROM_A_PAGE)
    assert code_of(answer) == (403, "secret_exposed")
    assert "access-control-allow-origin" not in answer.headers
    assert code_of(api.get("/v1/keys")) == (401, "invalid_token")
    record = owner.call("GET", f"/v1/keys/{made['key']['key_id']}")
    assert (record["state"], record["revoke_reason"]) == ("revoked", "secret_exposed")
    (event,) = server.rows("SELECT type, data FROM events WHERE type = 'key.leaked'")
    assert made["key"]["key_id"] in event[1]
    (entry,) = owner.call("GET", f"/v1/audit?request_id={answer.headers['x-request-id']}")["entries"]
    assert (entry["kind"], entry["key_id"]) == ("key.leaked", made["key"]["key_id"])


@pytest.mark.parametrize("headers", [{"Origin": "https://a.example"}, {"Sec-Fetch-Site": "none"}])
def test_a_backend_that_sends_one_of_the_two_headers_is_no_browser(start_server, sqlite_url, headers):
    owner = start_server(sqlite_url).owner()
    owner.call("GET", "/v1/keys", 200, **headers)


def test_a_browser_may_ask_but_never_read(server):
    """Without the preflight a page's key would never arrive, and stay in the page unrevoked."""
    asked = {**FROM_A_PAGE, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    answer = server.http.options("/v1/exchange", headers=asked)
    assert answer.status_code == 204
    assert "authorization" in answer.headers["access-control-allow-headers"]
    assert server.http.options("/v1/exchange").status_code == 405


def test_a_stranger_learns_nothing_of_what_an_address_reads(server):
    answer = server.http.post("/v1/exchange", content=b"x" * 100_000, headers={"Content-Type": "text/plain"})
    assert code_of(answer) == (401, "invalid_token")
    assert code_of(server.http.get("/v1/sessions?limit=0")) == (401, "invalid_token")
