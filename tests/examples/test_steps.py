"""The sample service of steps as a process of its own: asked by a running server, answering at once and later."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from accredit import sign_webhook

from ..doors.flow.service import Person, eventually
from ..flow_backend import make_flow_backend
from .processes import free_port

SERVICE = Path(__file__).parents[2] / "examples" / "steps" / "service.py"


@pytest.fixture(scope="module")
def backend(server):
    """A backend whose server may call this machine."""
    return make_flow_backend(server.owner(environment="sandbox"))


@pytest.fixture(scope="module")
def service(backend):
    """The sample as it runs, and what the account calls it."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    made = backend.owner.call("POST", "/v1/step_services", 201, {"url": f"{url}/steps"})
    environ = {**os.environ, "STEP_SECRET": made["secret"]}
    process = subprocess.Popen([sys.executable, SERVICE, str(port)], env=environ, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == f"listens on {url}\n"
        yield {**made, "base": url}
    finally:
        process.terminate()
        process.communicate(timeout=10)


def visit(backend, service, **members):
    rules = [
        {"step": "kyc_check", "fields": ["name"], "service": service["id"], "simulate": False},
        {"step": "documentary_verification", "service": service["id"], "simulate": False},
    ]
    template = backend.owner.call("POST", "/v1/integrations", 201, {"door": "flow", "steps": rules})
    backend.template_id = template["integration_id"]
    return Person(backend, backend.create(shareable=True, **members))


def test_a_person_is_checked_goes_to_the_service_and_comes_back(backend, service):
    person = visit(backend, service)
    person.send(name__first="Leslie", name__last="Knope")
    page = f"{service['base'].replace('127.0.0.1', 'localhost')}/documents/"
    html = eventually(lambda: page in (html := person.look()["html"]) and html)
    address = page + html.split(page)[1].split('"')[0]
    assert "My document is in order" in httpx.get(address).text
    back = httpx.post(address)
    assert (back.status_code, back.headers["location"]) == (303, f"{backend.server.url}/verify/{person.session_id}")
    found = backend.get(person.session_id)
    assert (found["status"], found["kyc_check"]["name"]) == ("success", {"summary": "match"})


def test_a_person_whom_the_service_does_not_know(backend, service):
    person = visit(backend, service, user={"name": {"first": "A", "last": "Nobody"}})
    found = eventually(lambda: (got := backend.get(person.session_id))["status"] != "active" and got)
    assert (found["status"], found["kyc_check"]["name"]) == ("failed", {"summary": "no_data"})


def test_the_service_answers_nobody_else(backend, service):
    body = b'{"id":"cal_1","step":"kyc_check","input":{}}'
    right = sign_webhook(body, event_id="cal_1", secrets=[service["secret"]], now=backend.server.clock() // 1000)
    for headers in ({}, {**right, "webhook-timestamp": "1"}, {**right, "webhook-signature": "v1,AAAA"}):
        assert httpx.post(f"{service['base']}/steps", content=body, headers=headers).status_code == 401
    assert httpx.get(f"{service['base']}/documents/cal_1").status_code == 404
