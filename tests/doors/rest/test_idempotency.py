"""One request, one session, however often it comes: `Idempotency-Key` (protocol-rest.md section 15, scenario 16)."""

import json
from concurrent.futures import ThreadPoolExecutor

import accredit

from ...rest_backend import AUTO, visit
from .test_create import faults, problem

KEY = {"Idempotency-Key": "order 7"}


def test_the_same_request_again_is_the_one_session_as_it_is_now(backend):
    body = backend.body(allowedProviders=["nbid"], encryptionPublicKey=backend.key(), **AUTO)
    first = backend.read(backend.post(body, **KEY))
    again = backend.post(dict(reversed(body.items())), **KEY)
    assert again.headers["idempotent-replayed"] == "true"
    assert backend.read(again) == first
    visit(first)
    ended = backend.post(body, **KEY)
    assert (ended.headers["idempotent-replayed"], backend.read(ended)["status"]) == ("true", "SUCCESS")
    assert ended.content == backend.send("GET", f"/{first['id']}").content
    assert "idempotent-replayed" not in backend.post(body).headers
    assert backend.server.rows("SELECT COUNT(*) FROM sessions") == [(2,)]


def test_another_request_is_refused(backend):
    backend.create(headers=KEY)
    problem(backend.post(backend.body(tags=["other"]), **KEY), 422, "idempotency_key_reused")
    assert backend.server.rows("SELECT COUNT(*) FROM sessions") == [(1,)]


def test_a_retry_that_was_encrypted_anew_is_the_same(backend):
    jwk = next(each for each in backend.server.http.get("/.well-known/jwks.json").json()["keys"] if each["use"] == "enc")
    body, key = json.dumps(backend.body(prefilledInput={"userName": "u"})).encode(), accredit.parse_encryption_key(jwk)
    sealed = [accredit.seal_request(body, key) for _ in range(2)]
    answers = [backend.send("POST", content=each, headers={"Content-Type": "application/jose", **KEY}) for each in sealed]
    assert sealed[0] != sealed[1]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotent-replayed"] == "true"


def test_a_key_belongs_to_its_client(make_backend, server):
    owner = server.owner(environment="sandbox")
    first, second = make_backend(owner=owner), make_backend(owner=owner)
    assert first.create(headers=KEY)["id"] != second.create(headers=KEY)["id"]


def test_of_many_at_once_one_creates(backend):
    body, token = backend.body(), backend.token
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: backend.post(body, **KEY), range(16)))
    assert token
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert backend.server.rows("SELECT COUNT(*) FROM sessions") == [(1,)]


def test_a_replay_counts_for_no_quota(make_backend):
    backend = make_backend(quota_per_day=1)
    first = backend.create(headers=KEY)
    assert backend.create(headers=KEY)["id"] == first["id"]
    problem(backend.post(backend.body()), 429, "quota_exceeded")


def test_a_key_is_of_its_form(backend):
    for text, code in (("", "length"), ("x" * 256, "length"), ("a\tb", "format")):
        answer = backend.post(backend.body(), **{"Idempotency-Key": text})
        assert faults(answer) == [("Idempotency-Key", code)]
    answer = backend.post(backend.body(tags=5), **{"Idempotency-Key": ""})
    assert faults(answer) == [("tags", "type"), ("Idempotency-Key", "length")]


def test_a_redacted_session_is_replayed_to_nobody(backend):
    made = backend.create(headers=KEY)
    backend.send("POST", f"/{made['id']}/cancel")
    assert backend.send("POST", f"/{made['id']}/redact").status_code == 200
    problem(backend.post(backend.body(), **KEY), 410, "session_redacted")
    assert backend.send("DELETE", f"/{made['id']}").status_code == 204
    assert backend.create(headers=KEY)["id"] != made["id"]
