"""Reading and cancelling: statuses, who may see a session, the session nonce, the rate (protocol-rest.md sections 4, 7, 10, 11)."""

from urllib.parse import parse_qs, urlsplit

from ...rest_backend import AUTO, visit
from .test_create import problem

UNKNOWN = "01a1fe7c-f555-735e-bafa-7c7943257eca"


def test_a_session_goes_from_created_to_success(backend):
    made = backend.create(allowedProviders=["nbid"], **AUTO)
    assert backend.get(made["id"]) == made
    there = visit(made)
    assert there.headers["location"] == made["callbackUrls"]["success"]
    session = backend.get(made["id"])
    assert list(session)[4:11] == ["status", "provider", "subject", "loa", "callbackUrls", "environment", "allowedProviders"]
    assert (session["status"], session["provider"], session["loa"]) == ("SUCCESS", "nbid", "high")
    assert list(session["subject"]) == ["id", "idpId", "firstName", "nin"]
    assert session["subject"]["nin"] == {"value": "17838549969", "issuingCountry": "NO", "type": "PERSON"}
    assert session["environment"]["ipAddress"] == "127.0.0.1"
    assert session["environment"]["userAgent"].startswith("python-httpx")
    assert session["transactionId"]
    assert "error" not in session
    assert "statusDetail" not in session


def test_only_what_was_asked_for_is_told(backend):
    made = backend.create(requestedAttributes=["lastName"], allowedProviders=["nbid"], **AUTO)
    visit(made)
    assert list(backend.get(made["id"])["subject"]) == ["id", "idpId", "lastName"]


def test_a_subjects_id_is_the_same_for_one_person_and_another_in_each_environment_and_provider(make_backend, server):
    owner = server.owner(environment="sandbox")
    backend, again, other = make_backend(owner=owner), make_backend(owner=owner), make_backend()
    ids = []
    for each, provider in ((backend, "nbid"), (again, "nbid"), (backend, "sbid"), (other, "nbid")):
        made = each.create(allowedProviders=[provider], additionalParameters={"sandbox_auto": "true", "sandbox_person": "eu-1"})
        visit(made)
        ids.append(each.get(made["id"])["subject"]["id"])
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_an_error_has_its_code_and_stays_200(backend):
    for outcome, status in (("provider_rejected", "ERROR"), ("loa_too_low", "INVALID")):
        made = backend.create(
            allowedProviders=["nbid"], additionalParameters={"sandbox_auto": "true", "sandbox_outcome": outcome}
        )
        assert visit(made).headers["location"] == made["callbackUrls"]["error"]
        session = backend.get(made["id"])
        assert (session["status"], session["statusDetail"], session["error"]["code"]) == (status, outcome, outcome)
        assert list(session["error"]) == ["type", "title", "detail", "code"]
        assert session["error"]["type"] == f"{backend.server.url}/docs/errors#{outcome}"
        assert "subject" not in session


def test_unknown_foreign_and_deleted_sessions_look_alike(make_backend):
    """Scenario 14; what it was, the audit record says."""
    backend, stranger = make_backend(), make_backend()
    deleted, foreign = backend.create(), stranger.create()
    assert backend.send("DELETE", f"/{deleted['id']}").status_code == 204
    told = []
    for session_id in (UNKNOWN, foreign["id"], deleted["id"], "x" * 300, "%00", "..%2f"):
        answer = backend.send("GET", f"/{session_id}")
        told.append({**problem(answer, 404, "session_not_found"), "traceId": ""})
        for method, path in (("POST", "/cancel"), ("POST", "/redact"), ("DELETE", "")):
            assert problem(backend.send(method, f"/{session_id}{path}"), 404, "session_not_found")
    assert all(each == told[0] for each in told)
    entries = backend.owner.call("GET", "/v1/audit?kind=rest.refused&limit=100")["entries"]
    reasons = {entry["detail"].get("reason") for entry in entries}
    assert reasons == {"unknown", "foreign", "deleted"}


def test_another_environment_is_another_world(make_backend, server):
    owner = server.owner(environment="sandbox")
    sandbox, live = make_backend(owner=owner), make_backend(owner=server.owner(owner.owner_id, environment="live"))
    made = sandbox.create()
    problem(live.send("GET", f"/{made['id']}"), 404, "session_not_found")


def test_all_clients_of_an_account_see_its_sessions(make_backend, server):
    owner = server.owner(environment="sandbox")
    first, second = make_backend(owner=owner), make_backend(owner=owner)
    made = first.create()
    assert second.get(made["id"]) == made
    assert second.send("POST", f"/{made['id']}/cancel").json()["status"] == "CANCELLED"


def test_cancelling_again_answers_the_same_octets(backend):
    made = backend.create(encryptionPublicKey=backend.key())
    first = backend.send("POST", f"/{made['id']}/cancel", content="whatever")
    assert backend.read(first)["status"] == "CANCELLED"
    second, read = backend.send("POST", f"/{made['id']}/cancel"), backend.send("GET", f"/{made['id']}")
    assert first.content == second.content == read.content
    answer = visit(made)
    assert answer.status_code == 404


def test_what_ended_otherwise_cannot_be_cancelled(backend, clock):
    done, late = backend.create(allowedProviders=["nbid"], **AUTO), backend.create()
    visit(done)
    problem(backend.send("POST", f"/{done['id']}/cancel"), 409, "session_not_active")
    clock.advance(1200)
    problem(backend.send("POST", f"/{late['id']}/cancel"), 409, "session_not_active")
    assert backend.get(late["id"])["status"] == "EXPIRED"


def test_past_its_time_every_reader_sees_expired(backend, clock):
    """Scenario 11, without the sweep."""
    made = backend.create(encryptionPublicKey=backend.key(), allowedProviders=["nbid"], **AUTO)
    clock.advance(1199.999)
    assert backend.get(made["id"])["status"] == "CREATED"
    clock.advance(0.001)
    assert [each["status"] for each in backend.send("GET", params={"status": "EXPIRED"}).json()["sessions"]] == ["EXPIRED"]
    first = backend.send("GET", f"/{made['id']}")
    assert backend.read(first)["status"] == "EXPIRED"
    assert "error" not in backend.read(first)
    assert visit(made).status_code == 404
    assert backend.send("GET", f"/{made['id']}").content == first.content
    assert backend.server.rows("SELECT status, sealed FROM sessions") == [("expired", None)]


def test_a_session_is_read_five_times_a_second_at_most(backend, clock):
    made, other = backend.create(), backend.create()
    assert [backend.send("GET", f"/{made['id']}").status_code for _ in range(6)] == [200] * 5 + [429]
    limited = backend.send("GET", f"/{made['id']}")
    problem(limited, 429, "rate_limited")
    assert limited.headers["retry-after"] == "1"
    assert backend.send("GET", f"/{other['id']}").status_code == 200
    clock.advance(1)
    assert backend.send("GET", f"/{made['id']}").status_code == 200


def nonce_of(answer):
    return parse_qs(urlsplit(answer.headers["location"]).query)["sessionNonce"][0]


def test_a_session_nonce_tells_that_this_browser_finished(make_backend):
    backend = make_backend(session_nonce="always", require_session_nonce=True)
    made = backend.create(encryptionPublicKey=backend.key(), allowedProviders=["nbid"], **AUTO)
    assert "sessionNonce" not in made
    nonce = backend.get(made["id"])["sessionNonce"]
    assert len(nonce) == 22
    problem(backend.send("GET", f"/{made['id']}", params={"sessionNonce": "x"}), 403, "invalid_session_nonce")
    assert nonce_of(visit(made)) == nonce
    problem(backend.send("GET", f"/{made['id']}"), 403, "invalid_session_nonce")
    problem(backend.send("GET", f"/{made['id']}", params={"sessionNonce": nonce[:-1]}), 403, "invalid_session_nonce")
    backend.server.clock.advance(1)
    assert backend.get(made["id"], sessionNonce=nonce)["sessionNonce"] == nonce
    ((kept,),) = backend.server.rows("SELECT nonce_hash FROM rest_sessions")
    assert nonce.encode() not in bytes(kept)


def test_a_session_without_a_nonce_takes_any(make_backend):
    backend = make_backend(require_session_nonce=True)
    made = backend.create()
    assert "sessionNonce" not in backend.get(made["id"], sessionNonce="x")
    embedded = backend.create(flow="embedded")
    assert "sessionNonce" not in embedded
    assert backend.get(embedded["id"])["sessionNonce"]


def test_who_asks_twice_for_a_parameter_is_told(backend):
    made = backend.create()
    answer = backend.send("GET", f"/{made['id']}?sessionNonce=a&SESSIONNONCE=b")
    assert problem(answer, 400, "invalid_request_parameter")["invalidParams"][0]["code"] == "conflict"


def test_the_permission_of_the_door_is_needed(backend):
    backend.owner.call("PATCH", f"/v1/api_clients/{backend.client_id}", 200, {"permissions": []})
    problem(backend.post(backend.body()), 403, "permission_denied")


def test_sessions_of_this_door_have_no_other_api(backend):
    made = backend.create()
    assert backend.owner.call("GET", f"/v1/sessions/{made['id']}", 404)["code"] == "session_not_found"
    assert backend.owner.call("GET", "/v1/sessions")["sessions"] == []
    backend.owner.call("POST", f"/v1/sessions/{made['id']}/cancel", 404)
    assert backend.get(made["id"])["status"] == "CREATED"
