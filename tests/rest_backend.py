"""A backend at the rest door: an account with an API client, whose calls carry a token that still holds.

backend = make_backend(owner)                                     # an Owner, of the sandbox
made = backend.create(allowedProviders=["nbid"], **AUTO)          # the session of the answer, opened if it is sealed
visit(made)                                                       # what the person does; the sandbox signs in by itself
backend.get(made["id"])["subject"]
"""

import time
from dataclasses import dataclass, field
from typing import Any

import httpx

import accredit

SESSIONS = "/auth/rest/sessions"
AUTO = {"additionalParameters": {"sandbox_auto": "true"}}
CALLBACKS = {kind: f"https://shop.example/cb?status={kind}" for kind in ("success", "abort", "error")}


@dataclass
class Backend:
    """A caller of one account and environment. keys: what it opens answers with."""

    owner: Any
    client_id: str
    secret: str
    keys: list[accredit.DecryptionKey] = field(default_factory=list)
    _token: str = ""
    _until: float = 0

    @property
    def server(self) -> Any:
        return self.owner.server

    @property
    def now(self) -> float:
        """Seconds, by the server's clock."""
        return self.server.clock.now if hasattr(self.server, "clock") else time.time()

    @property
    def token(self) -> str:
        """An access token that holds now."""
        if self.now >= self._until:
            form = {"grant_type": "client_credentials", "client_id": self.client_id, "client_secret": self.secret}
            answer = self.server.http.post("/auth/open/connect/token", data=form)
            assert answer.status_code == 200, answer.text
            self._token, self._until = answer.json()["access_token"], self.now + 500
        return self._token

    def send(self, method: str, path: str = "", *, url: str | None = None, **given: Any) -> httpx.Response:
        """One call; given: as httpx has it. url: of another node."""
        headers = {"Authorization": f"Bearer {self.token}", **given.pop("headers", {})}
        return self.server.http.request(method, f"{url or self.server.url}{SESSIONS}{path}", headers=headers, **given)

    def post(self, body: dict[str, Any], **headers: str) -> httpx.Response:
        """A create request."""
        return self.send("POST", json=body, headers=headers)

    def create(self, *, status: int = 200, headers: dict[str, str] | None = None, **members: Any) -> dict[str, Any]:
        """A session of flow `redirect` unless another is asked for; of an error the problem."""
        answer = self.post(self.body(**members), **(headers or {}))
        assert answer.status_code == status, answer.text
        return self.read(answer)

    def body(self, **members: Any) -> dict[str, Any]:
        """The body of a create request, with callbacks."""
        return {"flow": "redirect", "requestedAttributes": ["firstName", "nin"], "callbackUrls": CALLBACKS, **members}

    def read(self, answer: httpx.Response) -> dict[str, Any]:
        """What an answer says: opened with our keys if it is sealed."""
        if answer.headers["content-type"] == "application/jose":
            return accredit.open_sealed(answer.text, self.keys)
        return answer.json()

    def get(self, session_id: str, status: int = 200, **query: str) -> dict[str, Any]:
        """The session as GET shows it."""
        answer = self.send("GET", f"/{session_id}", params=query)
        assert answer.status_code == status, answer.text
        return self.read(answer)

    def key(self, **shape: Any) -> dict[str, Any]:
        """A new public key of ours, P-256 by default."""
        made = accredit.generate_encryption_key(**{"alg": "ECDH-ES", **shape})
        self.keys.append(accredit.parse_decryption_key(made.private_jwk))
        return made.public_jwk


def make_backend(owner: Any, **policy: Any) -> Backend:
    """A backend of an owner's account, with an integration of its own if it has a policy."""
    named = {}
    if policy:
        named["integration_id"] = owner.call("POST", "/v1/integrations", 201, {"door": "rest", **policy})["integration_id"]
    client_id = owner.call("POST", "/v1/api_clients", 201, named)["client_id"]
    return Backend(owner, client_id, owner.call("POST", f"/v1/api_clients/{client_id}/secrets", 201, {})["secret"])


def visit(made: dict[str, Any], **headers: str) -> httpx.Response:
    """What a browser does that opens the page, up to the answer that sends it away from us, or shows something."""
    with httpx.Client(headers=headers) as browser:
        answer = browser.get(made["authenticationUrl"])
        while answer.status_code == 303:
            address = answer.url.join(answer.headers["location"])
            if address.host != answer.url.host:
                return answer
            answer = browser.get(address)
        return answer
