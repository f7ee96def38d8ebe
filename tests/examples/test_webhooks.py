"""Receivers of webhooks, each in its framework and in one process of its own, that hear what a running server really sends."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from accredit import generate_encryption_key

from ..flow_backend import FlowBackend, make_flow_backend
from ..interop.conftest import NODE, node
from .processes import Running, free_port, running

__all__ = ["node"]

RECEIVERS = Path(__file__).parents[2] / "examples" / "webhooks"
BINARIES = Path(sys.executable).parent
ENDPOINTS = "/v1/webhook_endpoints"
COMMANDS = {
    "fastapi": [BINARIES / "uvicorn", "app:app", "--port", "PORT"],
    "flask": [BINARIES / "flask", "--app", "app", "run", "--port", "PORT"],
    "django": [sys.executable, "app.py", "runserver", "127.0.0.1:PORT", "--noreload"],
    "express": ["node", "app.mjs", "PORT"],
}
PATIENCE_S = 60


def eventually(holds: Callable[[], Any]) -> Any:
    """What a function returns, once that is true: deliveries come after the answer that began them."""
    until = time.monotonic() + PATIENCE_S
    while not (value := holds()):
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.02)
    return value


@dataclass
class Receiver:
    """A running receiver. plain, sealed: its endpoints, each told of one integration's sessions."""

    process: Running
    owner: Any
    integrations: dict[str, Any]
    plain: dict[str, Any]
    sealed: dict[str, Any]

    def probe(self, endpoint: dict[str, Any]) -> dict[str, Any]:
        """What each request of a probe was answered."""
        probe = self.owner.call("POST", f"{ENDPOINTS}/{endpoint['id']}/probe")
        return {each["probe"]: each["status"] for each in probe["results"]} | {"passed": probe["passed"]}

    def delivered(self, endpoint: dict[str, Any]) -> list[Any]:
        """The deliveries that succeeded, newest first."""
        return self.owner.call("GET", f"{ENDPOINTS}/{endpoint['id']}/deliveries?status=succeeded")["deliveries"]


def place(name: str, directory: Path) -> Path:
    """Where a receiver runs: those of Node have their packages beside them."""
    if name != "express":
        return RECEIVERS / name
    (directory / "node_modules").symlink_to(NODE / "node_modules")
    (directory / "app.mjs").write_bytes((RECEIVERS / name / "app.mjs").read_bytes())
    return directory


@pytest.fixture(scope="module", params=COMMANDS)
def receiver(request: pytest.FixtureRequest, server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """A receiver in each framework in turn, at two endpoints."""
    if request.param == "express":
        request.getfixturevalue("node")
    owner, port, directory = server.owner(environment="sandbox"), free_port(), tmp_path_factory.mktemp(request.param)
    pair = generate_encryption_key("ECDH-ES")
    shapes: dict[str, dict[str, Any]] = {
        "plain": {},
        "sealed": {"payload": "full", "encryption_public_key": pair.public_jwk},
    }
    integrations = {name: owner.integration() for name in shapes}
    endpoints = {}
    for name, members in shapes.items():
        body = {"url": f"http://127.0.0.1:{port}/hooks", "integrations": [integrations[name]["integration_id"]], **members}
        endpoints[name] = owner.call("POST", ENDPOINTS, 201, body)
    environ = {
        "ACCREDIT_URL": server.url,
        "ACCREDIT_API_KEY": owner.secret,
        "HEARD": str(directory / "heard.sqlite"),
        "PYTHONUNBUFFERED": "1",
        "WEBHOOK_KEY": json.dumps(pair.private_jwk),
        "WEBHOOK_SECRETS": " ".join(each["secret"] for each in endpoints.values()),
    }
    log = directory / "receiver.log"
    with running(COMMANDS[request.param], port, place(request.param, directory), environ, log) as process:
        yield Receiver(process, owner, integrations, **endpoints)
    assert "Traceback" not in process.said


PASSED = {"genuine": 204, "unsigned": 401, "wrong_key": 401, "body_swapped": 401, "stale": 401, "passed": True}


@pytest.mark.parametrize("name", ["plain", "sealed"])
def test_what_is_genuine_is_taken_and_nothing_else(receiver: Receiver, name: str) -> None:
    assert receiver.probe(getattr(receiver, name)) == PASSED


@pytest.mark.parametrize("name", ["plain", "sealed"])
def test_a_session_is_asked_for_once_it_is_heard_of(receiver: Receiver, name: str) -> None:
    owner, endpoint = receiver.owner, getattr(receiver, name)
    session_id = owner.visit(receiver.integrations[name])["session_id"]
    owner.call("POST", f"/v1/sessions/{session_id}/end", 200, {"outcome": "success"})
    heard = eventually(lambda: len(found := receiver.delivered(endpoint)) == 3 and found)
    eventually(lambda: receiver.process.said.count(f"session {session_id}") == len(heard))
    assert f"session {session_id} success\n" in receiver.process.said
    # What comes again is taken, and dropped.
    for each in heard:
        owner.call("POST", f"{ENDPOINTS}/{endpoint['id']}/replay", 202, {"event_id": each["event_id"]})
    eventually(lambda: len(receiver.delivered(endpoint)) == 2 * len(heard))
    later = owner.visit(receiver.integrations[name])["session_id"]
    eventually(lambda: f"session {later}" in receiver.process.said)
    assert receiver.process.said.count(f"session {session_id}") == len(heard)


@dataclass
class FlowReceiver:
    """A receiver of the original's kind, and the backend whose API key it has."""

    process: Running
    backend: FlowBackend
    endpoint: str


@pytest.fixture(scope="module")
def flow_receiver(server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowReceiver]:
    """The receiver without packages; its address has a query, which is signed."""
    backend, port = make_flow_backend(server.owner(environment="sandbox")), free_port()
    members = {"kind": "flow", "api_key_id": backend.key_id, "url": f"http://127.0.0.1:{port}/webhook_receivers/flow?shop=1"}
    endpoint = backend.owner.call("POST", ENDPOINTS, 201, members)
    environ = {"ACCREDIT_URL": server.url, "ACCREDIT_KEY_ID": backend.key_id, "ACCREDIT_KEY_SECRET": backend.secret}
    log = tmp_path_factory.mktemp("node") / "receiver.log"
    with running(["node", "flow.mjs", "PORT"], port, RECEIVERS / "node", environ, log) as process:
        yield FlowReceiver(process, backend, f"{ENDPOINTS}/{endpoint['id']}")


def test_the_original_s_header_is_enough(flow_receiver: FlowReceiver) -> None:
    probe = flow_receiver.backend.owner.call("POST", f"{flow_receiver.endpoint}/probe")
    assert {each["probe"]: each["status"] for each in probe["results"]} | {"passed": probe["passed"]} == PASSED | {
        "genuine": 200
    }


def test_a_flow_session_is_asked_for_once_it_is_heard_of(flow_receiver: FlowReceiver) -> None:
    backend = flow_receiver.backend
    made = backend.create("user-1")
    backend.call("POST", f"/{made['id']}/cancel")
    eventually(lambda: f"session {made['id']} canceled\n" in flow_receiver.process.said)


def test_the_guide_shows_the_file() -> None:
    guide = Path(__file__).parents[2] / "docs" / "guide" / "webhooks.md"
    shown = guide.read_text(encoding="utf-8").partition("<!-- file: app.py -->\n```python\n")[2].partition("```")[0]
    assert shown == (RECEIVERS / "fastapi" / "app.py").read_text(encoding="utf-8")
