"""What endpoints of both kinds are sent of flow sessions: the original's events to the letter, and nobody in any of them."""

import json

import pytest

from accredit import generate_encryption_key, open_sealed, parse_decryption_key
from accredit.server.events.bodies import body_of
from accredit.server.events.flow_facts import load_flow_facts
from accredit.server.events.records import EVENT_COLUMNS, find_endpoint, read_event

from ...flow_backend import make_flow_backend
from .conftest import ENDPOINTS, URL, bodies_for

PERSON = {
    "email": "leslie@pawnee.example",
    "phone": "+13175550199",
    "name": {"first": "Leslie", "last": "Knope"},
    "date_of_birth": "1975-01-18",
}
PERSONAL = ("leslie@pawnee.example", "+13175550199", "Leslie", "Knope", "1975-01-18")
STEPS = [{"step": "accept_tos"}, {"step": "kyc_check", "fields": ["name", "date_of_birth"]}]


@pytest.fixture
def backend(shared):
    """A backend of the flow door in a sandbox of its own."""
    return make_flow_backend(shared.owner(environment="sandbox"), steps=STEPS)


def make(backend, **members):
    return backend.owner.call("POST", ENDPOINTS, 201, {"url": URL, **members})["id"]


def finish(backend, reference="user-1"):
    """A session that the simulators have finished."""
    made = backend.create(reference, user=PERSON, consent=True, simulate={"run": True})
    assert made["status"] == "success"
    return made


def sent_to(backend, endpoint_id):
    """What an endpoint of kind flow is sent now, oldest first, with what is joined when it is sent."""
    server = backend.server
    endpoint = server.run(server.node.store.read(find_endpoint, (backend.owner.scope, endpoint_id)))
    columns = ", ".join(f"e.{name}" for name in EVENT_COLUMNS.split(", "))
    rows = server.rows(
        f"SELECT {columns} FROM deliveries d JOIN events e ON e.id = d.event_id WHERE d.endpoint_id = ? ORDER BY d.id",
        endpoint_id,
    )
    events = [read_event(row) for row in rows]
    return [json.loads(body_of(endpoint, event, server.run(load_flow_facts(server.node, endpoint, event)))) for event in events]


def test_the_original_s_events_of_a_session(backend):
    endpoint_id = make(backend, kind="flow")
    made = finish(backend, "user-é")
    sent = sent_to(backend, endpoint_id)
    assert {each["event"] for each in sent} == {"flow_session.step.updated", "flow_session.status.updated"}
    last = sent[-1]
    assert last == {
        "id": last["id"],
        "timestamp": "2027-01-15T08:00:00Z",
        "event": "flow_session.status.updated",
        "data": {
            "object": "flow_session",
            "id": made["id"],
            "status": "success",
            "step": None,
            "customer_reference": "user-é",
            "_meta": "2020-08-14",
            "template": {"id": backend.template_id, "version": 1},
            "previous_session_id": None,
            "step_status": None,
            "sequence": last["data"]["sequence"],
        },
        "environment": "sandbox",
        "endpoint_id": endpoint_id,
    }
    assert last["id"].startswith("whkevt_")
    steps = {(each["data"]["step"], each["data"]["step_status"]) for each in sent if each["data"]["step"]}
    assert ("kyc_check", "success") in steps
    sequences = [each["data"]["sequence"] for each in sent]
    assert sequences == sorted(set(sequences))


def test_after_redaction_no_attempt_names_the_customer(backend):
    endpoint_id = make(backend, kind="flow")
    made = finish(backend)
    assert {each["data"]["customer_reference"] for each in sent_to(backend, endpoint_id)} == {"user-1"}
    before = sent_to(backend, endpoint_id)
    backend.call("POST", f"/{made['id']}/redact")
    after = sent_to(backend, endpoint_id)
    assert {each["data"]["customer_reference"] for each in after} == {None}
    for each in (*before, *after):
        del each["data"]["customer_reference"]
    assert after == before


def test_a_retry_tells_of_the_old_session_first(backend):
    endpoint_id = make(backend, kind="flow", event_types=["flow_session.status.updated", "flow_session.retried"])
    old = backend.create()
    new = backend.retry()
    told = [
        (each["event"], each["data"]["id"], each["data"]["status"], each["data"]["previous_session_id"])
        for each in sent_to(backend, endpoint_id)
    ]
    assert told == [
        ("flow_session.status.updated", old["id"], "canceled", None),
        ("flow_session.retried", new["id"], "active", old["id"]),
    ]


def test_thin_bodies_have_nobody(backend):
    thin, flow = make(backend, event_types=["*"]), make(backend, kind="flow")
    made = finish(backend)
    backend.call("POST", f"/{made['id']}/redact")
    bodies = [body for _, body in bodies_for(backend.owner, thin)]
    bodies += [json.dumps(body, ensure_ascii=False).encode() for body in sent_to(backend, flow)]
    assert {"session.created", "session.step_updated", "session.success", "session.redacted"} <= {
        json.loads(body).get("type") for body in bodies
    }
    assert not [text for text in PERSONAL for body in bodies if text.encode() in body]


def test_a_full_payload_is_what_the_api_answers(backend):
    key = generate_encryption_key("ECDH-ES")
    endpoint_id = make(backend, payload="full", encryption_public_key=dict(key.public_jwk))
    made = finish(backend)
    sent = dict(bodies_for(backend.owner, endpoint_id))
    data = open_sealed(sent["session.success"], [parse_decryption_key(key.private_jwk)])["data"]
    assert data["session"] == backend.get(made["id"])
    stored = str(
        [backend.server.rows(f"SELECT * FROM {table}") for table in ("sessions", "flow_sessions", "deliveries", "events")]
    )
    assert not [text for text in PERSONAL if text in stored]
