"""What providers may read about us as their client: our entity statement, and our keys (protocol-rest.md section 12).

OpenID Federation 1.0 sections 3 and 5.2.1.
"""

import re
from typing import Literal

from accredit.errors import AccreditError, MalformedError, NotFoundError
from accredit.server import headers
from accredit.server.asgi import HttpScope, Receive, Send, send_answer
from accredit.server.node import Node
from accredit.server.problems import problem
from accredit.server.providers.oidc.federation import Document, render_key_set, render_statement
from accredit.server.providers.records import find_by_ref

_REF = re.compile(r"prv_[1-9A-HJ-NP-Za-km-z]{22}")


class _Published:
    """One document of each provider record."""

    _what: Literal["statement", "keys"]

    def __init__(self, node: Node) -> None:
        self._node = node

    async def __call__(self, scope: HttpScope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        request_id = str(scope["request_id"])
        try:
            document = await self._read(scope)
        except AccreditError as error:
            allow = [(b"allow", b"GET, HEAD")] if error.code == "method_not_allowed" else []
            lines = [headers.PROBLEM, *headers.api(request_id), *allow]
            await send_answer(send, error.status, lines, problem(error, request_id, self._node.settings.public_url))
            return
        lines = [(b"content-type", document.media_type.encode("ascii")), *headers.api(request_id)]
        await send_answer(send, 200, lines, document.body)

    async def _read(self, scope: HttpScope) -> Document:
        if scope["method"] not in ("GET", "HEAD"):
            raise MalformedError("method_not_allowed")
        node, ref = self._node, str(scope["path_params"]["provider_ref"])
        record = await node.store.read(find_by_ref, ref) if _REF.fullmatch(ref) else None
        if record is None:
            raise NotFoundError("page_not_found")
        keys = await node.providers.keys_of(record)
        render = render_statement if self._what == "statement" else render_key_set
        document = render(node.settings.public_url, record, keys, node.clock() // 1000)
        if document is None:
            raise NotFoundError("page_not_found")
        return document


class EntityStatement(_Published):
    """`/auth/federation/{provider_ref}/entity-statement`: for a broker of the Finnish trust network, handed over by hand."""

    _what = "statement"


class ProviderKeySet(_Published):
    """`/auth/federation/{provider_ref}/jwks`: our keys as this provider's client."""

    _what = "keys"
