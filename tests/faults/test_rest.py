"""The rest door while something goes wrong: two processes at once, and `kill -9` (protocol-rest.md sections 9, 10 and 15)."""

import json
import threading
import time
from collections import Counter
from contextlib import ExitStack, suppress

import httpx
import pytest

import accredit
from accredit import generate_webhook_secret

from ..doors.rest.person import Person
from ..rest_backend import AUTO, CALLBACKS, Backend, make_backend
from ..site import Reply, Site
from .conftest import UNLIMITED, running
from .test_two_nodes import all_at_once

# Both nodes stand behind one address, which nobody in these tests goes to.
PUBLIC = "http://accredit.example"


@pytest.fixture(scope="module")
def pair(migrated_postgresql, tmp_path_factory):
    """Two servers of one address on one PostgreSQL database."""
    migrated_postgresql.execute("CREATE DATABASE pair TEMPLATE migrated STRATEGY file_copy")
    environ = {**UNLIMITED, "ACCREDIT_PUBLIC_URL": PUBLIC}
    with running(tmp_path_factory.mktemp("pair"), migrated_postgresql.address.format("pair"), 2, **environ) as programs:
        yield programs


@pytest.fixture
def backend(pair):
    return make_backend(pair[0].owner(environment="sandbox"))


def at(node, made):
    """The session's page on this node."""
    return {**made, "authenticationUrl": made["authenticationUrl"].replace(PUBLIC, node.url)}


def test_of_creates_with_one_key_on_two_nodes_one_makes_a_session(backend, pair):
    body, other, own = (backend.body(externalReference=name) for name in ("order-1", "order-2", "order-1"))

    def create(node, sent):
        return backend.send("POST", url=node.url, json=sent, headers={"Idempotency-Key": "order"})

    answers = all_at_once([lambda node=pair[number % 2]: create(node, body) for number in range(12)])
    assert Counter(answer.status_code for answer in answers) == {200: 12}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    for node in pair:
        assert create(node, other).status_code == 422
        assert create(node, own).headers["idempotent-replayed"] == "true"
    assert len(backend.send("GET").json()["sessions"]) == 1


def test_a_retry_that_was_encrypted_anew_replays_on_the_other_node(backend, pair):
    published = pair[0].http.get("/.well-known/jwks.json").json()["keys"]
    body = backend.body(encryptionPublicKey=backend.key())
    answers = []
    for node, key in zip(pair, [each for each in published if each["use"] == "enc"], strict=True):
        sealed = accredit.seal_request(json.dumps(body).encode(), accredit.parse_encryption_key(key))
        headers = {"Content-Type": "application/jose", "Idempotency-Key": "sealed"}
        answers.append(backend.send("POST", url=node.url, content=sealed, headers=headers))
    assert [backend.read(answer)["id"] for answer in answers] == [backend.read(answers[0])["id"]] * 2
    assert ["idempotent-replayed" in answer.headers for answer in answers] == [False, True]


@pytest.mark.parametrize("sealed", [False, True], ids=["plain", "sealed"])
def test_of_cancel_and_success_at_once_one_wins_and_all_see_its_end(backend, pair, sealed):
    seen = Counter()
    key = {"encryptionPublicKey": backend.key()} if sealed else {}
    with ExitStack() as ending:
        for _ in range(8):
            made = at(pair[1], backend.create(allowedProviders=["nbid"], **key))
            person = Person(ending.enter_context(httpx.Client(base_url=pair[1].url)))
            # The page's own redirects lead to the public address, where nobody is.
            person.http.event_hooks["response"] = [_stay_here]
            person.open(made)
            form, name, value = person.find_button("Continue")
            fields = {**form.fields, "person": "no-1", **({} if name is None else {name: value})}
            cancelled, finished = all_at_once(
                [
                    lambda made=made: backend.send("POST", f"/{made['id']}/cancel", url=pair[0].url),
                    lambda person=person, form=form, fields=fields: person.http.post(form.action, data=fields),
                ]
            )
            bodies = [backend.send("GET", f"/{made['id']}", url=node.url) for node in pair]
            assert bodies[0].content == bodies[1].content
            end = backend.read(bodies[0])["status"]
            assert (end, cancelled.status_code) in {("SUCCESS", 409), ("CANCELLED", 200)}
            if end == "CANCELLED":
                assert cancelled.content == bodies[0].content
            kind = "success" if end == "SUCCESS" else "abort"
            assert finished.headers["location"].startswith(CALLBACKS[kind])
            seen[end] += 1
    assert seen.total() == 8


def _stay_here(answer):
    if "location" in answer.headers:
        answer.headers["location"] = answer.headers["location"].replace(PUBLIC, "")


def test_of_two_answers_of_the_person_at_once_one_counts(backend, pair):
    made = backend.create(allowedProviders=["nbid"])
    with httpx.Client(base_url=pair[0].url) as browser:
        person = Person(browser)
        browser.event_hooks["response"] = [_stay_here]
        person.open(at(pair[0], made))
        form, name, value = person.find_button("Continue")
        pressed = {} if name is None else {name: value}

        def press(node, who):
            fields = {**form.fields, "person": who, **pressed}
            return browser.post(f"{node.url}{form.action}", data=fields).headers["location"]

        # The clock of neither node is that of the other, but the database has one order.
        locations = all_at_once(
            [lambda node=node, who=who: press(node, who) for node, who in zip(pair, ("no-1", "se-1"), strict=True)]
        )
    assert all(location.startswith(CALLBACKS["success"]) for location in locations)
    first, second = (backend.send("GET", f"/{made['id']}", url=node.url).content for node in pair)
    assert first == second
    # The other was dropped, or came when there was nothing left to answer.
    assert len(backend.owner.call("GET", "/v1/audit?code=late_answer")["entries"]) <= 1


@pytest.mark.parametrize("sealed", [False, True], ids=["plain", "sealed"])
def test_a_finished_session_answers_the_same_octets_after_a_kill_and_from_another_node(
    start_program, postgresql_url, rows, sealed
):
    first, second = (start_program(postgresql_url, ACCREDIT_PUBLIC_URL=PUBLIC) for _ in range(2))
    backend = make_backend(first.owner(environment="sandbox"))
    key = {"encryptionPublicKey": backend.key()} if sealed else {}
    ids = {ending: _finish(backend, first, ending, **key) for ending in ("success", "user_aborted", "provider_error")}
    cancelled = backend.create(**key)["id"]
    ids["cancelled"] = cancelled
    told = {cancelled: backend.send("POST", f"/{cancelled}/cancel").content}
    told |= {each: backend.send("GET", f"/{each}").content for each in ids.values() if each not in told}
    first.kill()
    first.start()
    for node in (first, second):
        assert {each: backend.send("GET", f"/{each}", url=node.url).content for each in told} == told
    assert backend.send("POST", f"/{cancelled}/cancel", url=second.url).content == told[cancelled]
    if sealed:
        # What is sent is what is stored: there is no other copy to make it from.
        stored = rows(postgresql_url, "SELECT id, answer, sealed FROM sessions")
        assert {each: (bytes(answer), part) for each, answer, part in stored} == {each: (told[each], None) for each in told}


def _finish(backend: Backend, node, outcome, **members):
    parameters = {**AUTO["additionalParameters"], "sandbox_outcome": outcome}
    made = backend.create(allowedProviders=["nbid"], additionalParameters=parameters, **members)
    with httpx.Client(base_url=node.url, event_hooks={"response": [_stay_here]}) as browser:
        answer = Person(browser).go(at(node, made)["authenticationUrl"])
    assert answer.status_code == 303, answer.text
    return made["id"]


def test_a_session_reads_the_same_after_a_kill_on_each_engine(program):
    backend = make_backend(program.owner(environment="sandbox"))
    ids = [_finish(backend, program, "success", **key) for key in ({}, {"encryptionPublicKey": backend.key()})]
    told = {each: backend.send("GET", f"/{each}").content for each in ids}
    opened = backend.create(encryptionPublicKey=backend.key())
    program.kill()
    program.start()
    assert {each: backend.send("GET", f"/{each}").content for each in ids} == told
    assert backend.get(opened["id"]) == opened


def test_a_headless_session_whose_server_died_before_its_start_is_started_by_who_reads_it(start_program, sqlite_url, rows):
    asked, killed = threading.Event(), threading.Event()

    def answer(_):
        asked.set()
        killed.wait(10)
        return Reply(json.dumps({"status": "success", "detail": {"idp_id": "p-1", "claims": {"firstName": "Ada"}}}).encode())

    with ExitStack() as ending:
        site = Site()
        ending.callback(site.stop)
        site.paths["/who"] = answer
        program = start_program(sqlite_url, ACCREDIT_OUTBOUND_ALLOW="127.0.0.1")
        owner = program.owner(environment="sandbox")
        service = {"kind": "callout", "url": site.url("/who"), "secret": generate_webhook_secret(), "flows": ["headless"]}
        owner.call("POST", "/v1/providers", 201, {"provider_id": "ours", **service})
        backend = make_backend(owner)
        creating = threading.Thread(target=_create_in_vain, args=(backend,))
        creating.start()
        assert asked.wait(10)
        program.kill()
        killed.set()
        creating.join()
        ((session_id,),) = rows(sqlite_url, "SELECT id FROM sessions")
        program.start()
        # After 6 s nobody is about to start it any more.
        deadline = time.monotonic() + 15
        while (session := backend.get(session_id))["status"] == "WAITING_FOR_USER" and time.monotonic() < deadline:
            time.sleep(0.3)
    assert (session["status"], session["subject"]["firstName"]) == ("SUCCESS", "Ada")


def _create_in_vain(backend):
    with suppress(httpx.HTTPError):
        backend.create(flow="headless", callbackUrls=None, allowedProviders=["ours"])
