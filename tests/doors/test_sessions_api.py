"""Sessions as their owner's backend reads, lists and moves them (protocol-embed.md section 9)."""

import pytest

PERSONAL = {"uid": None, "anonymous_id": None, "data_passport": {}, "server_only": [], "customer_info": None}


def read(owner, session, status=200):
    return owner.call("GET", f"/v1/sessions/{session['session_id']}", status)


def move(owner, session, verb, status=200, body=None):
    return owner.call("POST", f"/v1/sessions/{session['session_id']}/{verb}", status, body)


def test_an_open_session_reads_as_its_exchange_did(server):
    owner = server.owner()
    session = owner.visit(owner.integration(), uid="user-1", data_passport='{"name":"Ada"}')
    assert read(owner, session) == session


def test_an_ended_session_holds_nothing_personal(server):
    owner = server.owner()
    session = owner.visit(owner.integration(), uid="user-1", data_passport='{"name":"Ada"}')
    ended = move(owner, session, "end", body={"outcome": "failed"})
    assert ended == {**session, **PERSONAL, "status": "failed"}
    assert read(owner, session) == ended


def test_a_session_past_its_time_is_expired_for_every_reader(server, clock):
    owner = server.owner()
    session = owner.visit(owner.integration(session_lifetime_s=60), uid="user-1")
    clock.advance(59.999)
    assert read(owner, session)["uid"] == "user-1"
    clock.advance(0.001)
    assert read(owner, session) == {**session, **PERSONAL, "status": "expired"}
    assert move(owner, session, "end", 409, {"outcome": "success"})["code"] == "session_not_active"
    assert move(owner, session, "extend", 409, {"expires_in_s": 60})["code"] == "session_not_active"
    (item,) = owner.call("GET", "/v1/sessions?status=expired")["sessions"]
    assert item["session_id"] == session["session_id"]


def test_ending_alike_again_answers_the_same_and_otherwise_conflicts(server):
    owner = server.owner()
    session = owner.visit(owner.integration())
    first = move(owner, session, "end", body={"outcome": "success"})
    assert move(owner, session, "end", body={"outcome": "success"}) == first
    assert move(owner, session, "end", 409, {"outcome": "aborted"})["code"] == "session_not_active"
    assert move(owner, session, "cancel", 409)["code"] == "session_not_active"


def test_cancelling(server):
    owner = server.owner()
    session = owner.visit(owner.integration())
    assert move(owner, session, "cancel")["status"] == "cancelled"
    assert move(owner, session, "cancel")["status"] == "cancelled"


def test_extends_up_to_twelve_hours_after_the_beginning(server, clock):
    owner = server.owner()
    session = owner.visit(owner.integration())
    assert move(owner, session, "extend", body={"expires_in_s": 3600})["expires_at"] == "2027-01-15T09:00:00.000Z"
    clock.advance(1800)
    assert read(owner, session)["status"] == "waiting"
    whole = 12 * 3600
    assert move(owner, session, "extend", 400, {"expires_in_s": whole})["member"] == "expires_in_s"
    assert move(owner, session, "extend", body={"expires_in_s": whole - 1800})["expires_at"] == "2027-01-15T20:00:00.000Z"


@pytest.mark.parametrize(
    ("verb", "body", "code"),
    [
        ("end", {"outcome": "cancelled"}, "field_invalid"),
        ("end", {}, "field_missing"),
        ("extend", {"expires_in_s": 0}, "field_invalid"),
        ("extend", {"expires_in_s": "60"}, "field_invalid"),
        ("extend", {"expires_in_s": 10**30}, "field_invalid"),
    ],
)
def test_refuses_moves_of_another_form(start_server, sqlite_url, verb, body, code):
    owner = start_server(sqlite_url).owner()
    session = owner.visit(owner.integration())
    assert move(owner, session, verb, 400, body)["code"] == code


def test_an_unknown_session_is_not_found_whatever_is_asked_of_it(server):
    owner = server.owner()
    for session_id in ("01890000-0000-7000-8000-000000000000", "x", "%2e%2e", "%ff", "a%2Fb"):
        unknown = {"session_id": session_id}
        assert read(owner, unknown, 404)["code"] == "session_not_found"
        assert move(owner, unknown, "cancel", 404)["code"] == "session_not_found"


def test_lists_newest_first_without_personal_data(server, clock):
    owner = server.owner()
    integration = owner.integration()
    sessions = []
    for number in range(3):
        sessions.append(owner.visit(integration, uid=f"user-{number}", data_passport='{"name":"Ada"}'))
        clock.advance(1)
    listed = owner.api.get("/v1/sessions")
    assert [item["session_id"] for item in listed.json()["sessions"]] == [each["session_id"] for each in reversed(sessions)]
    assert listed.json()["next_cursor"] is None
    assert "user-" not in listed.text
    assert "Ada" not in listed.text


def test_filters_by_status_and_integration(server):
    owner = server.owner()
    one, other = owner.integration(), owner.integration()
    ended, open_ = owner.visit(one), owner.visit(other)
    move(owner, ended, "end", body={"outcome": "success"})

    def ids(query):
        return [item["session_id"] for item in owner.call("GET", f"/v1/sessions?{query}")["sessions"]]

    assert ids("status=success") == [ended["session_id"]]
    assert ids("status=waiting") == [open_["session_id"]]
    assert ids(f"integration_id={other['integration_id']}") == [open_["session_id"]]
    assert ids("integration_id=unknown") == []
    assert ids(f"status=waiting&integration_id={one['integration_id']}") == []


def test_pages_do_not_move_while_new_sessions_come(server):
    owner = server.owner()
    integration = owner.integration()
    wanted = [owner.visit(integration)["session_id"] for _ in range(5)][::-1]
    page = owner.call("GET", "/v1/sessions?limit=2")
    seen = [item["session_id"] for item in page["sessions"]]
    while page["next_cursor"]:
        owner.visit(integration)
        page = owner.call("GET", f"/v1/sessions?limit=2&cursor={page['next_cursor']}")
        seen += [item["session_id"] for item in page["sessions"]]
    assert seen == wanted


def test_a_cursor_serves_its_own_list_only(server):
    owner, stranger = server.owner(), server.owner()
    integration = owner.integration()
    for _ in range(2):
        owner.visit(integration)
    cursor = owner.call("GET", "/v1/sessions?limit=1")["next_cursor"]
    owner.call("GET", f"/v1/sessions?limit=1&cursor={cursor}")
    changed = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    for api, query in (
        (owner.api, f"cursor={cursor}&status=waiting"),
        (owner.api, f"cursor={cursor}&integration_id={integration['integration_id']}"),
        (owner.api, f"cursor={changed}"),
        (owner.api, "cursor=AAAA"),
        (owner.api, "cursor=%C3%A4"),
        (stranger.api, f"cursor={cursor}"),
        (server.owner(owner.owner_id, environment="sandbox").api, f"cursor={cursor}"),
    ):
        assert api.get(f"/v1/sessions?{query}").json()["code"] == "cursor_invalid", query
    assert owner.call("GET", f"/v1/deployers?cursor={cursor}", 400)["code"] == "cursor_invalid"


@pytest.mark.parametrize(
    ("query", "member"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("status=open", "status"),
        ("unknown=1", "unknown"),
        ("limit=1&limit=2", None),
        ("integration_id=a:b", "integration_id"),
        ("integration_id=%00", "integration_id"),
        ("integration_id=%ff", None),
    ],
)
def test_refuses_a_query_of_another_form(start_server, sqlite_url, query, member):
    owner = start_server(sqlite_url).owner()
    problem = owner.call("GET", f"/v1/sessions?{query}", 400)
    assert (problem["code"], problem.get("member") or None) == ("query_invalid", member)


def test_a_session_of_a_deleted_integration_is_to_be_framed_nowhere(server):
    owner = server.owner()
    integration = owner.integration()
    session = owner.visit(integration)
    owner.call("DELETE", f"/v1/integrations/{integration['integration_id']}", 204)
    assert read(owner, session) == {**session, "frame_ancestors": ["'none'"]}
