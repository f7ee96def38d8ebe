"""Call-outs of steps while something goes wrong: `kill -9` between a service's answer and ours, and two nodes at once."""

import asyncio
import json
import time
from collections import Counter

import httpx
import pytest

from accredit import sign_webhook
from accredit.server.store import Store, one_by_one

from ..doors.flow.service import Person, Service, eventually
from ..flow_backend import make_flow_backend
from ..site import Reply, Site
from .test_two_nodes import all_at_once

SANDBOX = {"ACCREDIT_OUTBOUND_ALLOW": "127.0.0.1"}


class Present:
    """The clock of a server that is a process."""

    @property
    def now(self):
        return int(time.time())


@pytest.fixture
def site():
    site = Site()
    yield site
    site.stop()


@pytest.fixture
def program(start_program, database_url):
    """A server that may call this machine, on each engine in turn."""
    program = start_program(database_url, **SANDBOX)
    program.clock = Present()
    return program


def leases_end(program):
    """So much time passes that whatever a dead node had under way is anybody's."""

    @one_by_one
    def end(tx, _):
        tx.execute("UPDATE callouts SET due_ms = 0 WHERE due_ms IS NOT NULL")
        tx.execute("UPDATE flow_sessions SET wake_ms = 0 WHERE wake_ms IS NOT NULL")

    async def write():
        store = await Store.open(program.database_url, exclusive=False)
        try:
            await store.write(end, None)
        finally:
            await store.close()

    asyncio.run(write())


def steps_of(service, *steps):
    return [{"step": step, "service": service.id, "simulate": False} for step in steps]


def start(owner, *rules):
    backend = make_flow_backend(owner, steps=list(rules))
    return backend, Person(backend, backend.create(shareable=True))


def test_a_server_that_dies_while_a_service_answers_asks_again(program, site):
    owner = program.owner(environment="sandbox")
    service = Service(owner, site)

    def answer_a_dead_one(_event):
        program.kill()
        return Reply(b'{"status":"success"}')

    service.says(answer_a_dead_one, {"status": "success"})
    backend, person = start(owner, *steps_of(service, "kyc_check"))
    service.call()
    eventually(lambda: program.process.poll() is not None)
    program.start()
    assert backend.get(person.session_id)["status"] == "active"
    leases_end(program)
    eventually(lambda: backend.get(person.session_id)["status"] == "success")
    assert len({event.id for event in service.heard}) == 1
    assert len(service.heard) == 2


# What a store keeps over a kill is seen in the test above, on both engines.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_a_server_took_before_it_died_is_there_and_the_next_step_begins(program, site):
    owner = program.owner(environment="sandbox")
    service = Service(owner, site)
    service.says({"status": "pending"}, {"status": "success"})
    backend, person = start(owner, *steps_of(service, "kyc_check", "screening"))
    call = service.call()
    taken = service.post(call, {"status": "success"})
    program.kill()
    assert taken.status_code == 200
    program.start()
    assert backend.get(person.session_id)["steps"]["kyc_check"] == "success"
    assert service.post(call, {"status": "failed"}).status_code == 409
    leases_end(program)
    found = eventually(lambda: (got := backend.get(person.session_id))["status"] != "active" and got)
    assert (found["status"], found["steps"]["screening"]) == ("success", "success")


def test_of_answers_to_two_nodes_at_once_one_counts(nodes, rows):
    owner = nodes[0].owner(environment="sandbox")
    # It resolves nowhere: the call-out is there, and nobody but this test answers it.
    made = owner.call("POST", "/v1/step_services", 201, {"url": "https://kyc.invalid/steps"})
    rule = {"step": "kyc_check", "service": made["id"], "simulate": False}
    backend, person = start(owner, rule)
    find = "SELECT id FROM callouts WHERE session_id = ?"
    ((callout_id,),) = eventually(lambda: rows(nodes[0].database_url, find, person.session_id))
    said = ("success", "failed", "pending_review")

    def post(number):
        body = json.dumps({"status": said[number % 3]}).encode()
        signed = sign_webhook(body, event_id=callout_id, secrets=[made["secret"]], now=int(time.time()))
        return httpx.post(f"{nodes[number % 2].url}/flow/callouts/{callout_id}", content=body, headers=signed)

    answers = all_at_once([lambda number=number: post(number) for number in range(12)])
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 11}
    won = next(said[number % 3] for number, answer in enumerate(answers) if answer.status_code == 200)
    assert backend.get(person.session_id)["steps"]["kyc_check"] == won
    late = "SELECT COUNT(*) FROM audit WHERE session_id = ? AND kind = 'flow.late_answer'"
    assert rows(nodes[0].database_url, late, person.session_id) == [(11,)]
