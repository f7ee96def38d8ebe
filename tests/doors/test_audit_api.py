"""The audit trail over HTTP: what was done and refused, found by request, kind and code."""

import pytest


def test_a_refusal_is_found_by_its_request_with_the_precise_code(server):
    owner = server.owner()
    integration = owner.integration(signed_deployment="required")
    refused = server.embed(owner.fields(integration, uid="user-1"))
    assert refused.status_code == 403
    (entry,) = owner.call("GET", f"/v1/audit?request_id={refused.headers['x-request-id']}")["entries"]
    assert (entry["kind"], entry["code"]) == ("embed.refused", "signed_deployment_required")
    assert entry["integration_id"] == integration["integration_id"]
    assert len(entry["address_hash"]) == 32
    assert "user-1" not in str(entry)


def test_filters_and_pages(server):
    owner = server.owner()
    for name in ("one", "two", "three"):
        owner.deployer(name)
    page = owner.call("GET", "/v1/audit?kind=deployer.created&limit=2")
    rest = owner.call("GET", f"/v1/audit?kind=deployer.created&limit=2&cursor={page['next_cursor']}")
    entries = page["entries"] + rest["entries"]
    assert [entry["detail"]["deployer_id"] for entry in entries] == ["three", "two", "one"]
    assert [entry["actor"] for entry in entries] == [owner.key_id] * 3
    assert rest["next_cursor"] is None
    assert owner.call("GET", f"/v1/audit?kind=key.created&cursor={page['next_cursor']}", 400)["code"] == "cursor_invalid"
    assert owner.call("GET", "/v1/audit?code=unknown")["entries"] == []


def test_shows_ones_own_entries_only(server):
    owner, stranger = server.owner(), server.owner()
    owner.deployer("shop")
    kinds = {entry["kind"] for entry in stranger.call("GET", "/v1/audit")["entries"]}
    assert kinds == {"key.created"}


@pytest.mark.parametrize("query", ["kind=a b", "request_id=%00", "code=A", "limit=0", "cursor=x", "kind=a&kind=b"])
def test_refuses_a_query_of_another_form(start_server, sqlite_url, query):
    assert start_server(sqlite_url).owner().call("GET", f"/v1/audit?{query}", 400)["code"] in (
        "query_invalid",
        "cursor_invalid",
    )
