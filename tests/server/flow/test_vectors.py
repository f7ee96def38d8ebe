"""Vectors of the flow door that are the server's: what is decided about templates, sessions and what is told of a person."""

import json
from pathlib import Path
from typing import Any

import pytest

from accredit.errors import AccreditError, MalformedError
from accredit.server.gate.flow import parse_user
from accredit.server.gate.flow.user import ID_NUMBERS
from accredit.server.integrations.parsing import parse_policy
from accredit.server.sessions.flow.quota import find_count
from accredit.server.sessions.flow.record import StepState
from accredit.server.sessions.flow.retry_plans import plan_retry
from accredit.server.store import one_by_one

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/flow.json").read_text(encoding="utf-8"))


def cases(kind: str) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in VECTORS["cases"] if case["kind"] == kind]


@pytest.mark.parametrize("case", cases("origin_entry"))
def test_origin_entry(case: dict[str, Any]) -> None:
    members = {"allowed_origins": [case["inputs"]["entry"]]}
    if case["expect"] == "valid":
        policy: Any = parse_policy("flow", members, now_ms=0)
        assert policy.allowed_origins == (case["result"]["origin"],)
        return
    with pytest.raises(MalformedError) as refused:
        parse_policy("flow", members, now_ms=0)
    assert refused.value.code == case["expect"]


@pytest.mark.parametrize("case", cases("retry_strategy"))
def test_retry_strategy(case: dict[str, Any]) -> None:
    inputs = case["inputs"]
    steps = {name: StepState(status=word) for name, word in inputs["steps"].items() if word != "not_applicable"}
    asked = (inputs["status"], inputs["strategy"], steps, inputs.get("custom"))
    if case["expect"] == "valid":
        plan = plan_retry(*asked)
        assert {"effective": plan.effective, "skipped": sorted(plan.skipped)} == case["result"]
        return
    with pytest.raises(AccreditError) as refused:
        plan_retry(*asked)
    assert refused.value.code == case["expect"]


@pytest.mark.parametrize("case", cases("id_number"))
def test_id_number(case: dict[str, Any]) -> None:
    if case["expect"] == "valid":
        number = parse_user({"id_number": case["inputs"]}).id_number
        assert number is not None
        assert number.value == case["result"]["value"]
        return
    with pytest.raises(MalformedError) as refused:
        parse_user({"id_number": case["inputs"]})
    assert refused.value.code == case["expect"]


def test_the_patterns_of_identity_numbers_are_those_of_the_vectors() -> None:
    assert {name: pattern.pattern for name, pattern in ID_NUMBERS.items()} == VECTORS["id_numbers"]


@one_by_one
def set_count(tx: Any, item: Any) -> None:
    tx.execute(
        "INSERT INTO counters (integration_id, period, n) VALUES (?, 'live', ?)"
        " ON CONFLICT (integration_id, period) DO UPDATE SET n = excluded.n",
        item,
    )


@pytest.mark.parametrize("case", cases("session_limit"))
def test_session_limit(make_flow: Any, case: dict[str, Any]) -> None:
    inputs = case["inputs"]
    flow = make_flow(inputs["environment"])
    signed = flow.token() if inputs["signed"] else None
    if inputs["action"] in ("resume", "retry"):
        flow.open("user-1", signed)
    flow.run(flow.node.store.write(set_count, (flow.template_id, inputs["count"])))
    flow.publish(signature_policy=inputs["signature_policy"])
    act = {
        "create": flow.open,
        "resume": flow.open,
        "api_create": flow.create,
        "retry": lambda reference: flow.retry("reset", reference),
    }
    asked = ("user-1", signed) if inputs["action"] in ("create", "resume") else ("user-1",)
    if case["expect"] != "valid":
        with pytest.raises(AccreditError) as refused:
            act[inputs["action"]](*asked)
        assert refused.value.code == case["expect"]
        return
    act[inputs["action"]](*asked)
    assert flow.run(flow.node.store.read(find_count, flow.template_id)) == case["result"]["count"]
