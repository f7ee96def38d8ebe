"""A service of the owner's that steps are asked of, and a person at a hosted link; both over real HTTP.

service = Service(owner, site)                                # registered with the owner's account
service.says({"status": "success"})                           # what it answers from now on
person = Person(backend, backend.create(shareable=True))      # at the link
backend.get(person.session_id)["status"]
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from accredit import VerifiedEvent, sign_webhook, verify_webhook

from ...site import Reply, Request, Site

_PATIENCE_S = 15


@dataclass
class Service:
    """The service. secrets: those that it verifies with. heard: the call-outs that held, oldest first."""

    owner: Any
    site: Site
    path: str = "/steps"
    members: dict[str, Any] = field(default_factory=dict)
    heard: list[VerifiedEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.record = self.owner.call("POST", "/v1/step_services", 201, {"url": self.site.url(self.path), **self.members})
        self.id, self.secrets = self.record["id"], [self.record["secret"]]
        self.says({"status": "success"})

    def says(self, *answers: dict[str, Any] | int | Callable[[VerifiedEvent], Reply]) -> None:
        """What it answers in turn, the last one for good: a body, a status alone, or what a function makes of the call-out."""
        waiting = list(answers)

        def answer(request: Request) -> Reply:
            self.heard.append(self.verify(request))
            chosen = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            if callable(chosen):
                return chosen(self.heard[-1])
            return Reply(status=chosen) if isinstance(chosen, int) else Reply(json.dumps(chosen).encode())

        self.site.paths[self.path] = answer

    def verify(self, request: Request, **keys: Any) -> VerifiedEvent:
        now = self.owner.server.clock.now
        return verify_webhook(request.body, request.headers, now=now, **(keys or {"secrets": self.secrets}))

    def call(self, number: int = 1) -> dict[str, Any]:
        """The body of the call-out of that number, once it has come."""
        eventually(lambda: len(self.heard) >= number)
        payload = self.heard[number - 1].payload
        assert payload is not None
        return payload

    def post(self, call: Mapping[str, Any], body: Any, **changed: Any) -> httpx.Response:
        """Answer a call-out later. changed: of the signature: event_id, secrets, now."""
        octets = json.dumps(body).encode()
        signing = {"event_id": call["id"], "secrets": self.secrets[:1], "now": self.owner.server.clock.now, **changed}
        return httpx.post(call["callback_url"], content=octets, headers=sign_webhook(octets, **signing))


class Person:
    """Somebody at the hosted link of a session. shown: what the page was told last."""

    def __init__(self, backend: Any, made: Mapping[str, Any]) -> None:
        self._http, self.session_id = backend.server.http, made["id"]
        self._language = {"language": "en"}
        (key,) = parse_qs(urlsplit(made["shareable_url"]).query)["key"]
        answer = self._http.post(f"/verify/{self.session_id}/exchange", json={"key": key, **self._language})
        assert answer.status_code == 200, answer.text
        self.shown: dict[str, Any] = answer.json()
        self._token = self.shown["token"]

    def look(self) -> dict[str, Any]:
        """What a page that waits asks."""
        return self._call("state", {})

    def send(self, **form: str) -> dict[str, Any]:
        """Post the form of the screen that is shown. Dots of field names are written as two underscores."""
        fields = {name.replace("__", "."): text for name, text in form.items()}
        return self._call("submit", {"step": self.shown["step"], "attempt": self.shown["attempt"], "form": fields})

    def _call(self, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._token}"}
        answer = self._http.post(f"/flow/frame/{verb}", json={**body, **self._language}, headers=headers)
        assert answer.status_code == 200, answer.text
        self.shown = answer.json()
        return self.shown


def eventually(holds: Callable[[], Any]) -> Any:
    """What a function returns, once that is true: servers do some things after they have answered."""
    ends_at = time.monotonic() + _PATIENCE_S
    while not (value := holds()):
        assert time.monotonic() < ends_at, "it did not come to that"
        time.sleep(0.01)
    return value
