"""Who calls: `Authorization: Bearer` with an API key, or with the access token of an API client (RFC 6750 section 2.1).

A key that a browser sends is no secret any more. A valid key beside `Origin` and `Sec-Fetch-Site`, which only browsers set and no
script can, is revoked at once (protocol-embed.md section 9). A token opens the API of its client's own account if it has the scope
`accredit` and its client the permission `api` (protocol-rest.md section 3); no other account's grant reaches further than the rest
door.
"""

from collections.abc import Mapping

from accredit.errors import Refused
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.keyring import ApiKey
from accredit.server.keyring.leaks import Leak, exposed_secret
from accredit.server.leak_response import answer_leak
from accredit.server.node import Node


async def authenticate(node: Node, sent: Mapping[bytes, bytes], request_id: str, now_ms: int) -> ApiKey:
    """The API key of a call, or what stands for one, with the data keys of its scope ready for use.

    Raises Refused: `invalid_token`, `secret_exposed`; for an access token `permission_denied`, `browser_not_allowed`.
    """
    scheme, _, credential = sent.get(b"authorization", b"").partition(b" ")
    if scheme.lower() != b"bearer":
        raise Refused("invalid_token")
    # Neither our secrets nor any other credential has a dot.
    if b"." in credential:
        caller = await node.callers.authenticate_for_api(sent, now_ms)
        await node.sealer.ready(caller.scope)
        return ApiKey(caller.client_id, caller.scope)
    secret_text = credential.strip().decode("latin-1")
    api_key = await node.keyring.authenticate(secret_text, now_ms)
    if b"origin" in sent and b"sec-fetch-site" in sent:
        await answer_leak(node, Leak(exposed_secret(secret_text), "browser", Cause(now_ms, request_id=request_id)))
        raise Refused("secret_exposed")
    await node.sealer.ready(api_key.scope)
    node.keyring.note_use(api_key.key_id, now_ms)
    return api_key
