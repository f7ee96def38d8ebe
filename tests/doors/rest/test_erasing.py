"""What tells of a person goes: on request, by retention, after it was read (protocol-rest.md section 15, scenario 18)."""

import pytest

from accredit.server.sessions.rest.sweeping import sweep_rest

from ...rest_backend import AUTO, visit
from .test_create import problem

DAY_S = 86_400


def identified(backend, **members):
    made = backend.create(allowedProviders=["nbid"], **AUTO, **members)
    visit(made)
    return made


def sweep(backend):
    return backend.server.run(sweep_rest(backend.server.node))


def traces(backend):
    """What a row could still say of the person."""
    return backend.server.rows(
        "SELECT s.sealed, s.answer, s.origin, s.locale, s.channel, s.subject_hash, r.browser_hash, r.nonce_hash, r.request_hash"
        " FROM sessions s JOIN rest_sessions r ON r.session_id = s.id ORDER BY s.id"
    )


def test_redaction_destroys_the_answer_and_keeps_the_row(backend):
    made = identified(backend, externalReference="order 7", headers={"Idempotency-Key": "k"})
    redacted = backend.send("POST", f"/{made['id']}/redact")
    item = redacted.json()
    assert (item["id"], item["status"], item["externalReference"]) == (made["id"], "SUCCESS", "order 7")
    assert item["redactedAt"] == "2027-01-15T08:00:00.000+00:00"
    assert backend.send("POST", f"/{made['id']}/redact").json() == item
    problem(backend.send("GET", f"/{made['id']}"), 410, "session_redacted")
    problem(backend.send("POST", f"/{made['id']}/cancel"), 409, "session_not_active")
    assert backend.send("GET").json()["sessions"] == [item]
    assert traces(backend) == [(None,) * 9]
    kinds = [each["kind"] for each in backend.owner.call("GET", "/v1/audit?kind=session.redacted")["entries"]]
    assert kinds == ["session.redacted"]


def test_an_open_session_is_not_redacted_but_one_past_its_time_is(backend, clock):
    made = backend.create()
    problem(backend.send("POST", f"/{made['id']}/redact"), 409, "session_active")
    clock.advance(1200)
    assert backend.send("POST", f"/{made['id']}/redact").json()["status"] == "EXPIRED"


def test_a_deleted_session_is_nowhere(backend):
    made, open_one = identified(backend, tags=["t"], externalReference="order 7"), backend.create()
    for each in (made, open_one):
        answer = backend.send("DELETE", f"/{each['id']}")
        assert (answer.status_code, answer.content) == (204, b"")
        problem(backend.send("DELETE", f"/{each['id']}"), 404, "session_not_found")
        problem(backend.send("GET", f"/{each['id']}"), 404, "session_not_found")
    assert backend.send("GET").json() == {"sessions": []}
    assert traces(backend) == [(None,) * 9] * 2
    assert backend.server.rows("SELECT status FROM sessions ORDER BY id") == [("success",), ("cancelled",)]
    assert backend.server.rows("SELECT DISTINCT control, key_jwk, tags, external_reference FROM rest_sessions") == [
        ("{}", None, None, None)
    ]
    assert visit(open_one).status_code == 404


def test_the_answer_goes_when_its_retention_is_over_and_the_row_after_400_days(make_backend, clock):
    backend = make_backend(retention_days=2)
    made, opened = identified(backend), backend.create(sessionLifetime=86400)
    clock.advance(2 * DAY_S - 1)
    assert backend.get(made["id"])["status"] == "SUCCESS"
    clock.advance(1)
    problem(backend.send("GET", f"/{made['id']}"), 410, "session_redacted")
    assert sweep(backend) == (1, 1)
    assert traces(backend)[0] == (None,) * 9
    assert backend.get(opened["id"])["status"] == "EXPIRED"
    assert [each["status"] for each in backend.send("GET").json()["sessions"]] == ["EXPIRED", "SUCCESS"]
    clock.advance(398 * DAY_S - 1)
    sweep(backend)
    assert len(backend.send("GET").json()["sessions"]) == 2
    clock.advance(1)
    sweep(backend)
    assert len(backend.send("GET").json()["sessions"]) == 1
    assert (
        backend.server.rows("SELECT COUNT(*) FROM rest_sessions")
        == backend.server.rows("SELECT COUNT(*) FROM sessions")
        == [(1,)]
    )


def test_a_long_retention_keeps_the_row_too(make_backend, clock):
    backend = make_backend(retention_days=1000)
    made = identified(backend)
    clock.advance(999 * DAY_S)
    assert sweep(backend) == (0, 0)
    assert backend.get(made["id"])["status"] == "SUCCESS"
    clock.advance(DAY_S)
    sweep(backend)
    sweep(backend)
    assert backend.server.rows("SELECT COUNT(*) FROM sessions") == [(0,)]


@pytest.mark.parametrize("after_s", [0, 60])
def test_the_answer_goes_soon_after_it_was_read(make_backend, clock, after_s):
    backend = make_backend(delete_after_read_s=after_s)
    made = backend.create(allowedProviders=["nbid"], **AUTO)
    assert backend.get(made["id"])["status"] == "CREATED"
    visit(made)
    clock.advance(3600)
    assert backend.get(made["id"])["subject"]["firstName"] == "Åse Synnøve"
    if after_s:
        clock.advance(after_s - 1)
        assert backend.get(made["id"])["status"] == "SUCCESS"
        clock.advance(1)
    problem(backend.send("GET", f"/{made['id']}"), 410, "session_redacted")
    (item,) = backend.send("GET").json()["sessions"]
    assert item["redactedAt"]
    assert sweep(backend) == (0, 1)
    assert traces(backend) == [(None,) * 9]


def test_the_sweep_writes_what_every_reader_sees_and_once(backend, clock):
    made = [backend.create(encryptionPublicKey=backend.key()) for _ in range(3)]
    clock.advance(1200)
    assert sweep(backend) == (3, 0)
    assert sweep(backend) == (0, 0)
    for each in made:
        first, second = (backend.send("GET", f"/{each['id']}") for _ in range(2))
        assert first.content == second.content
        assert backend.read(first)["status"] == "EXPIRED"
    assert backend.server.rows("SELECT DISTINCT status, sequence FROM sessions") == [("expired", 2)]
