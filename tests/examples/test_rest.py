"""Sites that ask who a visitor is, each in its framework and a process of its own, with a visitor who goes all the way."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from accredit import generate_encryption_key

from ..doors.rest.person import Person

SITES = Path(__file__).parents[2] / "examples" / "rest"
BINARIES = Path(sys.executable).parent
COMMANDS = {
    "fastapi": [BINARIES / "uvicorn", "app:app", "--port", "PORT"],
    "flask": [BINARIES / "flask", "--app", "app", "run", "--port", "PORT"],
    "django": [sys.executable, "app.py", "runserver", "127.0.0.1:PORT", "--noreload"],
}


@dataclass
class Site:
    """A running site. log: what it wrote on both outputs."""

    url: str
    server: Any
    owner: Any
    log: Path


class Visitor:
    """A person with a browser, at the site and on the pages of Accredit."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.http = httpx.Client(base_url=site.url, timeout=20)
        self.accredit = httpx.Client(base_url=site.server.url)

    def start(self) -> str:
        """Press the site's button; where it sends the browser."""
        page = self.http.get("/").text
        answer = self.http.post("/start", data=dict(re.findall(r'type="hidden" name="(\w+)" value="(\w+)"', page)))
        assert answer.status_code in (302, 303), answer.text
        return answer.headers["location"]

    def identify(self, address: str, **chosen: str) -> str:
        """Go through the pages of Accredit; where they send the browser."""
        person = Person(self.accredit)
        person.open({"authenticationUrl": address})
        person.press("Norwegian BankID")
        return person.press("Continue", **{"person": "no-1", **chosen}).headers["location"]

    def come_back(self, address: str) -> str:
        """What the site shows after the callback."""
        return self.http.get(address, follow_redirects=True).text

    def close(self) -> None:
        self.http.close()
        self.accredit.close()


@pytest.fixture(params=COMMANDS)
def site(request: pytest.FixtureRequest, server: Any, tmp_path: Path) -> Iterator[Site]:
    """A site in each framework in turn, of a customer whose policy ties the callback to the browser."""
    owner = server.owner(environment="sandbox")
    policy = {"door": "rest", "session_nonce": "always", "protection": "jwe"}
    integration_id = owner.call("POST", "/v1/integrations", 201, policy)["integration_id"]
    client_id = owner.call("POST", "/v1/api_clients", 201, {"integration_id": integration_id})["client_id"]
    environ = {
        "ACCREDIT_URL": server.url,
        "ACCREDIT_CLIENT_ID": client_id,
        "ACCREDIT_CLIENT_SECRET": owner.call("POST", f"/v1/api_clients/{client_id}/secrets", 201, {})["secret"],
        "ANSWERS_KEY": json.dumps(generate_encryption_key("ECDH-ES").private_jwk),
        "SITE_SECRET": "only-for-this-test-" * 3,
    }
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
    command = [str(part).replace("PORT", port) for part in COMMANDS[request.param]]
    running = Site(f"http://127.0.0.1:{port}", server, owner, tmp_path / "site.log")
    with running.log.open("w") as log:
        directory = SITES / request.param
        process = subprocess.Popen(command, cwd=directory, env={**os.environ, **environ}, stdout=log, stderr=log)
        try:
            await_site(running, process)
            yield running
        finally:
            process.terminate()
            process.wait(20)
    assert "no-1" not in running.log.read_text()


def await_site(site: Site, process: "subprocess.Popen[bytes]") -> None:
    """Wait until it answers."""
    for _ in range(300):
        assert process.poll() is None, site.log.read_text()
        try:
            httpx.get(site.url)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"the site does not answer:\n{site.log.read_text()}")


@pytest.fixture
def visitors(site: Site) -> Iterator[list[Visitor]]:
    """Two people with a browser each."""
    made = [Visitor(site), Visitor(site)]
    yield made
    for each in made:
        each.close()


def test_a_visitor_is_known_by_name(site: Site, visitors: list[Visitor]) -> None:
    visitor, stranger = visitors
    assert "Identify yourself" in visitor.http.get("/").text
    back = visitor.identify(visitor.start())
    assert back.startswith(f"{site.url}/back?sessionId=")
    assert visitor.come_back(back) == "Hello, Åse Synnøve Ødegård."
    assert visitor.http.get("/").text == "Hello, Åse Synnøve Ødegård."
    assert "Identify yourself" in stranger.http.get("/").text


def test_who_gives_up_stays_unknown(site: Site, visitors: list[Visitor]) -> None:
    visitor, _ = visitors
    back = visitor.identify(visitor.start(), outcome="provider_aborted")
    assert "Identify yourself" in visitor.come_back(back)
    assert visitor.identify(visitor.start()) != back


def test_a_callback_of_somebody_else_tells_nothing(site: Site, visitors: list[Visitor]) -> None:
    """Neither one that was never started here, nor one that is copied into another browser."""
    visitor, stranger = visitors
    back = visitor.identify(visitor.start())
    assert "Identify yourself" in stranger.come_back(back)
    stranger.start()
    assert "Identify yourself" in stranger.come_back(back)


def test_who_sent_a_link_to_another_does_not_become_that_person(site: Site, visitors: list[Visitor]) -> None:
    """The other identified herself; the sender's browser has not the nonce that hers was told."""
    sender, victim = visitors
    back = victim.identify(sender.start())
    without_nonce = back.partition("&sessionNonce=")[0]
    refused = sender.http.get(without_nonce)
    assert (refused.status_code, refused.text) == (403, "That did not work (invalid_session_nonce).")
    assert "Identify yourself" in sender.http.get("/").text
    assert "Identify yourself" in victim.come_back(back)


def test_a_refusal_of_the_server_is_told(site: Site, visitors: list[Visitor]) -> None:
    visitor, _ = visitors
    (client,) = site.owner.call("GET", "/v1/api_clients")["api_clients"]
    site.owner.call("PATCH", f"/v1/api_clients/{client['client_id']}", 200, {"enabled": False})
    page = visitor.http.get("/").text
    answer = visitor.http.post("/start", data=dict(re.findall(r'type="hidden" name="(\w+)" value="(\w+)"', page)))
    assert (answer.status_code, answer.text) == (401, "That did not work (invalid_client).")
