"""The headers of one attempt, made anew for each (protocol-webhooks.md section 5).

signer = await node.signers.find(endpoint, now_ms)
signed = headers_of(endpoint, signer, event_id, body, now_ms=now_ms, number=3, of=10, last=attempt)
signed.headers["webhook-signature"]
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from accredit import __version__
from accredit.server.events.bodies import media_type
from accredit.server.events.records import Attempt, Endpoint
from accredit.server.keyring.flow_keys import LiveSecret
from accredit.server.keyring.keyring import Keyring
from accredit.server.keyring.webhook_keys import AccountKey, WebhookKeys
from accredit.server.outbound.addresses import request_target
from accredit.webhooks import sign_flow_webhook, sign_webhook

# Answers to an attempt after which the other of two secrets signs `Authorization`.
_REFUSED = (400, 401, 403)


@dataclass(frozen=True, slots=True)
class Signer:
    """What signs for one endpoint at one time. secrets, authorization: oldest first. keys: newest first.

    key_id: what `Authorization` calls its key. authorization is empty for kind `accredit`, and where the API key of an endpoint has
    no live secret any more: then nothing may be sent, and `key_revoked` is why the endpoint is to be disabled. secrets are empty only
    for an endpoint that was deleted.
    """

    secrets: tuple[LiveSecret, ...]
    keys: tuple[AccountKey, ...]
    authorization: tuple[LiveSecret, ...] = ()
    key_id: str = ""

    def may_sign_for(self, endpoint: Endpoint) -> bool:
        """Whether there is a key for everything that the endpoint's kind asks for."""
        return bool(self.secrets) and (endpoint.kind != "flow" or bool(self.authorization))


@dataclass(frozen=True, slots=True)
class SignedHeaders:
    """key_ids: of the key records that signed. authorization_key_id: of the one that signed `Authorization`, None without it."""

    headers: dict[str, str] = field(repr=False)
    key_ids: tuple[str, ...]
    authorization_key_id: str | None


class Signers:
    """Finds what signs for an endpoint."""

    def __init__(self, keyring: Keyring, webhook_keys: WebhookKeys) -> None:
        self._keyring = keyring
        self._webhook_keys = webhook_keys

    async def find(self, endpoint: Endpoint, now_ms: int) -> Signer:
        """What signs now. Raises FailureError `service_unavailable`, `root_key_missing`, `sealed_damaged`."""
        scope = endpoint.scope
        secrets = await self._webhook_keys.endpoint_secrets(scope, endpoint.endpoint_id, now_ms)
        keys = (await self._webhook_keys.ring(scope, now_ms)).signing(now_ms)
        if endpoint.kind != "flow":
            return Signer(secrets, keys)
        if endpoint.members.signing == "endpoint":
            return Signer(secrets, keys, secrets, endpoint.endpoint_id)
        key_id = endpoint.members.api_key_id or ""
        return Signer(secrets, keys, await self._keyring.webhook_secrets(scope, key_id, now_ms), key_id)


def headers_of(
    endpoint: Endpoint,
    signer: Signer,
    event_id: str,
    body: bytes,
    *,
    now_ms: int,
    number: int = 1,
    of: int = 1,
    last: Attempt | None = None,
) -> SignedHeaders:
    """All headers of an attempt but those of HTTP itself.

    event_id: as `event_id_of` says. body: the octets that are sent. number, of: which attempt of how many. last: the attempt before
    this one, of the same delivery. The signer may sign for the endpoint.
    """
    newest_first = signer.secrets[::-1]
    headers = {
        **sign_webhook(
            body,
            event_id=event_id,
            secrets=[secret.text for secret in newest_first],
            private_keys=[key.private for key in signer.keys],
            now=now_ms // 1000,
        ),
        "content-type": media_type(body),
        "accept": "application/json",
        "accredit-attempt": f"{number}/{of}",
        "user-agent": f"Accredit-Webhooks/{__version__}",
    }
    key_ids = (*(secret.record_id for secret in newest_first), *(key.key_id for key in signer.keys))
    if endpoint.kind != "flow":
        return SignedHeaders(headers, key_ids, None)
    chosen = _choose(signer.authorization, endpoint.answered_key_id, last)
    target = request_target(endpoint.members.url)
    headers |= sign_flow_webhook(body, target=target, key_id=signer.key_id, secret=chosen.text, now=now_ms // 1000)
    return SignedHeaders(headers, (*dict.fromkeys((*key_ids, chosen.record_id)),), chosen.record_id)


def _choose(live: Sequence[LiveSecret], answered_key_id: str | None, last: Attempt | None) -> LiveSecret:
    """The secret that signs `Authorization`: the one that was answered with 2xx last, else the oldest; after a refusal the next."""
    ids = [secret.record_id for secret in live]
    if last is not None and last.status in _REFUSED and last.authorization_key_id in ids:
        return live[(ids.index(last.authorization_key_id) + 1) % len(live)]
    return live[ids.index(answered_key_id)] if answered_key_id in ids else live[0]
