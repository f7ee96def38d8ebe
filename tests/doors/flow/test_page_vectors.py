"""The vectors of signatures through the door (protocol-flow.md sections 2, 3 and 5): who is admitted, and what the audit record says.

Of one account in live, whose templates and keys are those that the vectors name; what a case leaves behind the next one does not see.
"""

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from accredit.server.keyring.records import KeyRecord, insert_record
from accredit.server.keyring.scope import Scope
from accredit.server.store import bump_config, one_by_one

from ...flow_backend import make_flow_backend
from .page import FlowPage, audited, block_of

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "flow.json").read_text(encoding="utf-8"))
ORIGINS = ["https://fintechly.co", "https://fintechly.co:8443", "https://evil.example", "https://other.example"]
TEMPLATES = ["flwtmp_11111111111111", "flwtmp_22222222222222"]
SAMPLE_SECRET = "live_secret_" + 8 * "abcd1234"
OUTSIDE = {
    "mac_mismatch": "admission_refused",
    **{each["expect"]: "admission_refused" for each in VECTORS["cases"] if each["expect"].startswith("jws_")},
}
# Not malformed as a token: by its shape it is none.
NO_TOKEN = {"two_parts": "signature_malformed"}
# A template belongs to one environment: a key of the other names none.
ELSEWHERE = {"environment_of_publishable_key": "integration_unknown"}


_numbers = itertools.count()


def cases_of(kind: str) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in VECTORS["cases"] if case["kind"] == kind]


@pytest.fixture(scope="module")
def pages(shared_server: Any) -> dict[str, FlowPage]:
    """Pages with the account's publishable keys, by environment."""
    live = shared_server.owner()
    backend = make_flow_backend(live, integration_id=TEMPLATES[0], allowed_origins=ORIGINS)
    body = {"door": "flow", "integration_id": TEMPLATES[1], "allowed_origins": ORIGINS}
    live.call("POST", "/v1/integrations", 201, body)
    sandbox = shared_server.owner(live.scope.account_id, environment="sandbox")
    key = sandbox.call("POST", "/v1/publishable_keys", 201, {})["publishable_key"]
    shared_server.run(shared_server.node.sealer.ready(live.scope))
    shared_server.run(shared_server.node.sealer.ready(sandbox.scope))
    return {"live": FlowPage(backend, ORIGINS[0]), "sandbox": FlowPage(backend, ORIGINS[0], key)}


def begin(page: FlowPage, keys: list[KeyRecord]) -> Any:
    """A clean slate with these keys."""
    owner, server = page.backend.owner, page.backend.server
    server.run(server.node.store.write(_forget, keys))
    # Another node wrote: what this one changes itself it knows at once.
    owner.call("PATCH", f"/v1/integrations/{TEMPLATES[1]}", 200, {"name": f"Template {next(_numbers)}"})
    return server


@one_by_one
def _forget(tx: Any, keys: list[KeyRecord]) -> None:
    for table in ("sessions", "flow_sessions", "flow_creations"):
        tx.execute(f"DELETE FROM {table}")
    tx.execute("DELETE FROM keys WHERE purpose = 'reference'")
    for record in keys:
        insert_record(tx, record)
    bump_config(tx)


def record_of(page: FlowPage, number: int, key_id: str, *, text: str | None = None, **members: Any) -> KeyRecord:
    """The record of a key, by its name in the vectors; a credential's is named by the credential."""
    owner, credential = page.backend.owner, "_key_" in key_id
    row = f"key_of_vectors_{number}" if credential else key_id
    scope = Scope(owner.scope.account_id, members.pop("environment", "live"))
    sealer = owner.server.node.sealer
    sealed = None if text is None else sealer.seal(scope, text.encode(), row=row, column="keys.secret")
    record = KeyRecord(key_id=row, scope=scope, purpose="reference", label="", created_ms=number, secret=sealed, **members)
    return replace(record, api_key_id=key_id) if credential else record


def told(page: FlowPage, answer: Any) -> str:
    """`valid`, or the code in the audit record; outside stands what may be told of it."""
    if answer.status_code == 200:
        assert block_of(answer)["first"]["opening"] == "created"
        return "valid"
    (code,) = audited(page.backend.server, answer)
    assert block_of(answer)["code"] == OUTSIDE.get(code, "admission_refused" if code == "integration_unknown" else code)
    return code


@pytest.mark.parametrize("case", cases_of("reference"))
def test_reference(case: dict[str, Any], pages: dict[str, FlowPage]) -> None:
    inputs, page = case["inputs"], pages["live"]
    secrets = inputs["secrets"]
    begin(page, [record_of(page, number, each["key_id"], text=each["secret"]) for number, each in enumerate(secrets)])
    answer = page.post(inputs["customer_reference"], signature=inputs["signature"])
    assert told(page, answer) == case["expect"]


@pytest.mark.parametrize("case", cases_of("token_v2"))
def test_token_v2(case: dict[str, Any], pages: dict[str, FlowPage]) -> None:
    """Scenario 7."""
    inputs = case["inputs"]
    page = replace(pages[inputs["environment"]], origin=inputs["origin"])
    server = begin(page, [vector_key(page, number, name) for number, name in enumerate(inputs["keys"]) if name != "deployment"])
    server.clock.now_ms = inputs["now"] * 1000
    answer = page.post(inputs["customer_reference"], signature=inputs["token"], templateId=inputs["template_id"])
    assert told(page, answer) == {**ELSEWHERE, **NO_TOKEN}.get(case["name"], case["expect"])


def vector_key(page: FlowPage, number: int, name: str) -> KeyRecord:
    key = VECTORS["keys"][name]
    members = {"environment": key["environment"], "revoked_ms": 1 if key["state"] == "revoked" else None}
    if "jwk" in key:
        members |= {"public_jwk": key["jwk"], "alg": key["alg"]}
        return record_of(page, number, key["key_id"], **members)
    return record_of(page, number, key["key_id"], text=key.get("secret", SAMPLE_SECRET), **members)
