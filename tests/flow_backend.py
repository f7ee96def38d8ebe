"""A backend at the flow door: an account with an API credential and a template, whose calls are signed.

backend = make_flow_backend(owner, steps=[...])                   # an Owner of tests/doors, of the sandbox
made = backend.create("user-1", shareable=True)                   # the session object of a 201
backend.get(made["id"])["status"]                                 # "active"
"""

import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from accredit import sign_request, sign_request_v2

SESSIONS = "/flow_sessions"
MEDIA_TYPE = "application/vnd.api+json"
TERMS = [{"step": "accept_tos"}]


@dataclass
class FlowBackend:
    """A caller of one account and environment. template_id: of the template that its calls name."""

    owner: Any
    key_id: str
    secret: str
    template_id: str
    _signed: Iterator[int] = field(default_factory=itertools.count)

    @property
    def server(self) -> Any:
        return self.owner.server

    @property
    def now(self) -> int:
        """Seconds, by the server's clock."""
        return self.server.clock.now if hasattr(self.server, "clock") else int(time.time())

    def sign(self, method: str, target: str, body: bytes = b"", *, now: int | None = None, **given: Any) -> dict[str, str]:
        """The headers of a signed call. Each is dated another second, since the same call of one second is one request."""
        dated = self.now - next(self._signed) % 600 if now is None else now
        signed = sign_request(method, target, body, **{"key_id": self.key_id, "secret": self.secret, **given}, now=dated)
        return {**signed, **({"Content-Type": MEDIA_TYPE} if body else {})}

    def sign_v2(self, method: str, target_uri: str, body: bytes = b"", *, now: int | None = None) -> dict[str, str]:
        """The same by RFC 9421."""
        dated = self.now - next(self._signed) % 250 if now is None else now
        signed = sign_request_v2(method, target_uri, body, key_id=self.key_id, secret=self.secret, now=dated)
        return {**signed, **({"Content-Type": MEDIA_TYPE} if body else {})}

    def send(
        self, method: str, path: str = "", body: Any = None, *, headers: dict[str, str] | None = None, http: Any = None
    ) -> httpx.Response:
        """One call. path: behind `/flow_sessions`, with its query. headers: beside those of the signature. http: of another node."""
        content = b"" if body is None else json.dumps(body).encode()
        signed = self.sign(method, f"{SESSIONS}{path}", content)
        client: httpx.Client = http or self.server.http
        return client.request(method, f"{SESSIONS}{path}", content=content, headers={**signed, **(headers or {})})

    def call(self, method: str, path: str, status: int = 200, body: Any = None, **headers: str) -> Any:
        """One call that must end in that status; the JSON of its answer."""
        answer = self.send(method, path, body, headers={name.replace("_", "-"): text for name, text in headers.items()})
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == MEDIA_TYPE
        return answer.json()

    def body(self, reference: Any = "user-1", **members: Any) -> dict[str, Any]:
        """The body of a create. user: members beside the reference."""
        user = {"customer_reference": reference, **members.pop("user", {})}
        return {"template_id": self.template_id, "user": user, **members}

    def create(self, reference: Any = "user-1", *, status: int = 201, query: str = "", **members: Any) -> Any:
        """A session for a customer."""
        return self.call("POST", query, status, self.body(reference, **members))

    def get(self, session_id: str, status: int = 200) -> Any:
        """The session as it is now."""
        return self.call("GET", f"/{session_id}", status)

    def retry(self, reference: str = "user-1", strategy: str = "reset", *, status: int = 201, **members: Any) -> Any:
        """Another session for a customer."""
        body = {"template_id": self.template_id, "customer_reference": reference, "strategy": strategy, **members}
        return self.call("POST", "/retry", status, body)


def errors(answer: httpx.Response | dict[str, Any]) -> list[tuple[str, str | None]]:
    """What an answer tells of: each code with the pointer, header or parameter at fault."""
    told = answer if isinstance(answer, dict) else answer.json()
    return [(each["code"], next(iter(each.get("source", {}).values()), None)) for each in told["errors"]]


def make_flow_backend(owner: Any, **policy: Any) -> FlowBackend:
    """A backend of an owner's account with a template of its own, of one step by default."""
    template = owner.call("POST", "/v1/integrations", 201, {"door": "flow", "steps": TERMS, **policy})
    made = owner.call("POST", "/v1/api_credentials", 201, {})
    return FlowBackend(owner, made["api_key_id"], made["secret"], template["integration_id"])
