"""No log, metric, audit record or database page holds what backends tell the flow door of their users, or what they sign with.

protocol-flow.md section 10; after redaction nothing that was told can be opened either.
"""

import json
import re

import httpx
import pytest

from ..flow_backend import MEDIA_TYPE, SESSIONS, make_flow_backend
from .markers import Markers
from .test_nothing_leaks import everything, pages_of

STEPS = [{"step": "kyc_check"}]


@pytest.fixture
def markers():
    return Markers(
        reference="customer Ωmega/7c1e&+",
        unknown_reference="customer who is not there 51aa",
        wrong_reference="customer\tof nobody 77b3",
        email="jäne.9c41@example.com",
        phone="+47219090317766",
        first="Jäne of 81 names",
        last="Knope-Traeger 77b3",
        street="81 Müller Street, 2nd floor",
        city="Pawnee by the Sea 44",
        id_number="RSSMRA80A01H501U",
        wrong_phone="no number 4111-2222",
        wrong_tag="tag\x00of nobody 3be7",
        key="order of jäne 9c41",
        return_url="https://shop.example/back/5b2a",
        unknown="unknown member 60fd",
    )


@pytest.fixture
def program(start_program, sqlite_url):
    environ = {"ACCREDIT_LOG_LEVEL": "debug", "ACCREDIT_ACCESS_LOG": "1", "ACCREDIT_REFUSALS_PER_MINUTE": "1000"}
    return start_program(sqlite_url, **environ)


def test_what_backends_tell_is_nowhere_in_clear(program, markers):
    owner = program.owner(environment="sandbox")
    backend = make_flow_backend(owner, steps=STEPS, allowed_origins=["https://shop.example"])
    markers.add("api secret", backend.secret)
    made = calls(backend, markers)
    refusals(backend, markers)
    erased = backend.call("POST", "/redact", 200, {"customer_reference": markers["reference"]})
    assert [each["id"] for each in erased["flow_sessions"]] == made[::-1]

    metrics, audit = program.metrics().encode(), json.dumps(everything(owner)).encode()
    raw = pages_of(program)
    program.terminate()
    assert program.wait() == 0
    log, database = program.log.read_bytes(), raw + pages_of(program)
    places = {"log": log, "printed": program.printed.encode(), "metrics": metrics, "audit": audit, "database": database}
    assert {place: markers.found_in(octets) for place, octets in places.items()} == {place: set() for place in places}
    for code in (b"validation_failed", b"mac_mismatch", b"customer_reference_invalid", b"idempotency_key_reused"):
        assert code in metrics
        assert code in audit
    assert made[0].encode() in database


def calls(backend, markers):
    """What a backend does with a customer; the ids of the sessions."""
    user = {
        "email": markers["email"],
        "phone": markers["phone"],
        "name": {"first": markers["first"], "last": markers["last"]},
        "address": {"street": markers["street"], "city": markers["city"], "country_code": "NO"},
        "id_number": {"value": markers["id_number"], "type": "it_cf"},
    }
    body = backend.body(
        markers["reference"], user=user, shareable=True, return_url=markers["return_url"], simulate={"run": True}
    )
    key = {"Idempotency-Key": markers["key"].encode("ascii", "replace").decode()}
    markers.add("key as sent", key["Idempotency-Key"])
    for _ in range(2):
        answer = backend.send("POST", "", {**body, markers["unknown"]: markers["unknown"]}, headers=key)
        assert answer.status_code == 201, answer.text
    first = answer.json()
    markers.add("signature", answer.request.headers["authorization"].rpartition("signature=")[2].strip('"'))
    markers.add("link", first["shareable_url"].rpartition("=")[2])
    assert backend.call("GET", "?customer_reference=customer+%CE%A9mega%2F7c1e%26%2B")["flow_sessions"][0]["id"] == first["id"]
    return [first["id"], backend.retry(markers["reference"], user=user)["id"]]


def refusals(backend, markers):
    """What is refused at each step."""
    told = backend.create(
        markers["unknown_reference"], status=422, user={"phone": markers["wrong_phone"]}, tags=[markers["wrong_tag"]]
    )
    assert len(told["errors"]) == 2
    backend.create(markers["wrong_reference"], status=422)
    backend.retry(markers["unknown_reference"], status=404)
    backend.call("GET", f"?status={httpx.QueryParams({'x': markers['unknown']})}", 400)
    answer = backend.send(
        "POST", "", backend.body(markers["unknown_reference"]), headers={"Idempotency-Key": markers["key as sent"]}
    )
    assert answer.status_code == 422
    forged = backend.sign("GET", SESSIONS, secret=markers.add("forged secret", "sandbox_secret_" + "5ec0" * 16))
    markers.add("forged signature", re.findall('signature="(.+?)"', forged["Authorization"])[0])
    assert backend.server.http.get(SESSIONS, headers=forged).status_code == 401
    content = json.dumps(markers["unknown"]).encode()
    headers = {**backend.sign("POST", SESSIONS, content), "Content-Type": MEDIA_TYPE}
    assert backend.server.http.post(SESSIONS, content=content, headers=headers).status_code == 400
    backend.call("GET", f"/{httpx.QueryParams({'x': markers['unknown']})}", 404)
