"""The vectors of signed requests through the door (protocol-flow.md section 8): who is known, and what others are told."""

import http.client
import json
from pathlib import Path
from typing import Any

import pytest

from accredit.errors import CODES
from accredit.server.keyring.records import KeyRecord, insert_record
from accredit.server.keyring.scope import Scope
from accredit.server.store import one_by_one

VECTORS = Path(__file__).parents[2] / "vectors" / "flow.json"
CASES = [case for case in json.loads(VECTORS.read_text(encoding="utf-8"))["cases"] if case["kind"] == "api_request"]
OUTSIDE = {"key_unknown": "signature_invalid", "mac_mismatch": "signature_invalid"}
# The header (Host) that the vector leaves out is one that every request has here.
SENT_HERE = {"signed_header_not_sent": "mac_mismatch"}
# What is at other addresses, or is no method of theirs, no signature is asked of.
NEVER_REACHED = {"pretty_printed_body": (404, "page_not_found"), "method_changed": (405, "method_not_allowed")}


@pytest.fixture(scope="module")
def holder(shared_server: Any) -> Any:
    """The server, on which an account of live holds the secrets of the vectors: they are printed, so no call takes them there."""
    shared_server.clock.now_ms = 1_611_438_199_000
    owner, node = shared_server.owner(), shared_server.node
    shared_server.run(node.sealer.ready(owner.scope))
    secrets = {(key_id, text) for case in CASES for key_id, texts in case["inputs"]["keys"].items() for text in texts}
    for number, (key_id, text) in enumerate(sorted(secrets)):
        shared_server.run(node.store.write(one_by_one(insert_record), record_of(node, owner.scope, number, key_id, text)))
    return shared_server


def record_of(node: Any, scope: Scope, number: int, key_id: str, text: str) -> KeyRecord:
    row = f"key_of_vectors_{number}"
    sealed = node.sealer.seal(scope, text.encode(), row=row, column="keys.secret")
    return KeyRecord(key_id=row, scope=scope, purpose="api", label="", created_ms=number, api_key_id=key_id, secret=sealed)


def send(server: Any, inputs: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """The request to the letter: no client spells its target or its headers anew."""
    host = server.url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=20)
    connection.putrequest(inputs["method"], inputs["target"], skip_accept_encoding=True)
    body = inputs["body"].encode()
    for name, value in [*inputs["headers"], ("Content-Type", "application/vnd.api+json"), ("Content-Length", str(len(body)))]:
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    told = json.loads(answer.read())
    connection.close()
    return answer.status, told


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_api_request(case: dict[str, Any], holder: Any) -> None:
    holder.clock.now_ms = case["inputs"]["now"] * 1000
    status, told = send(holder, case["inputs"])
    if case["name"] in NEVER_REACHED:
        assert (status, told["errors"][0]["code"] if "errors" in told else told["code"]) == NEVER_REACHED[case["name"]]
    elif case["expect"] == "valid":
        # Nothing is there: it is known who asks, and that is all that was to be shown.
        assert (status, told.get("errors", [{}])[0].get("code")) in (
            (404, "template_not_found"),
            (404, "session_not_found"),
            (200, None),
        )
    else:
        expected = SENT_HERE.get(case["name"], case["expect"])
        code = OUTSIDE.get(expected, expected)
        assert (status, told["errors"][0]["code"]) == (401, code)
        assert CODES[code].status == 401
        ((audited,),) = holder.rows("SELECT code FROM audit WHERE request_id = ?", told["errors"][0]["id"])
        assert audited == expected
