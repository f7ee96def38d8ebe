"""A secret that a page shows where no door looks for one: in the address, or as the credential of a request.

protocol-flow.md section 12. Browsers say by `Origin` that a page asks; what a door reads (fields, bodies) it looks through itself.
API keys in `Authorization` are left to the API, which tells browsers from backends more strictly (protocol-embed.md section 9).

    await refuse_browser_secret(node, scope)
"""

from urllib.parse import unquote_plus

from accredit.encoding import b64_decode
from accredit.errors import Refused
from accredit.server.asgi import HttpScope
from accredit.server.keyring.changes import Cause
from accredit.server.leak_response import Sighting, answer_exposed
from accredit.server.node import Node

_API_KEYS = ("accredit_live_api_", "accredit_sandbox_api_")
# What a query or a credential has at least if a secret is in it.
_SHORTEST = 32


async def refuse_browser_secret(node: Node, scope: HttpScope) -> None:
    """Revoke what a page shows in the query or as credential of a request. Raises Refused `secret_exposed`."""
    origin, authorization = None, b""
    for name, value in scope["headers"]:
        if name == b"origin":
            origin = value
        elif name == b"authorization":
            authorization = value
    query = scope["query_string"]
    if origin is None or max(len(query), len(authorization)) < _SHORTEST:
        return
    texts = [*unquote_plus(query.decode("latin-1")).split("&"), *_credentials(authorization.decode("latin-1"))]
    seen = Sighting("browser", Cause(node.clock(), request_id=scope["request_id"]))
    if await answer_exposed(node, texts, seen):
        raise Refused("secret_exposed")


def _credentials(authorization: str) -> list[str]:
    """What an `Authorization` shows, also inside HTTP Basic."""
    scheme, _, credential = authorization.partition(" ")
    shown = [credential.strip()]
    if scheme.lower() == "basic":
        try:
            shown = b64_decode(shown[0]).decode("latin-1").split(":")
        except ValueError:
            return []
    return [text for text in shown if not text.startswith(_API_KEYS)]
