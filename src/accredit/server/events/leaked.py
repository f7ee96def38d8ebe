"""Webhooks after a leak: what was lost signs no more, and receivers go on (protocol-webhooks.md section 12).

An endpoint whose secret leaked signs with a new one at once, which its owner fetches by a rotation; the account's Ed25519 key goes
on. An endpoint that signs with an API key goes on with the standby, and without one is disabled until it is given another key.

    told = await go_on_without(node, revoked, cause)     # sentences for the letter to the owners
"""

from collections.abc import Sequence
from dataclasses import dataclass

from accredit.server.events.disabling import disable
from accredit.server.events.records import find_endpoint, list_endpoints
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.records import KeyRecord
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.webhook_keys import find_api_key_ids
from accredit.server.node import Node
from accredit.server.store import Transaction, one_by_one


@dataclass(frozen=True, slots=True)
class _Lost:
    scope: Scope
    api_key_id: str
    cause: Cause


async def go_on_without(node: Node, revoked: Sequence[KeyRecord], cause: Cause) -> list[str]:
    """Give endpoints whose secret was revoked a new one, and disable those without any key; what their owners are to know."""
    of_webhooks = [record for record in revoked if record.purpose == "webhook"]
    told: list[str] = []
    for scope, endpoint_id in dict.fromkeys((each.scope, each.endpoint_id) for each in of_webhooks if each.endpoint_id):
        if await node.store.read(find_endpoint, (scope, str(endpoint_id))) is not None:
            await node.webhook_keys.endpoint_secrets(scope, str(endpoint_id), cause.at_ms)
            told.append(
                f"Endpoint {endpoint_id} is signed for with a new secret. Get one for its receiver:"
                f" accredit webhooks rotate-secret {endpoint_id}"
            )
    for scope, api_key_id in dict.fromkeys((each.scope, each.api_key_id) for each in of_webhooks if each.api_key_id):
        for endpoint_id in await node.store.write(_disable_keyless, _Lost(scope, str(api_key_id), cause)):
            told.append(f"Endpoint {endpoint_id} is disabled until it is given another API key.")
    return told


@one_by_one
def _disable_keyless(tx: Transaction, item: _Lost) -> list[str]:
    """Change: disable the endpoints that sign with an API key which has no live secret; their ids."""
    if find_api_key_ids(tx, item.scope, item.cause.at_ms, item.api_key_id):
        return []
    signing = [each for each in list_endpoints(tx, item.scope) if each.members.api_key_id == item.api_key_id]
    return [each.endpoint_id for each in signing if disable(tx, each.endpoint_id, "key_revoked", item.cause) is not None]
