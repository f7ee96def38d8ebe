"""Stored data of users, by their id and by a session (protocol-embed.md section 9)."""

import json
import socket
from urllib.parse import quote

import pytest

from .conftest import code_of


def address(integration, uid="user-1"):
    return f"/v1/users/{quote(uid, safe='')}/data?integration_id={integration['integration_id']}"


def by_session(session):
    return f"/v1/sessions/{session['session_id']}/user_data"


def test_data_is_there_on_the_next_visit_and_not_in_another_integration(server):
    owner = server.owner()
    one, other = owner.integration(), owner.integration()
    first, elsewhere = owner.visit(one, uid="user-1"), owner.visit(other, uid="user-1")
    owner.call("PUT", by_session(first), 204, {"theme": "dark", "n": 10**30, "f": 1.5})
    again = owner.visit(one, uid="user-1")
    assert owner.call("GET", by_session(again)) == {"theme": "dark", "n": 10**30, "f": 1.5}
    assert owner.call("GET", address(one)) == {"theme": "dark", "n": 10**30, "f": 1.5}
    assert owner.call("GET", by_session(elsewhere), 404)["code"] == "user_data_unknown"


def test_deleting(server):
    owner = server.owner()
    integration = owner.integration()
    owner.call("PUT", address(integration), 204, {})
    owner.call("DELETE", address(integration), 204)
    assert owner.call("GET", address(integration), 404)["code"] == "user_data_unknown"
    assert owner.call("DELETE", address(integration), 404)["code"] == "user_data_unknown"


@pytest.mark.parametrize("uid", ["a/b", "a/data", "ä €", "50%", "a%2Fb", "a+b c", "?#", "x" * 256])
def test_a_user_id_may_hold_any_character(start_server, sqlite_url, uid):
    owner = start_server(sqlite_url).owner()
    integration = owner.integration()
    owner.call("PUT", address(integration, uid), 204, {"uid": uid})
    assert owner.call("GET", address(integration, uid)) == {"uid": uid}
    assert owner.call("GET", by_session(owner.visit(integration, uid=uid))) == {"uid": uid}
    owner.call("DELETE", f"/v1/users/{quote(uid, safe='')}?integration_id={integration['integration_id']}", 200)
    assert owner.call("GET", address(integration, uid), 404)["code"] == "user_data_unknown"


def test_refuses_what_no_door_takes_as_a_user_id(start_server, sqlite_url):
    owner = start_server(sqlite_url).owner()
    problem = owner.call("GET", address(owner.integration(), "x" * 257), 400)
    assert (problem["code"], problem["member"]) == ("field_invalid", "uid")


@pytest.mark.parametrize("email", ["anon_1@example.com", "jane\x00@example.com", "jane\x7f\n@example.com"])
def test_whoever_was_booted_can_be_erased(server, email):
    """The boot door takes an e-mail exactly as posted, whatever is in it."""
    owner = server.owner()
    integration = owner.boot_integration(level="BASIC")
    code = code_of(server.boot(owner.boot_fields(integration, email=email)))
    assert owner.call("POST", "/v1/exchange", 200, {"code": code})["uid"] == email
    gone = owner.call("DELETE", f"/v1/users/{quote(email, safe='')}?integration_id={integration['integration_id']}", 200)
    assert gone["sessions"] == 1


def test_refuses_octets_that_are_no_text(server):
    owner = server.owner()
    integration = owner.integration()
    # Written to the socket: a client would mend the second one.
    for uid in ("%ff", "50%", "%zz"):
        target = f"/v1/users/{uid}/data?integration_id={integration['integration_id']}"
        problem = raw_get(owner, target)
        assert (problem["status"], problem["member"]) == (400, "uid")
    assert owner.call("GET", "/v1/users/u/data", 400)["member"] == "integration_id"


def raw_get(owner, target):
    """One GET exactly as it is given."""
    host, port = owner.server.url.removeprefix("http://").split(":")
    lines = f"GET {target} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {owner.secret}\r\nConnection: close\r\n\r\n"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(lines.encode("ascii"))
        octets = b"".join(iter(lambda: connection.recv(65536), b""))
    return json.loads(octets.partition(b"\r\n\r\n")[2])


def test_versions_keep_writers_from_losing_each_others_work(server):
    owner = server.owner()
    path = address(owner.integration())
    first = owner.api.put(path, json={"n": 1}, headers={"If-None-Match": "*"})
    assert first.status_code == 204
    assert owner.call("PUT", path, 412, {"n": 2}, **{"If-None-Match": "*"})["code"] == "precondition_failed"
    read = owner.api.get(path)
    assert read.headers["etag"] == first.headers["etag"]
    second = owner.api.put(path, json={"n": 2}, headers={"If-Match": f'"other", {read.headers["etag"]}'})
    assert second.headers["etag"] != first.headers["etag"]
    for stale in (first.headers["etag"], f"W/{second.headers['etag']}", '"other"'):
        assert owner.call("PUT", path, 412, {"n": 3}, **{"If-Match": stale})["code"] == "precondition_failed"
        assert owner.call("DELETE", path, 412, **{"If-Match": stale})["code"] == "precondition_failed"
    owner.call("DELETE", path, 204, **{"If-Match": "*"})
    assert owner.call("PUT", path, 412, {}, **{"If-Match": "*"})["code"] == "precondition_failed"


def test_reading_again_costs_nothing_when_nothing_changed(server):
    owner = server.owner()
    path = address(owner.integration())
    etag = owner.api.put(path, json={}).headers["etag"]
    answer = owner.api.get(path, headers={"If-None-Match": f'"x", W/{etag}'})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    assert owner.api.get(path, headers={"If-None-Match": '"x"'}).status_code == 200


@pytest.mark.parametrize(("name", "line"), [("If-Match", "no-quotes"), ("If-None-Match", '"etag"'), ("If-Match", "")])
def test_refuses_a_condition_of_another_form(start_server, sqlite_url, name, line):
    owner = start_server(sqlite_url).owner()
    problem = owner.call("PUT", address(owner.integration()), 400, {}, **{name: line})
    assert (problem["code"], problem["member"]) == ("field_invalid", name)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"1", b'{"a":1,"a":2}', b'{"a":NaN}', b"{" * 33, b'{"a":' * 33 + b"1" + b"}" * 33, b"\xff"]
)
def test_refuses_a_body_that_is_no_strict_object(start_server, sqlite_url, body):
    owner = start_server(sqlite_url).owner()
    answer = owner.api.put(address(owner.integration()), content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "request_malformed")


def test_takes_objects_up_to_their_limits(server):
    owner = server.owner()
    path = address(owner.integration())
    deep = json.loads('{"a":' * 31 + "{}" + "}" * 31)
    owner.call("PUT", path, 204, deep)
    assert owner.call("GET", path) == deep
    largest = {"a": "x" * (65536 - len('{"a":""}'))}
    octets = json.dumps(largest, separators=(",", ":")).encode()
    assert owner.api.put(path, content=octets, headers={"Content-Type": "application/json"}).status_code == 204
    assert owner.call("PUT", path, 413, {"a": "x" * 65536})["code"] == "body_too_large"


def test_an_anonymous_session_has_no_user(server):
    owner = server.owner()
    session = owner.visit(owner.integration())
    for method in ("GET", "DELETE"):
        assert owner.call(method, by_session(session), 409)["code"] == "session_has_no_user"
    assert owner.call("PUT", by_session(session), 409, {})["code"] == "session_has_no_user"


def test_a_session_needs_the_trust_that_the_integration_asks_for(server):
    owner = server.owner()
    integration = owner.integration(user_data_min_trust="signed", allowed_origins=["https://shop.example"])
    direct = owner.visit(integration, uid="user-1")
    assert direct["trust"] == "origin"
    assert owner.call("PUT", by_session(direct), 403, {})["code"] == "trust_too_low"
    token = owner.token(integration, owner.deployment_key(), uid="user-1")
    owner.call("PUT", by_session(owner.visit(integration, signed_deployment=token)), 204, {})
    owner.call("PATCH", f"/v1/integrations/{integration['integration_id']}", 200, {"user_data_min_trust": "origin"})
    owner.call("GET", by_session(direct), 200)


def test_an_ended_session_no_longer_reaches_data(server):
    owner = server.owner()
    session = owner.visit(owner.integration(), uid="user-1")
    owner.call("PUT", by_session(session), 204, {})
    owner.call("POST", f"/v1/sessions/{session['session_id']}/cancel")
    assert owner.call("GET", by_session(session), 409)["code"] == "session_not_active"


def test_erasing_a_user_deletes_data_and_redacts_sessions(server):
    owner = server.owner()
    integration = owner.integration()
    session, other = owner.visit(integration, uid="user-1"), owner.visit(integration, uid="user-2")
    owner.call("PUT", by_session(session), 204, {"a": 1})
    erase = f"/v1/users/user-1?integration_id={integration['integration_id']}"
    assert owner.call("DELETE", erase) == {"sessions": 1}
    assert owner.call("GET", address(integration), 404)["code"] == "user_data_unknown"
    redacted = owner.call("GET", f"/v1/sessions/{session['session_id']}")
    assert (redacted["status"], redacted["uid"], redacted["origin"]) == ("cancelled", None, None)
    assert owner.call("GET", f"/v1/sessions/{other['session_id']}")["uid"] == "user-2"
    (entry,) = owner.call("GET", "/v1/audit?kind=user.erased")["entries"]
    assert (entry["actor"], entry["detail"]) == (owner.key_id, {"sessions": 1})


def test_what_a_deleted_integration_stored_can_still_be_erased(server):
    owner = server.owner()
    integration = owner.integration()
    owner.call("PUT", address(integration), 204, {})
    owner.call("DELETE", f"/v1/integrations/{integration['integration_id']}", 204)
    assert owner.call("PUT", address(integration), 404, {})["code"] == "integration_not_found"
    owner.call("DELETE", f"/v1/users/user-1?integration_id={integration['integration_id']}")
    assert owner.call("GET", address(integration), 404)["code"] == "user_data_unknown"


def test_stored_data_and_user_ids_are_not_readable_in_the_database(server):
    owner = server.owner()
    owner.call("PUT", address(owner.integration(), "find-me"), 204, {"secret": "hide-me"})
    ((data, subject_hash),) = server.rows("SELECT data, subject_hash FROM users")
    assert b"hide-me" not in bytes(data)
    assert b"find-me" not in bytes(subject_hash)
