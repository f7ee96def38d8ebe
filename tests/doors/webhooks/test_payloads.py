"""What endpoints are sent: thin bodies without the person, full ones that their own key alone opens (scenarios 11 and 12)."""

import json

import pytest

from accredit import generate_encryption_key, open_sealed, parse_decryption_key

from ...rest_backend import AUTO, make_backend, visit
from .conftest import ENDPOINTS, URL, bodies_for

UID, EMAIL = "Leslie-Knope-4711", "leslie@pawnee.example"


@pytest.fixture(params=["sqlite", "postgresql"])
def sandbox(request, shared, start_server):
    """An account in the sandbox: on the module's server, and once on PostgreSQL."""
    if request.param == "sqlite":
        return shared.owner(environment="sandbox")
    return start_server(request.getfixturevalue("postgresql_url")).owner(environment="sandbox")


def make(owner, **members):
    return owner.call("POST", ENDPOINTS, 201, {"url": URL, **members})["id"]


def full_endpoint(owner):
    """An endpoint with full payloads, and its private key."""
    key = generate_encryption_key("ECDH-ES")
    made = make(owner, payload="full", encryption_public_key=dict(key.public_jwk))
    return made, parse_decryption_key(key.private_jwk)


def finish(backend, **members):
    """A session of the rest door that a person has finished, as its caller reads it."""
    made = backend.create(allowedProviders=["nbid"], **AUTO, **members)
    visit(made)
    return backend.get(made["id"])


def dump(owner):
    """Everything that the database holds."""
    server = owner.server
    tables = ("sessions", "rest_sessions", "events", "deliveries", "attempts", "audit", "webhook_endpoints")
    return str([server.rows(f"SELECT * FROM {table}") for table in tables])


def test_thin_bodies_of_the_rest_door_have_labels_and_nobody(sandbox):
    endpoint_id = make(sandbox)
    ended = finish(make_backend(sandbox), externalReference="order-1", tags=["beta"])
    sent = dict(bodies_for(sandbox, endpoint_id))
    assert list(sent) == ["session.created", "session.waiting", "session.success"]
    data = json.loads(sent["session.success"])["data"]
    assert data == {
        "object": "session",
        "id": ended["id"],
        "door": "rest",
        "status": "success",
        "integration_id": data["integration_id"],
        "sequence": 3,
        "reason": None,
        "tags": ["beta"],
        "provider": "nbid",
        "external_reference": "order-1",
        "usage_reference": None,
    }
    assert [json.loads(body)["data"]["sequence"] for body in sent.values()] == [1, 2, 3]
    personal = [text for text in ended["subject"].values() if isinstance(text, str)]
    assert personal
    assert not [text for text in personal for body in sent.values() if text.encode() in body]


def test_thin_bodies_of_framed_doors_have_nobody(shared):
    owner = shared.owner()
    endpoint_id = make(owner)
    embed, boot = owner.integration("shop"), owner.boot_integration("cp_1")
    secret, _ = owner.identity_secret("cp_1")
    session = owner.visit(embed, uid=UID, data_passport=json.dumps({"email": EMAIL}))
    owner.call("POST", f"/v1/sessions/{session['session_id']}/end", 200, {"outcome": "success"})
    fields = {"email": EMAIL, "first_name": UID, "signature": owner.signature(boot, secret, EMAIL)}
    assert shared.boot(owner.boot_fields(boot, **fields)).status_code == 303
    owner.call("DELETE", f"/v1/users/{UID}?integration_id={embed['integration_id']}", 200)
    sent = bodies_for(owner, endpoint_id)
    heard = {(json.loads(body)["data"]["door"], event_type) for event_type, body in sent}
    ends = {("embed", f"session.{status}") for status in ("created", "waiting", "success", "redacted")}
    assert heard == {*ends, ("boot", "session.created")}
    assert not [body for _, body in sent if UID.encode() in body or EMAIL.encode() in body]


def test_a_full_payload_opens_with_the_endpoint_s_key_only(sandbox):
    endpoint_id, key = full_endpoint(sandbox)
    ended = finish(make_backend(sandbox))
    sent = dict(bodies_for(sandbox, endpoint_id))
    opened = {event_type: open_sealed(body, [key]) for event_type, body in sent.items()}
    assert opened["session.success"]["data"]["session"] == ended
    assert [event_type for event_type, payload in opened.items() if "session" in payload["data"]] == ["session.success"]
    assert not [text for text in ended["subject"].values() if isinstance(text, str) and text in dump(sandbox)]


def test_what_was_sealed_to_the_caller_stays_so(sandbox):
    endpoint_id, key = full_endpoint(sandbox)
    backend = make_backend(sandbox)
    made = backend.create(allowedProviders=["nbid"], encryptionPublicKey=backend.key(), **AUTO)
    visit(made)
    data = open_sealed(dict(bodies_for(sandbox, endpoint_id))["session.success"], [key])["data"]
    assert "session" not in data
    assert data["sealed_answer"] == backend.send("GET", f"/{made['id']}").text
    assert open_sealed(data["sealed_answer"], backend.keys)["subject"]


def test_redaction_takes_what_deliveries_kept(sandbox):
    endpoint_id, key = full_endpoint(sandbox)
    backend = make_backend(sandbox)
    ended = finish(backend)
    assert backend.send("POST", f"/{ended['id']}/redact").status_code == 200
    sent = {event_type: open_sealed(body, [key]) for event_type, body in bodies_for(sandbox, endpoint_id)}
    assert not [payload for payload in sent.values() if "session" in payload["data"]]
    assert sent["session.redacted"]["data"]["sequence"] == 4
    kept = sandbox.server.rows("SELECT type FROM deliveries WHERE body IS NOT NULL AND endpoint_id = ?", endpoint_id)
    assert [tuple(row) for row in kept] == [("session.redacted",)]


def test_a_full_payload_of_a_framed_session_is_what_the_api_answers(shared):
    owner = shared.owner()
    endpoint_id, key = full_endpoint(owner)
    session = owner.visit(owner.integration("shop"), uid=UID)
    owner.call("POST", f"/v1/sessions/{session['session_id']}/end", 200, {"outcome": "failed"})
    data = open_sealed(dict(bodies_for(owner, endpoint_id))["session.failed"], [key])["data"]
    assert data["session"] == owner.call("GET", f"/v1/sessions/{session['session_id']}")


def test_what_a_key_is_for_is_told_by_its_events(shared):
    owner = shared.owner()
    endpoint_id = make(owner, event_types=["key.created", "key.revoked"])
    made = owner.call("POST", "/v1/keys", 201, {"purpose": "api"})["key"]["key_id"]
    owner.call("POST", f"/v1/keys/{made}/revoke", 200, {})
    sent = dict(bodies_for(owner, endpoint_id))
    assert list(sent) == ["key.created", "key.revoked"]
    for body in sent.values():
        data = json.loads(body)["data"]
        assert (data["object"], data["id"], data["key_id"], data["purposes"]) == ("key", made, made, ["api"])


def test_a_published_policy_is_told_with_what_changed(shared):
    owner = shared.owner()
    integration = owner.integration("shop")["integration_id"]
    endpoint_id = make(owner, event_types=["integration.policy_changed"], doors=["embed"])
    owner.call("PATCH", f"/v1/integrations/{integration}", 200, {"quota_per_day": 7})
    data = json.loads(dict(bodies_for(owner, endpoint_id))["integration.policy_changed"])["data"]
    assert (data["id"], data["door"], data["version"], data["changed"]) == (integration, "embed", 2, ["quota_per_day"])
