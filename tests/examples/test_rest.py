"""Sites that ask who a visitor is, each in its framework and in one process of its own, with a visitor who goes all the way."""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from accredit import generate_encryption_key

from ..doors.rest.person import Person
from .processes import Running, free_port, running

SITES = Path(__file__).parents[2] / "examples" / "rest"
BINARIES = Path(sys.executable).parent
COMMANDS = {
    "fastapi": [BINARIES / "uvicorn", "app:app", "--port", "PORT"],
    "flask": [BINARIES / "flask", "--app", "app", "run", "--port", "PORT"],
    "django": [sys.executable, "app.py", "runserver", "127.0.0.1:PORT", "--noreload"],
}


@dataclass
class Site:
    """A running site. owner: its customer at the server."""

    process: Running
    server: Any
    owner: Any

    @property
    def url(self) -> str:
        return self.process.url


class Visitor:
    """A person with a browser, at the site and on the pages of Accredit."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.http = httpx.Client(base_url=site.url, timeout=20)
        self.accredit = httpx.Client(base_url=site.server.url)

    def press(self) -> httpx.Response:
        """Press the site's button."""
        page = self.http.get("/").text
        return self.http.post("/start", data=dict(re.findall(r'type="hidden" name="(\w+)" value="(\w+)"', page)))

    def start(self) -> str:
        """The same; where it sends the browser."""
        answer = self.press()
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


@pytest.fixture(scope="module", params=COMMANDS)
def site(request: pytest.FixtureRequest, server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
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
    log = tmp_path_factory.mktemp(request.param) / "site.log"
    with running(COMMANDS[request.param], free_port(), SITES / request.param, environ, log) as process:
        yield Site(process, server, owner)
    assert "no-1" not in process.said


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
    address = f"/v1/api_clients/{client['client_id']}"
    site.owner.call("PATCH", address, 200, {"enabled": False})
    answer = visitor.press()
    assert (answer.status_code, answer.text) == (401, "That did not work (invalid_client).")
    site.owner.call("PATCH", address, 200, {"enabled": True})
