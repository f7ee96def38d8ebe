"""A backend at the rest door, as it is set up before anything is measured, and its requests.

Its body is that of the published design; with a key it has an RSA-2048 public key beside it. Sessions that are to be finished are
headless, at a provider of the sandbox that says yes at once.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from accredit import generate_encryption_key
from accredit.encoding import Json
from accredit.server.integrations.publishing import Publication, create_integration
from accredit.server.keyring.api_clients import ApiClient, create_api_client
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.scope import Scope
from accredit.server.node import Node

SESSIONS = "/auth/rest/sessions"
_CLIENT_ID, _INTEGRATION_ID, _TOKEN_LIFETIME_S = "checks-backend", "checks", 3600
_CALLBACK = "https://shop.example/back?status="
_BODY: dict[str, Json] = {
    "flow": "redirect",
    "allowedProviders": ["nbid"],
    "requestedAttributes": ["firstName", "lastName", "dateOfBirth", "nin"],
    "callbackUrls": {kind: f"{_CALLBACK}{kind}" for kind in ("success", "abort", "error")},
    "externalReference": "order-20418",
}
_AT_ONCE: dict[str, Json] = {"flow": "headless", "additionalParameters": {"sandbox_after": "0"}}


@dataclass(frozen=True, slots=True)
class Asking:
    """What the backend has. token: good for an hour. jwks: of the server, which signed it. issuer, audience: that it names."""

    token: str = field(repr=False)
    jwks: dict[str, Any]
    issuer: str
    audience: str
    private_jwk: dict[str, Any] = field(repr=False)
    public_jwk: dict[str, Any]

    def create(self, *, sealed: bool, finishing: bool = False) -> bytes:
        """The request that opens a session; its query tells the plain handler which answer is asked for, and nobody else anything.

        finishing: a session that ends as soon as it is read, a second later.
        """
        key = {"encryptionPublicKey": self.public_jwk} if sealed else {}
        path = f"{SESSIONS}?{'sealed' if sealed else 'plain'}"
        return self._request("POST", path, json.dumps(_BODY | (_AT_ONCE if finishing else {}) | key))

    def read(self, session_id: str) -> bytes:
        """The request that reads one."""
        return self._request("GET", f"{SESSIONS}/{session_id}")

    def finish(self, session_id: str) -> bytes:
        """The request by which a session of the peer ends."""
        return self._request("POST", f"{SESSIONS}/{session_id}/finish", "{}")

    def _request(self, method: str, path: str, body: str = "") -> bytes:
        lines = f"Authorization: Bearer {self.token}\r\nAccept: application/json\r\nUser-Agent: python-httpx/0.28.1\r\n" + (
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
        )
        return f"{method} {path} HTTP/1.1\r\nHost: id.owner.example\r\n{lines}\r\n{body}".encode()


async def set_up_asking(node: Node, account_id: str, cause: Cause) -> Asking:
    """An integration at its defaults in the account's sandbox, a client of it, and a token of that."""
    scope = Scope(account_id, "sandbox")
    publication = Publication(_INTEGRATION_ID, scope, {}, cause.at_ms, "bench", "rest")
    await create_integration(node.store, publication)
    wanted = ApiClient(
        client_id=_CLIENT_ID,
        scope=scope,
        name="Checks",
        integration_id=_INTEGRATION_ID,
        token_lifetime_s=_TOKEN_LIFETIME_S,
    )
    client = await create_api_client(node.store, wanted, cause)
    token = await node.callers.issue_token(client, client.scopes, cause.at_ms)
    jwks = (await node.server_keys.ring(cause.at_ms)).jwks
    url, key = node.settings.public_url, generate_encryption_key()
    return Asking(token, jwks, f"{url}/auth/open", url, key.private_jwk, key.public_jwk)
