"""Two server processes on one PostgreSQL share nothing else, and yet decide as one."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx

from accredit import sign_deployment

SECONDS = 1.0


def all_at_once(calls):
    """The results of calls that begin together."""
    barrier = Barrier(len(calls))

    def run(call):
        barrier.wait(30)
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


def seconds_admitted(node, fields, answered_at):
    """How long after that moment a node still began to admit."""
    admitted_at = answered_at
    while True:
        asked_at = time.monotonic()
        if node.embed(fields).status_code == 403:
            return admitted_at - answered_at
        admitted_at = asked_at
        assert asked_at < answered_at + 10, "the node goes on admitting"


def test_of_fifty_boots_with_one_token_exactly_one_is_admitted(nodes):
    owner = nodes[0].owner()
    integration = owner.integration(token_key_id="warn")
    ids = {name: integration[name] for name in ("deployer_id", "integration_id", "owner_id")}
    token = {"signed_deployment": sign_deployment({**ids, "uid": "user-1"}, owner.deployment_key(), now=int(time.time()))}
    answers = all_at_once([lambda node=nodes[number % 2]: node.embed(token).status_code for number in range(50)])
    assert Counter(answers) == {303: 1, 403: 49}
    assert len(owner.call("GET", "/v1/sessions")["sessions"]) == 1
    assert len(owner.call("GET", "/v1/audit?code=token_replayed&limit=100")["entries"]) == 49


def test_of_twenty_exchanges_of_one_code_exactly_one_succeeds(nodes):
    owner = nodes[0].owner()
    code = owner.admit(owner.integration())
    shown = {"Authorization": f"Bearer {owner.secret}"}

    def exchange(node):
        return httpx.post(f"{node.url}/v1/exchange", json={"code": code}, headers=shown, timeout=20).status_code

    answers = all_at_once([lambda node=nodes[number % 2]: exchange(node) for number in range(20)])
    assert Counter(answers) == {200: 1, 404: 19}


def test_of_racing_ends_one_outcome_wins(nodes):
    owner = nodes[0].owner()
    address = f"/v1/sessions/{owner.visit(owner.integration())['session_id']}/end"
    clients = [owner.api, nodes[1].client(owner.secret)]

    def end(number):
        outcome = ("success", "failed", "aborted")[number % 3]
        return outcome, clients[number % 2].post(address, json={"outcome": outcome})

    answers = all_at_once([lambda number=number: end(number) for number in range(18)])
    won = {answer.json()["status"] for _, answer in answers if answer.status_code == 200}
    assert len(won) == 1
    for outcome, answer in answers:
        assert answer.status_code == (200 if {outcome} == won else 409)


def test_a_revoked_key_stops_on_the_other_node_within_a_second(nodes):
    owner = nodes[0].owner()
    integration, key = owner.integration(), owner.deployment_key()
    token = {"signed_deployment": owner.token(integration, key)}
    # Both nodes have verified it and remember it.
    assert [node.embed(token).status_code for node in nodes] == [303, 303]
    (listed,) = owner.call("GET", "/v1/deployers/shop/keys")["keys"]
    owner.call("POST", f"/v1/keys/{listed['key_id']}/revoke", 200, {})
    assert seconds_admitted(nodes[1], token, time.monotonic()) < SECONDS


def test_a_revoked_api_key_stops_on_the_other_node_within_a_second(nodes):
    owner = nodes[0].owner()
    made = owner.call("POST", "/v1/keys", 201, {"purpose": "api"})
    other = nodes[1].client(made["secret"])
    assert other.get("/v1/sessions").status_code == 200
    owner.call("POST", f"/v1/keys/{made['key']['key_id']}/revoke", 200, {})
    answered_at = served_at = time.monotonic()
    while True:
        asked_at = time.monotonic()
        if other.get("/v1/sessions").status_code == 401:
            break
        served_at = asked_at
    assert served_at - answered_at < SECONDS


def test_a_policy_change_reaches_the_other_node_within_a_second(nodes):
    owner = nodes[0].owner()
    integration = owner.integration()
    fields = owner.fields(integration)
    assert [node.embed(fields).status_code for node in nodes] == [303, 303]
    owner.call(
        "PATCH", f"/v1/integrations/{integration['integration_id']}", 200, {"allowed_origins": ["https://other.example"]}
    )
    assert seconds_admitted(nodes[1], fields, time.monotonic()) < SECONDS
