"""Bodies to the letter, for every kind of endpoint; those of kind flow are the vectors `event_mapping`."""

import json
from pathlib import Path
from typing import Any

import pytest

from accredit import generate_encryption_key, open_sealed, parse_decryption_key
from accredit.server.events.bodies import FlowFacts, body_of, event_id_of, kept_body, media_type
from accredit.server.events.event_types import EVENT_TYPES, hears
from accredit.server.events.members import parse_members, stored_members
from accredit.server.events.records import Endpoint, StoredEvent
from accredit.server.keyring.scope import Scope

LIVE = Scope("acc_1", "live")
VECTORS = Path(__file__).parents[2] / "vectors" / "webhooks.json"
KEY = generate_encryption_key("ECDH-ES")
NOON_MS = 1_767_614_400_000


def mappings() -> list[Any]:
    cases = json.loads(VECTORS.read_text(encoding="utf-8"))["cases"]
    return [pytest.param(case, id=case["name"]) for case in cases if case["kind"] == "event_mapping"]


def endpoint_of(endpoint_id: str = "whksub_1", kind: Any = "accredit", **members: Any) -> Endpoint:
    wanted = parse_members(kind, {"url": "https://shop.example/", **members})
    return Endpoint(
        endpoint_id=endpoint_id,
        scope=LIVE,
        kind=kind,
        members=stored_members(wanted),
        enabled=True,
        disabled_reason=None,
        created_ms=0,
        updated_ms=0,
    )


def event_of(event_type: str = "session.success", session_id: str | None = "s1", **data: Any) -> StoredEvent:
    return StoredEvent("evt_1CPnqL7H8mAAxeVy5PPNqb", LIVE, event_type, NOON_MS, session_id, "int_1", 7, data)


@pytest.mark.parametrize("case", mappings())
def test_the_original_s_bodies(case: dict[str, Any]) -> None:
    told, session = case["inputs"]["event"], case["inputs"]["session"]
    endpoint = endpoint_of(case["inputs"]["endpoint_id"], "flow", signing="endpoint")
    status = {"active": "waiting", "success": "success"}[session["status"]]
    data = {"door": told["door"], "status": status, "step": told.get("step"), "step_status": told.get("step_status")}
    event = StoredEvent(
        f"evt_{told['tail']}",
        Scope("acc_1", session["environment"]),
        told["type"],
        NOON_MS,
        session["id"],
        session["template"]["id"],
        told["sequence"],
        data,
    )
    facts = FlowFacts(session["customer_reference"], session["template"]["version"], session["previous_session_id"])
    if case["result"]["body"] is None:
        assert not hears(endpoint, event.type, event.data, event.integration_id)
    else:
        assert hears(endpoint, event.type, event.data, event.integration_id)
        assert body_of(endpoint, event, facts) == case["result"]["body"].encode()


def test_a_thin_body_has_its_members_in_order() -> None:
    event = event_of(door="flow", status="success", reason=None, tags=["größe"])
    assert body_of(endpoint_of("whksub_11111111111111111111Ab"), event).decode() == (
        '{"id":"evt_1CPnqL7H8mAAxeVy5PPNqb","type":"session.success","timestamp":"2026-01-05T12:00:00.000Z",'
        '"account_id":"acc_1","environment":"live","endpoint_id":"whksub_11111111111111111111Ab",'
        '"data":{"object":"session","id":"s1","door":"flow","status":"success","integration_id":"int_1","sequence":7,'
        '"reason":null,"tags":["größe"]}}'
    )


def data_of(event: StoredEvent) -> list[tuple[str, Any]]:
    """What stands behind the common members."""
    return list(json.loads(body_of(endpoint_of(), event))["data"].items())[8:]


def test_the_rest_door_adds_its_labels() -> None:
    references = {"provider": "eid", "external_reference": "order-1", "usage_reference": None}
    assert data_of(event_of(door="rest", status="success", **references)) == list(references.items())


@pytest.mark.parametrize(
    ("event_type", "members"),
    [
        ("session.step_updated", {"step": "kyc_check", "step_status": "active"}),
        ("session.retried", {"previous_session_id": "flwses_0"}),
        ("integration.policy_changed", {"version": 3, "changed": ["enabled"]}),
        ("integration.limit_reached", {"count": 100, "limit": 100}),
        ("key.expiring", {"key_id": "key_1", "purposes": ["api"], "until": "2026-01-05T12:00:00.000Z"}),
        ("key.leaked", {"key_id": "key_1", "purposes": ["api"], "source": "browser", "url": None}),
        ("endpoint.disabled", {"endpoint_id": "whksub_2", "since": None}),
        ("test.ping", {"test": True}),
    ],
)
def test_each_type_has_members_of_its_own(event_type: str, members: dict[str, Any]) -> None:
    assert data_of(event_of(event_type, **members)) == list(members.items())


@pytest.mark.parametrize(
    ("event_type", "object_", "object_id"),
    [
        ("key.created", "key", "key_1"),
        ("endpoint.failing", "endpoint", "whksub_2"),
        ("integration.limit_reached", "integration", "int_1"),
    ],
)
def test_what_is_of_no_session_names_what_it_is_about(event_type: str, object_: str, object_id: str) -> None:
    event = event_of(event_type, None, key_id="key_1", endpoint_id="whksub_2")
    data = json.loads(body_of(endpoint_of(), event))["data"]
    assert (data["object"], data["id"]) == (object_, object_id)


def test_whatever_else_an_event_holds_is_not_told() -> None:
    for event_type in EVENT_TYPES:
        assert b"Leslie" not in body_of(endpoint_of(), event_of(event_type, name="Leslie", uid="Leslie"))


def test_both_kinds_call_one_event_by_one_tail() -> None:
    event = event_of()
    assert event_id_of(endpoint_of(), event) == "evt_1CPnqL7H8mAAxeVy5PPNqb"
    assert event_id_of(endpoint_of(kind="flow", signing="endpoint"), event) == "whkevt_1CPnqL7H8mAAxeVy5PPNqb"


def opened(body: bytes) -> Any:
    return open_sealed(body, [parse_decryption_key(KEY.private_jwk)])


def test_an_endpoint_with_a_key_gets_every_body_sealed() -> None:
    endpoint = endpoint_of(encryption_public_key=dict(KEY.public_jwk))
    body = kept_body(endpoint, event_of(), {"session": {"name": "Leslie"}})
    assert body is not None
    assert media_type(body) == "application/jose"
    assert opened(body) == json.loads(body_of(endpoint_of(), event_of()))
    assert opened(body_of(endpoint, event_of())) == opened(body)


def test_without_a_key_nothing_is_kept() -> None:
    assert kept_body(endpoint_of(), event_of(), {"session": {"name": "Leslie"}}) is None
    assert media_type(body_of(endpoint_of(), event_of())) == "application/json"


@pytest.mark.parametrize("answer", [{"session": {"name": "Zoë"}}, {"sealed_answer": "e30..a.b.c"}])
def test_a_full_payload_has_the_answer_behind_all_else(answer: dict[str, Any]) -> None:
    endpoint = endpoint_of(payload="full", encryption_public_key=dict(KEY.public_jwk))
    body = kept_body(endpoint, event_of(status="success"), answer)
    assert body is not None
    thin = json.loads(body_of(endpoint_of(), event_of(status="success")))
    assert list(opened(body)["data"].items()) == [*thin["data"].items(), *answer.items()]


def nested(levels: int) -> Any:
    return {} if levels == 0 else {"in": nested(levels - 1)}


@pytest.mark.parametrize(
    ("event_type", "session"),
    [
        ("session.success", {"name": "x" * 256 * 1024}),
        ("session.success", nested(20)),
        ("session.success", {"name": "\ud800"}),
        ("session.expired", {"name": "Zoë"}),
        ("session.cancelled", {"name": "Zoë"}),
    ],
    ids=["too_large", "too_deep", "no_text", "expired", "cancelled"],
)
def test_what_is_not_told_in_full_is_thin(event_type: str, session: dict[str, Any]) -> None:
    endpoint = endpoint_of(payload="full", encryption_public_key=dict(KEY.public_jwk))
    body = kept_body(endpoint, event_of(event_type), {"session": session})
    assert body is not None
    assert "session" not in opened(body)["data"]
