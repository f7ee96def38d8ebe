"""A signed call takes effect once: replays, `Idempotency-Key`, and what is under way (protocol-flow.md section 8, step 6)."""

import json
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from ...flow_backend import SESSIONS, errors, make_flow_backend

STEPS = [{"step": "kyc_check"}]
KEY = {"Idempotency-Key": "order 7"}


class Captured:
    """A signed call that can be sent again to the letter."""

    def __init__(self, backend, path, body=None, **headers):
        self.backend, self.target = backend, f"{SESSIONS}{path}"
        self.content = b"" if body is None else json.dumps(body).encode()
        self.headers = {**backend.sign("POST", self.target, self.content), **headers}

    def send(self, **headers):
        http = self.backend.server.http
        return http.post(self.target, content=self.content, headers={**self.headers, **headers})


def twice(captured, **headers):
    """The answer to a call, and to the same once more, which says that it is one."""
    first, again = captured.send(), captured.send(**headers)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.status_code == first.status_code
    return first, again


def count(backend):
    return len(backend.call("GET", "?limit=100")["flow_sessions"])


def test_a_captured_create_makes_one_session(make_backend):
    backend = make_backend()
    captured = Captured(backend, "", backend.body(shareable=True))
    first, again = twice(captured)
    assert (first.status_code, again.json()) == (201, first.json())
    backend.call("POST", f"/{first.json()['id']}/cancel")
    # The first answer's status, and the resource as it is now.
    now = captured.send()
    assert (now.status_code, now.json()["status"], now.json()["id"]) == (201, "canceled", first.json()["id"])
    assert count(backend) == 1


def test_a_captured_retry_makes_no_second_retry(make_backend):
    backend = make_backend()
    old = backend.create()
    body = {"template_id": backend.template_id, "customer_reference": "user-1", "strategy": "reset"}
    captured = Captured(backend, "/retry", body)
    first, again = twice(captured)
    assert (first.status_code, again.json()) == (201, first.json())
    assert first.json()["previous_session_id"] == old["id"]
    assert count(backend) == 2
    # Whoever asks anew gets another one, and the captured one still is what it was.
    later = backend.retry()
    assert captured.send().json()["status"] == "canceled"
    assert backend.get(later["id"])["status"] == "active"
    assert count(backend) == 3


def test_other_calls_are_replayed_alike(shared_server):
    backend = make_flow_backend(shared_server.owner(environment="sandbox"), steps=STEPS)
    simulate = {"run": True, "steps": {"kyc_check": "pending_review"}}
    waits, made = backend.create("user-1", simulate=simulate), backend.create("user-2")
    rotated, shown = twice(Captured(backend, f"/{made['id']}/rotate_key"))
    assert shown.json()["shareable_url"] == rotated.json()["shareable_url"] != made["shareable_url"]
    _, reviewed = twice(Captured(backend, f"/{waits['id']}/review", {"decision": "approve"}))
    assert reviewed.json()["status"] == "success"
    _, canceled = twice(Captured(backend, f"/{made['id']}/cancel"))
    assert canceled.json()["status"] == "canceled"
    erased, again = twice(Captured(backend, f"/{made['id']}/redact"))
    assert again.json() == erased.json()


def test_a_captured_redaction_of_a_customer_spares_what_came_later(backend):
    backend.create()
    captured = Captured(backend, "/redact", {"customer_reference": "user-1"})
    first, again = twice(captured)
    assert again.json() == first.json()
    later = backend.retry()
    listed = captured.send()
    assert listed.headers["idempotent-replayed"] == "true"
    assert listed.json()["flow_sessions"][0]["id"] == later["id"]
    assert backend.get(later["id"])["status"] == "active"


def test_what_was_refused_may_be_sent_again(backend):
    made = backend.create()
    captured = Captured(backend, f"/{made['id']}/redact", **KEY)
    assert errors(captured.send()) == [("session_active", None)]
    backend.call("POST", f"/{made['id']}/cancel")
    answer = captured.send()
    assert (answer.status_code, "idempotent-replayed" in answer.headers) == (200, False)


def test_an_idempotency_key_holds_for_a_day_under_any_signature(backend):
    first = backend.send("POST", "", backend.body(), headers=KEY)
    assert first.status_code == 201
    backend.server.clock.advance(24 * 3600 - 1)
    again = backend.send("POST", "", backend.body(), headers=KEY)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    assert again.json()["id"] == first.json()["id"]
    other = backend.send("POST", "", backend.body("user-2"), headers=KEY)
    assert (other.status_code, errors(other)) == (422, [("idempotency_key_reused", "Idempotency-Key")])
    assert count(backend) == 1
    backend.server.clock.advance(1)
    assert backend.send("POST", "", backend.body("user-2"), headers=KEY).status_code == 201


def test_an_idempotency_key_belongs_to_its_path_and_signer(backend):
    backend.send("POST", "", backend.body(), headers=KEY)
    made = backend.owner.call("POST", "/v1/api_credentials", 201, {})
    assert backend.send("POST", "/redact", {"customer_reference": "user-2"}, headers=KEY).status_code == 200
    backend.key_id, backend.secret = made["api_key_id"], made["secret"]
    assert backend.send("POST", "", backend.body("user-2"), headers=KEY).status_code == 201


def test_an_idempotency_key_is_of_its_form(backend):
    for text in ("", "x" * 256, "a\tb", "é"):
        answer = backend.send("POST", "", backend.body(), headers={"Idempotency-Key": text.encode("latin-1")})
        assert (answer.status_code, errors(answer)) == (400, [("parameter_invalid", "Idempotency-Key")])
    answer = backend.send("POST", "", backend.body(), headers={"Idempotency-Key": "x" * 255})
    assert answer.status_code == 201
    # Reading has no effect that could be had once.
    assert backend.send("GET", "", headers={"Idempotency-Key": ""}).status_code == 200


def test_who_takes_a_call_down_cannot_make_another_of_it(backend):
    """The header is not signed, the signature is what counts."""
    captured = Captured(backend, "", backend.body(), **KEY)
    first, _ = twice(captured, **{"Idempotency-Key": "another"})
    assert captured.send(**{"Idempotency-Key": "a third"}).json()["id"] == first.json()["id"]


def test_reading_may_be_repeated(backend):
    made = backend.create()
    headers = backend.sign("GET", f"{SESSIONS}/{made['id']}")
    for _ in range(2):
        answer = backend.server.http.get(f"{SESSIONS}/{made['id']}", headers=headers)
        assert (answer.status_code, "idempotent-replayed" in answer.headers) == (200, False)


@pytest.mark.parametrize("path", ["", "/retry"])
def test_of_many_at_once_one_has_an_effect(make_backend, path):
    backend = make_backend()
    if path:
        backend.create()
        body = {"template_id": backend.template_id, "customer_reference": "user-1", "strategy": "reset"}
    else:
        body = backend.body()
    before, captured = count(backend), Captured(backend, path, body)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: captured.send(), range(16)))
    done = [answer for answer in answers if answer.status_code == 201]
    under_way = [answer for answer in answers if answer.status_code == 409]
    assert len(done) + len(under_way) == 16
    assert all(errors(answer) == [("request_in_flight", None)] for answer in under_way)
    assert sum("idempotent-replayed" not in answer.headers for answer in done) == 1
    assert len({answer.json()["id"] for answer in done}) == 1
    assert count(backend) == before + 1


def test_what_is_under_way_is_told_so(start_server, postgresql_url):
    """While the database holds the effect up, the same request is not begun a second time."""
    backend = make_flow_backend(start_server(postgresql_url).owner(environment="sandbox"))
    captured = Captured(backend, "", backend.body(), **KEY)
    with ThreadPoolExecutor(1) as pool:
        with psycopg.connect(postgresql_url) as holder:
            holder.execute("LOCK TABLE request_claims")
            first = pool.submit(captured.send)
            while not holder.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone():
                assert not first.done()
            assert errors(captured.send()) == [("request_in_flight", None)]
            again = backend.send("POST", "", backend.body(), headers=KEY)
            assert (again.status_code, errors(again)) == (409, [("request_in_flight", None)])
        assert first.result().status_code == 201
    assert captured.send().headers["idempotent-replayed"] == "true"
