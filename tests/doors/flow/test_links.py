"""Hosted links: protocol-flow.md section 10, scenario 11."""

import re
from urllib.parse import urlsplit

import pytest

from ...flow_backend import make_flow_backend
from ..conftest import ORIGIN
from .page import block_of, exchange, open_link

TWO = [{"step": "accept_tos"}, {"step": "verify_email"}]


def change(backend, **policy):
    backend.owner.call("PATCH", f"/v1/integrations/{backend.template_id}", 200, policy)


def stored(server):
    """All that a session and its frames have in the database."""
    return [
        server.rows(f"SELECT * FROM {table} ORDER BY 1") for table in ("sessions", "flow_sessions", "flow_tokens", "events")
    ]


def test_fifty_fetches_change_nothing_and_the_click_works(make_backend):
    backend = make_backend()
    made, server = backend.create(shareable=True), backend.server
    before = stored(server)
    for number in range(50):
        answer = server.http.request("HEAD" if number % 5 == 0 else "GET", made["shareable_url"])
        assert answer.status_code == 200
    assert stored(server) == before
    shown = open_link(server, made["shareable_url"])
    assert (shown.session_id, shown.heading) == (made["id"], "Before we begin")
    assert shown.submit(accept="1").status == "success"
    rotated = backend.create("user-2", shareable=True)
    fresh = backend.call("POST", f"/{rotated['id']}/rotate_key")["shareable_url"]
    assert exchange(server, rotated["shareable_url"]).status_code == 404
    assert open_link(server, fresh).status == "active"


def test_the_page_tells_nothing_and_is_the_same_for_every_link(backend):
    server, made = backend.server, backend.create(shareable=True)
    path = urlsplit(made["shareable_url"]).path
    real, unknown = (server.http.get(each) for each in (made["shareable_url"], "/verify/flwses_1111111111111111111111"))
    for answer in (real, unknown):
        policy = answer.headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "frame-ancestors 'none'", "form-action 'none'", "connect-src 'self'"} <= set(policy)
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
        assert backend.owner.scope.account_id not in answer.text
    assert block_of(real)["first"] is None
    assert faceless(real).replace(path, "") == faceless(unknown).replace("/verify/flwses_1111111111111111111111", "")


def faceless(answer):
    """A page without what is random in it, and without the session's id."""
    text = re.sub(r"accredit_flwses_\w+_", "", answer.text)
    for known in re.findall(r"nonce-([\w-]+)", answer.headers["content-security-policy"]):
        text = text.replace(known, "")
    return text


def test_a_wrong_key_and_an_unknown_session_are_one_refusal(backend):
    server, made = backend.server, backend.create(shareable=True)
    without_link = backend.create("user-2")
    path = urlsplit(made["shareable_url"]).path
    asked = [
        (path, "0" * 64),
        (path, ""),
        (path, made["shareable_url"].rpartition("=")[2].upper()),
        (path, "é"),
        ("/verify/flwses_1111111111111111111111", "0" * 64),
        (f"/verify/{without_link['id']}", "0" * 64),
    ]
    answers = [server.http.post(f"{each}/exchange", json={"key": key}) for each, key in asked]
    told = [{name: value for name, value in answer.json().items() if name != "request_id"} for answer in answers]
    assert [answer.status_code for answer in answers] == [404] * len(asked)
    assert told == [told[0]] * len(asked)
    assert told[0]["code"] == "link_invalid"


def test_twenty_wrong_keys_an_hour(start_server, sqlite_url, clock):
    server = start_server(sqlite_url)
    made = make_flow_backend(server.owner(environment="sandbox")).create(shareable=True)
    path = f"{urlsplit(made['shareable_url']).path}/exchange"
    for _ in range(20):
        assert server.http.post(path, json={"key": "0" * 64}).status_code == 404
    limited = server.http.post(path, json={"key": "0" * 64})
    assert (limited.status_code, limited.json()["code"]) == (429, "rate_limited")
    assert 0 < int(limited.headers["retry-after"]) <= 3601
    assert exchange(server, made["shareable_url"]).status_code == 429
    clock.advance(3600)
    assert open_link(server, made["shareable_url"]).status == "active"


def test_a_key_may_stand_in_the_fragment(backend):
    change(backend, hosted_key_in="fragment")
    made = backend.create(shareable=True)
    parts = urlsplit(made["shareable_url"])
    assert (parts.query, re.fullmatch(r"key=[0-9a-f]{64}", parts.fragment) is not None) == ("", True)
    assert open_link(backend.server, made["shareable_url"]).status == "active"


def test_the_key_works_until_the_session_ends_and_then_shows_the_end(make_backend):
    backend = make_backend(steps=TWO)
    made, server = backend.create(shareable=True), backend.server
    first, again = open_link(server, made["shareable_url"]), open_link(server, made["shareable_url"])
    assert first.token != again.token
    first.submit(accept="1")
    assert again.look().heading == "What is your e-mail address?"
    again.submit(email="leslie@parks.example")
    again.submit(code="123456")
    end = open_link(server, made["shareable_url"])
    assert (end.status, end.token, end.heading) == ("success", "", "You are verified")
    backend.call("POST", f"/{made['id']}/redact")
    assert exchange(server, made["shareable_url"]).status_code == 404


def test_at_its_time_a_link_shows_the_end_though_no_sweeper_ran(backend):
    """Scenario 12."""
    change(backend, session_ttl_s=300)
    made = backend.create(shareable=True)
    shown = open_link(backend.server, made["shareable_url"])
    backend.server.clock.advance(300)
    assert shown.submit(409, accept="1").answer.json()["code"] == "step_not_active"
    assert open_link(backend.server, made["shareable_url"]).heading == "Your time is up"


def test_the_person_returns_to_where_the_owner_says(backend):
    change(backend, allowed_origins=[ORIGIN])
    made = backend.create(shareable=True, return_url=f"{ORIGIN}/done?order=7#end")
    shown = open_link(backend.server, made["shareable_url"])
    assert ORIGIN not in shown.html
    ended = shown.submit(accept="1")
    assert f'href="{ORIGIN}/done?order=7&amp;session_id={made["id"]}#end"' in ended.html
    assert "Continue to shop.example" in ended.html
    assert "session_id" not in open_link(backend.server, backend.create("user-2", shareable=True)["shareable_url"]).html


def test_a_link_needs_no_signature_and_no_origin(backend):
    made = backend.create(shareable=True)
    change(backend, allowed_origins=[], require_signed_requests=True)
    assert open_link(backend.server, made["shareable_url"]).submit(accept="1").status == "success"


def test_a_template_that_is_switched_off_stops_its_links(backend):
    made = backend.create(shareable=True)
    shown = open_link(backend.server, made["shareable_url"])
    change(backend, enabled=False)
    assert exchange(backend.server, made["shareable_url"]).json()["code"] == "integration_disabled"
    assert shown.look(403).answer.json()["code"] == "integration_disabled"


def test_the_page_is_there_in_the_readers_language(backend):
    url = backend.create(shareable=True)["shareable_url"]
    http = backend.server.http
    assert "Bekräfta vem du är" in http.get(url, headers={"Accept-Language": "sv"}).text
    assert "Confirmez votre identité" in http.get(f"{url}&language=fr", headers={"Accept-Language": "sv"}).text
    assert "Verify your identity" in http.get(f"{urlsplit(url).path}?language=%ff").text
    assert open_link(backend.server, url, language="da").heading == "Før vi begynder"


@pytest.mark.parametrize(
    ("path", "status"), [("/verify/flwses_%2e%2e", 404), ("/verify/flwses_a/b", 404), ("/verify/flwses_", 200)]
)
def test_other_addresses(shared_server, path, status):
    assert shared_server.http.get(path).status_code == status


def test_methods(shared_server):
    page, call = (
        shared_server.http.request(*each) for each in (("POST", "/verify/flwses_1"), ("GET", "/verify/flwses_1/exchange"))
    )
    assert (page.status_code, page.headers["allow"]) == (405, "GET, HEAD")
    assert (call.status_code, call.headers["allow"]) == (405, "POST")
    assert shared_server.http.post("/verify/flwses_1/exchange", json={}).json()["code"] == "field_invalid"
