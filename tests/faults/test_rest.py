"""Sessions of the rest door through kills, on two nodes, and in what a dump shows (protocol-rest.md scenarios 3, 4, 16 and 18)."""

import time
from collections import Counter

import httpx
import pytest

from ..rest_backend import AUTO, make_backend, visit
from .conftest import UNLIMITED, running
from .markers import Markers
from .test_nothing_leaks import pages_of
from .test_two_nodes import all_at_once

PUBLIC_URL = "https://id.owner.example"
HEADLESS = {"flow": "headless", "callbackUrls": None, "allowedProviders": ["nbid"]}
AT_ONCE = {"sandbox_after": "0"}


def finished(backend, **members):
    """A session that ended with a person, and the octets that GET answers."""
    made = backend.create(**{**HEADLESS, "additionalParameters": AT_ONCE, **members})
    while True:
        answer = backend.send("GET", f"/{made['id']}")
        if answer.status_code == 200 and backend.read(answer)["status"] == "SUCCESS":
            return made["id"], answer.content
        time.sleep(0.3)


def test_a_finished_session_reads_the_same_after_a_kill(program):
    backend = make_backend(program.owner(environment="sandbox"))
    sessions = [finished(backend), finished(backend, encryptionPublicKey=backend.key())]
    open_one = backend.create(encryptionPublicKey=backend.key())
    program.kill()
    program.start()
    for session_id, octets in sessions:
        assert backend.send("GET", f"/{session_id}").content == octets
    assert backend.get(open_one["id"]) == open_one


@pytest.fixture(scope="module")
def two_nodes(migrated_postgresql, tmp_path_factory):
    """Two servers on one database, which people know by one address."""
    migrated_postgresql.execute("CREATE DATABASE rest_nodes TEMPLATE migrated STRATEGY file_copy")
    url = migrated_postgresql.address.format("rest_nodes")
    with running(tmp_path_factory.mktemp("rest"), url, 2, ACCREDIT_PUBLIC_URL=PUBLIC_URL, **UNLIMITED) as nodes:
        yield nodes


def test_another_node_reads_the_same(two_nodes):
    backend = make_backend(two_nodes[0].owner(environment="sandbox"))
    for members in ({}, {"encryptionPublicKey": backend.key()}):
        session_id, octets = finished(backend, **members)
        assert backend.send("GET", f"/{session_id}", url=two_nodes[1].url).content == octets


def test_of_creates_with_one_idempotency_key_on_two_nodes_one_creates(two_nodes):
    backend = make_backend(two_nodes[0].owner(environment="sandbox"))
    body, headers = backend.body(), {"Authorization": f"Bearer {backend.token}", "Idempotency-Key": "order 7"}

    def create(number):
        url = f"{two_nodes[number % 2].url}/auth/rest/sessions"
        return httpx.post(url, json=body, headers=headers, timeout=20)

    answers = all_at_once([lambda number=number: create(number) for number in range(20)])
    assert Counter(answer.status_code for answer in answers) == {200: 20}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert len(backend.send("GET", url=two_nodes[1].url).json()["sessions"]) == 1
    other = backend.send(
        "POST", url=two_nodes[1].url, json=backend.body(tags=["other"]), headers={"Idempotency-Key": "order 7"}
    )
    assert other.json()["code"] == "idempotency_key_reused"


def test_of_ends_on_two_nodes_one_wins(two_nodes):
    backend = make_backend(two_nodes[0].owner(environment="sandbox"))
    for _ in range(5):
        made = backend.create(**HEADLESS, encryptionPublicKey=backend.key(), additionalParameters=AT_ONCE)
        time.sleep(1.01)
        path = f"/{made['id']}"
        calls = [("POST", f"{path}/cancel", 0), ("GET", path, 1), ("POST", f"{path}/cancel", 1), ("GET", path, 0)]
        answers = all_at_once([lambda call=call: backend.send(call[0], call[1], url=two_nodes[call[2]].url) for call in calls])
        stored = {backend.send("GET", path, url=node.url).content for node in two_nodes}
        assert len(stored) == 1
        status = backend.get(made["id"])["status"]
        assert status in ("SUCCESS", "CANCELLED")
        ended = [each for each in answers if each.status_code == 200 and backend.read(each)["status"] == status]
        assert {each.content for each in ended} <= stored
        assert {answers[0].status_code, answers[2].status_code} == {200 if status == "CANCELLED" else 409}


def test_a_dump_holds_nothing_of_the_person(start_program, database_url):
    environ = {"ACCREDIT_LOG_LEVEL": "debug", "ACCREDIT_ACCESS_LOG": "1", **UNLIMITED}
    program = start_program(database_url, **environ)
    markers = Markers(
        name="Åse Synnøve",
        nin="17838549969",
        idp_id="sandbox-no-1",
        user_name="usér of the app 7c1e",
        device="device-4b1e-of-somebody",
        parameter="parameter välue 9d02",
        agent="Agent-of-a-person/31c9",
        refused="refused input 51aa",
    )
    backend = make_backend(program.owner(environment="sandbox"))
    given = {"userName": markers["user_name"], "deviceId": markers["device"]}
    parameters = {**AUTO["additionalParameters"], "free": markers["parameter"]}
    made = []
    for members in ({}, {"encryptionPublicKey": backend.key()}):
        made.append(backend.create(allowedProviders=["nbid"], prefilledInput=given, additionalParameters=parameters, **members))
        assert visit(made[-1], **{"User-Agent": markers["agent"]}).headers["location"] == made[-1]["callbackUrls"]["success"]
        assert backend.get(made[-1]["id"])["subject"]["firstName"] == markers["name"]
    backend.create(allowedProviders=["nbid"], prefilledInput=given, additionalParameters=parameters)
    finished(backend, prefilledInput=given)
    refused = {"nin": 5, "mobile": markers["refused"], "email": markers["refused"]}
    assert backend.post(backend.body(prefilledInput=refused)).status_code == 400
    assert backend.post(backend.body(flow=markers["refused"], tags=[markers["refused"] * 9])).status_code == 400
    assert backend.send("POST", f"/{made[0]['id']}/redact").status_code == 200

    metrics, audit = program.http.get("/metrics").content, backend.owner.api.get("/v1/audit?limit=100").content
    listed, raw = backend.send("GET").content, pages_of(program)
    program.terminate()
    assert program.wait() == 0
    places = {
        "log": program.log.read_bytes(),
        "metrics": metrics,
        "audit": audit,
        "list": listed,
        "database": raw + pages_of(program),
    }
    assert {place: markers.found_in(octets) for place, octets in places.items()} == {place: set() for place in places}
    assert made[1]["id"].encode() in places["database"]


def test_who_holds_the_root_key_opens_no_answer_that_is_sealed_to_a_key(program, rows):
    """Scenario 4: what is stored is what was sent, and nothing else of it is left."""
    backend = make_backend(program.owner(environment="sandbox"))
    session_id, octets = finished(backend, encryptionPublicKey=backend.key())
    ((answer, sealed),) = rows(program.database_url, "SELECT answer, sealed FROM sessions WHERE id = ?", session_id)
    assert (bytes(answer), sealed) == (octets, None)
    assert octets.count(b".") == 4
