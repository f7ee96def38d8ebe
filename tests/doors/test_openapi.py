"""The OpenAPI document tells the truth: whatever is sent, no answer is a 5xx, nor has a status or a body that it does not name."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
# What fits needs several to meet what is there; what does not is refused early, whatever it is.
EXAMPLES = {GenerationMode.POSITIVE: 8, GenerationMode.NEGATIVE: 4}
GENERATED = settings(
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fitting", "unfitting"])
def test_no_call_ends_in_a_fault_or_an_unnamed_answer(start_server, sqlite_url, mode):
    """Addresses name what is there as often as what is not."""
    server = start_server(sqlite_url)
    owner = server.owner()
    owner.integration("shop", integration_id="known")
    # Calls may publish any policy; what sessions are opened at is not among what they name.
    visited = owner.integration("shop", integration_id="visited")
    kept = {
        "api_key_id": owner.call("POST", "/v1/api_credentials", 201, {})["api_key_id"],
        "endpoint_id": owner.call("POST", "/v1/webhook_endpoints", 201, {"url": "https://hooks.example/a"})["id"],
        "service_id": owner.call("POST", "/v1/step_services", 201, {"url": "https://steps.example/a"})["id"],
        "client_id": owner.call("POST", "/v1/api_clients", 201, {"client_id": "known"})["client_id"],
    }
    schema = schemathesis.openapi.from_dict(server.http.get("/openapi.json").json())
    # A stream of an open session does not end by itself; test_streams.py has them.
    operations = [each for each in (found.ok() for found in schema.get_all_operations()) if not each.path.endswith("/events")]
    succeeded = set()
    # What deletes comes last, and the integration the very last, so that the others meet what is there.
    for operation in sorted(operations, key=lambda each: (each.method == "delete", each.path.endswith("{integration_id}"))):
        exercise(operation, mode, there_is(owner, visited) | kept, owner, succeeded)
    assert len(operations) > 30
    if mode is GenerationMode.POSITIVE:
        assert len(succeeded) > len(operations) / 2


def there_is(owner, visited):
    """What an address may name, fresh for each operation."""
    owner.call("PUT", "/v1/users/user-1/data?integration_id=known", 204, {"seen": 1})
    return {
        "session_id": owner.visit(visited, uid="user-1")["session_id"],
        "deployer_id": "shop",
        "integration_id": "known",
        "key_id": owner.call("POST", "/v1/keys", 201, {"purpose": "api"})["key"]["key_id"],
        "uid": "user-1",
    }


def exercise(operation, mode, there, owner, succeeded):
    @settings(GENERATED, max_examples=EXAMPLES[mode])
    @given(case=operation.as_strategy(generation_mode=mode), known=st.booleans())
    def call(case, known):
        for given_names in (case.path_parameters, case.query) if known else ():
            given_names.update({name: there[name] for name in given_names if name in there})
        answer = case.call(base_url=owner.server.url, headers={"Authorization": f"Bearer {owner.secret}"})
        case.validate_response(answer, checks=CHECKS)
        if answer.status_code < 300:
            succeeded.add(operation.label)

    call()


def test_every_operation_names_its_refusals(server):
    document = server.http.get("/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            assert {"400", "401", "403", "500", "503"} < described["responses"].keys(), (method, path)
            assert described["summary"]
            assert described["responses"]["401"]["content"].keys() == {"application/problem+json"}


def test_every_reference_leads_somewhere(server):
    answer = server.http.get("/openapi.json")
    document = answer.json()
    assert document["openapi"] == "3.1.0"
    named = {part.split('"')[0] for part in answer.text.split('"$ref":"#/components/schemas/')[1:]}
    assert named
    assert named <= document["components"]["schemas"].keys()
    assert "\\\\Z" not in answer.text
