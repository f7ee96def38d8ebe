"""The sender's side: signing a webhook, in either form, and sealing its body.

Standard Webhooks 1.0.0; protocol-webhooks.md sections 4 and 5. Everything is made anew for every attempt, with its own time.
Signatures cover the octets that are sent: what is sealed is sealed first.

    body = seal_event(event, parse_encryption_key(receiver_jwk))
    headers = sign_webhook(body, event_id="evt_1", secrets=[text], now=int(time.time()))
"""

import hmac
from collections.abc import Iterable, Mapping, Sequence

from accredit.encoding import b64_encode
from accredit.errors import MalformedError
from accredit.httpsig import sign_request
from accredit.sealing import EncryptionKey, seal_response
from accredit.webhooks.events import check_event, read_event
from accredit.webhooks.keys import WebhookSecret, WebhookSigningKey, parse_webhook_signing_key, read_secrets
from accredit.webhooks.signature import ID, ID_HEADER, MAX_SIGNATURES, SIGNATURE_HEADER, TIMESTAMP_HEADER, signed_octets

FLOW_VERSION = "2020-08-14"
MAX_BODY_BYTES, _MAX_NOW = 256 * 1024, 10**12


def sign_webhook(
    body: bytes,
    *,
    event_id: str,
    secrets: Sequence[str | WebhookSecret] = (),
    private_keys: Sequence[Mapping[str, object] | WebhookSigningKey] = (),
    now: int,
) -> dict[str, str]:
    """The headers `webhook-id`, `webhook-timestamp` and `webhook-signature` of one attempt.

    body: the octets that are sent. event_id: 1 to 64 of `A-Z a-z 0-9 _`, the same on each attempt. secrets: `whsec_` texts, newest
    first, or what `WebhookSecret.from_text` made of them. private_keys: Ed25519 JWKs, or what `parse_webhook_signing_key` made of
    them. now: Unix seconds of this attempt. Of both together there are 1 to 10.

    Raises MalformedError: `field_invalid` (event_id, now, more than 10 secrets), `field_missing` (neither secrets nor private_keys),
    `secret_malformed`, the `key_` codes.
    """
    if not ID.fullmatch(event_id):
        raise MalformedError("field_invalid", "event_id")
    if not 0 <= now < _MAX_NOW:
        raise MalformedError("field_invalid", "now")
    if not secrets and not private_keys:
        raise MalformedError("field_missing", "secrets")
    if len(secrets) + len(private_keys) > MAX_SIGNATURES:
        raise MalformedError("field_invalid", "secrets")
    octets = signed_octets(event_id, str(now), body)
    items = [f"v1,{b64_encode(hmac.digest(secret.octets, octets, 'sha256'))}" for secret in read_secrets(secrets)]
    items += [f"v1a,{b64_encode(key.sign(octets))}" for key in _read_signing_keys(private_keys)]
    return {ID_HEADER: event_id, TIMESTAMP_HEADER: str(now), SIGNATURE_HEADER: " ".join(items)}


def _read_signing_keys(keys: Iterable[Mapping[str, object] | WebhookSigningKey]) -> list[WebhookSigningKey]:
    return [key if isinstance(key, WebhookSigningKey) else parse_webhook_signing_key(key) for key in keys]


def sign_flow_webhook(body: bytes, *, target: str, key_id: str, secret: str, now: int) -> dict[str, str]:
    """The headers that the original's webhooks have: `Cognito-Version`, `Date`, `Digest` and `Authorization`.

    body: the octets that are sent. target: path and query of the receiver's address as it is configured, `/` where it has no
    path. key_id: of the API key, or the endpoint's id. secret: of that API key, or the endpoint's, its text as written. now: Unix
    seconds of this attempt. Spelling and order are the original's, because receivers compare them as one text.

    Raises MalformedError: `secret_malformed`; `field_invalid` (target, key_id, now).
    """
    signed = sign_request("POST", target, body, key_id=key_id, secret=secret, now=now)
    return {"Cognito-Version": FLOW_VERSION, **signed}


def seal_event(body: bytes, key: EncryptionKey) -> bytes:
    """Seal an event's body to the receiver's public key: a compact JWE, `Content-Type: application/jose`.

    body: UTF-8 JSON object of an event, at most 256 KiB. key: from `parse_encryption_key`.

    Raises MalformedError: `webhook_body_malformed` (no event), `body_too_large`.
    """
    if len(body) > MAX_BODY_BYTES:
        raise MalformedError("body_too_large", "body")
    check_event(read_event(body), event_id=None, endpoint_id=None)
    return seal_response(body, key)
