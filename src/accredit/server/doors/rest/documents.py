"""What anybody may read about the server: its public keys, and how to get a token.

RFC 7517 section 5, RFC 8414; protocol-rest.md section 2.
"""

from typing import Any

import msgspec

from accredit.errors import MalformedError
from accredit.sealing import ENCRYPTIONS, REQUEST_ALGORITHMS, SERVER_ALGORITHMS
from accredit.sealing.algorithms import ENCRYPTION_ALGORITHMS
from accredit.server import headers
from accredit.server.asgi import HttpScope, Receive, Send, send_answer
from accredit.server.keyring.api_clients import SCOPES
from accredit.server.node import Node
from accredit.server.problems import problem

_SHORTLY = (b"cache-control", b"public, max-age=300")


class _Document:
    """One JSON document at one address."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def __call__(self, scope: HttpScope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        request_id = str(scope["request_id"])
        if scope["method"] not in ("GET", "HEAD"):
            error = MalformedError("method_not_allowed")
            lines = [headers.PROBLEM, *headers.api(request_id), (b"allow", b"GET, HEAD")]
            await send_answer(send, error.status, lines, problem(error, request_id, self._node.settings.public_url))
            return
        # Below `/auth` nothing is kept.
        kept = headers.NO_STORE if scope["raw_path"].startswith(b"/auth/") else _SHORTLY
        lines = [headers.JSON, (b"x-request-id", request_id.encode("ascii")), kept, headers.NO_SNIFF]
        await send_answer(send, 200, lines, msgspec.json.encode(await self._read()))

    async def _read(self) -> dict[str, Any]:
        raise NotImplementedError


class KeySetDocument(_Document):
    """`/.well-known/jwks.json`: our keys that sign, those to seal requests to, and those of each account that sign its webhooks."""

    async def _read(self) -> dict[str, Any]:
        node, now_ms = self._node, self._node.clock()
        ring, of_webhooks = await node.server_keys.ring(now_ms), await node.webhook_keys.published(now_ms)
        return {"keys": [*ring.published, *of_webhooks]}


class DiscoveryDocument(_Document):
    """`/auth/open/.well-known/openid-configuration`, and the same as authorisation server metadata."""

    async def _read(self) -> dict[str, Any]:
        base = self._node.settings.public_url
        return {
            "issuer": f"{base}/auth/open",
            "token_endpoint": f"{base}/auth/open/connect/token",
            "jwks_uri": f"{base}/.well-known/jwks.json",
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "scopes_supported": list(SCOPES),
            "accredit_answer_alg_values_supported": list(ENCRYPTION_ALGORITHMS),
            "accredit_answer_enc_values_supported": list(ENCRYPTIONS),
            "accredit_answer_signing_alg_values_supported": list(SERVER_ALGORITHMS),
            "accredit_request_alg_values_supported": list(REQUEST_ALGORITHMS),
            "accredit_request_enc_values_supported": list(ENCRYPTIONS),
        }
