"""A signed call has one effect wherever it is sent again: two server processes on one PostgreSQL (protocol-flow.md section 15, 9)."""

import json
from collections import Counter

import httpx
import pytest

from ..flow_backend import SESSIONS, errors, make_flow_backend
from .test_two_nodes import all_at_once


@pytest.fixture
def backend(nodes):
    return make_flow_backend(nodes[0].owner(environment="sandbox"))


def captured(backend, path, body):
    """A signed call as somebody on the way has it: what to send, to whichever node."""
    content = json.dumps(body).encode()
    headers = backend.sign("POST", f"{SESSIONS}{path}", content)
    return lambda node: httpx.post(f"{node.url}{SESSIONS}{path}", content=content, headers=headers, timeout=20)


def test_a_captured_retry_makes_no_second_retry_on_another_node(nodes, backend):
    backend.create()
    send = captured(
        backend, "/retry", {"template_id": backend.template_id, "customer_reference": "user-1", "strategy": "reset"}
    )
    first, again = send(nodes[0]), send(nodes[1])
    assert (first.status_code, again.status_code) == (201, 201)
    assert (first.headers.get("idempotent-replayed"), again.headers["idempotent-replayed"]) == (None, "true")
    assert again.json() == first.json()
    assert len(backend.call("GET", "")["flow_sessions"]) == 2


@pytest.mark.parametrize("path", ["", "/retry"])
def test_of_twenty_at_once_on_two_nodes_one_has_an_effect(nodes, backend, path):
    if path:
        backend.create()
    body = {"template_id": backend.template_id, "customer_reference": "user-1", "strategy": "reset"} if path else backend.body()
    send = captured(backend, path, body)
    answers = all_at_once([lambda node=nodes[number % 2]: send(node) for number in range(20)])
    assert set(Counter(answer.status_code for answer in answers)) <= {201, 409}
    assert all(errors(answer) == [("request_in_flight", None)] for answer in answers if answer.status_code == 409)
    done = [answer for answer in answers if answer.status_code == 201]
    assert sum("idempotent-replayed" not in answer.headers for answer in done) == 1
    assert len({answer.json()["id"] for answer in done}) == 1
    assert len(backend.call("GET", "")["flow_sessions"]) == (2 if path else 1)


def test_an_idempotency_key_holds_on_the_other_node(nodes, backend):
    key = {"Idempotency-Key": "order 7"}
    first = backend.send("POST", "", backend.body(), headers=key)
    again = backend.send("POST", "", backend.body(), headers=key, http=nodes[1].http)
    assert (first.status_code, again.status_code, again.headers["idempotent-replayed"]) == (201, 201, "true")
    assert again.json() == first.json()
    other = backend.send("POST", "", backend.body("user-2"), headers=key, http=nodes[1].http)
    assert errors(other) == [("idempotency_key_reused", "Idempotency-Key")]
