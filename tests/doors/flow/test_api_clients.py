"""Backends of customers against a running server, as Ruby, Node and Python write them (protocol-flow.md section 15, scenario 8)."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CLIENTS = Path(__file__).parents[2] / "interop"
COMMANDS = {
    "ruby": ["ruby", CLIENTS / "ruby" / "flow_client.rb"],
    "node": ["node", CLIENTS / "node" / "flow_client.mjs"],
    "python": [sys.executable, CLIENTS / "python" / "flow_client.py"],
}


@pytest.fixture(params=COMMANDS)
def call(request, backend):
    """Makes calls with one of the clients: call((method, path, body), ..., off=seconds); the status and body of each answer."""
    command = COMMANDS[request.param]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{request.param} is not installed")

    def calls(*wanted, off=0):
        credential = {"url": backend.server.url, "key_id": backend.key_id, "secret": backend.secret}
        given = json.dumps({**credential, "now": backend.now + off, "calls": wanted})
        done = subprocess.run([*map(str, command)], input=given, capture_output=True, text=True, encoding="utf-8", check=False)
        assert done.returncode == 0, done.stderr
        return [(each["status"], each["body"]) for each in json.loads(done.stdout)]

    return calls


def test_creates_reads_and_retries(call, backend):
    reference, template_id = "3a409367-a417-4d46-9a92-3d7bc5dc4605", backend.template_id
    create = {"shareable": True, "template_id": template_id, "user": {"customer_reference": reference}}
    retry = {"customer_reference": reference, "template_id": template_id, "strategy": "reset"}
    (status, made), (listed_status, listed) = call(
        ("POST", "/flow_sessions?idempotent=true", create),
        ("GET", f"/flow_sessions?customer_reference={reference}&tag=%C3%A9", None),
    )
    assert (status, made["customer_reference"], bool(made["shareable_url"])) == (201, reference, True)
    assert (listed_status, listed["flow_sessions"]) == (200, [])
    (read_status, read), (retry_status, again) = call(
        ("GET", f"/flow_sessions/{made['id']}", None), ("POST", "/flow_sessions/retry", retry)
    )
    assert (read_status, read) == (200, made)
    assert (retry_status, again["previous_session_id"]) == (201, made["id"])


def test_a_date_of_899_seconds_passes_and_one_of_900_does_not(call):
    read = ("GET", "/flow_sessions/flwses_1", None)
    for off, expected in ((-899, (404, "session_not_found")), (-900, (401, "date_out_of_range"))):
        ((status, told),) = call(read, off=off)
        assert (status, told["errors"][0]["code"]) == expected
