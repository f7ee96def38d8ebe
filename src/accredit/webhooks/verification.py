"""The receiver's side: `verify_webhook`, `verify_flow_webhook`, `open_event`.

protocol-webhooks.md section 11. Whatever is sent ends in a VerifiedEvent or in an error of the tree. The body is what came, octet by
octet: a framework that parses and writes it again has changed it.

    event = verify_webhook(body, headers, secrets=[text], now=int(time.time()))
    event.id, event.payload["type"]
"""

from collections.abc import Iterable, Mapping, Sequence

from accredit.errors import Refused
from accredit.httpsig import TOLERANCE_S, HeaderFields, verify_request
from accredit.sealing import DecryptionKey, open_sealed, parse_decryption_key
from accredit.webhooks.events import VERIFIER, VerifiedEvent, check_event, is_sealed, read_event
from accredit.webhooks.keys import WebhookKey, WebhookSecret, parse_webhook_key, read_secrets
from accredit.webhooks.signature import TIMESTAMP_HEADER, WebhookHeaders, check_signatures, read_headers
from accredit.webhooks.signing import MAX_BODY_BYTES

WEBHOOK_TOLERANCE_S = 300
# Base64 makes four of three; the header and the padding of the last block are beside it.
_MAX_SEALED_BYTES = MAX_BODY_BYTES // 3 * 4 + 8192


def verify_webhook(
    body: bytes,
    headers: HeaderFields,
    *,
    secrets: Sequence[str | WebhookSecret] = (),
    public_keys: Sequence[Mapping[str, object] | str | WebhookKey] = (),
    now: int,
    tolerance_s: int = WEBHOOK_TOLERANCE_S,
    endpoint_id: str | None = None,
) -> VerifiedEvent:
    """Verify a received webhook by its `webhook-` headers and return its event.

    body: the octets as they came. headers: of the request, pairs or a mapping. secrets: the endpoint's `whsec_` texts, during a
    rotation both, or what `WebhookSecret.from_text` made of them. public_keys: of the sender's account, JWKs or `whpk_` texts, or
    what `parse_webhook_key` made of them. now: Unix seconds. tolerance_s: how many seconds the attempt may be off, either way.
    endpoint_id: the endpoint that the event must be for, None for any.

    Numbers are those of protocol-webhooks.md section 11: (1) headers, (2) time, (3) signatures, (4) body; of a sealed body
    `open_event` makes step 4. Raises Refused: `webhook_headers_missing`, `webhook_headers_malformed`,
    `webhook_timestamp_out_of_range`, `webhook_signature_mismatch`; MalformedError: `webhook_body_malformed`; for secrets and keys
    that are none `secret_malformed` and the `key_` codes. Events that come twice are the receiver's to drop.
    """
    given = _verify_headers(body, headers, secrets, public_keys, now, tolerance_s)  # (1) to (3)
    attempted_at = int(given.timestamp)
    if is_sealed(body):
        return VerifiedEvent(given.event_id, attempted_at, None, body, endpoint_id, made_by=VERIFIER)
    payload = read_event(body)  # (4)
    check_event(payload, event_id=given.event_id, endpoint_id=endpoint_id)
    return VerifiedEvent(given.event_id, attempted_at, payload, None, endpoint_id, made_by=VERIFIER)


def verify_webhook_signature(
    body: bytes,
    headers: HeaderFields,
    *,
    secrets: Sequence[str | WebhookSecret] = (),
    public_keys: Sequence[Mapping[str, object] | str | WebhookKey] = (),
    now: int,
    tolerance_s: int = WEBHOOK_TOLERANCE_S,
) -> str:
    """Verify the headers alone, for bodies that are no events, and return the `webhook-id`: steps 1 to 3 of `verify_webhook`."""
    return _verify_headers(body, headers, secrets, public_keys, now, tolerance_s).event_id


def _verify_headers(
    body: bytes,
    headers: HeaderFields,
    secrets: Iterable[str | WebhookSecret],
    public_keys: Iterable[Mapping[str, object] | str | WebhookKey],
    now: int,
    tolerance_s: int,
) -> WebhookHeaders:
    given = read_headers(headers)  # (1)
    if abs(now - int(given.timestamp)) > tolerance_s:  # (2)
        raise Refused("webhook_timestamp_out_of_range", TIMESTAMP_HEADER)
    keys = [key if isinstance(key, WebhookKey) else parse_webhook_key(key) for key in public_keys]
    check_signatures(given, body, read_secrets(secrets), keys)  # (3)
    return given


def verify_flow_webhook(
    body: bytes,
    headers: HeaderFields,
    *,
    target: str,
    keys: Mapping[str, Sequence[str]],
    now: int,
    tolerance_s: int = TOLERANCE_S,
) -> VerifiedEvent:
    """Verify a received webhook by the headers that the original's have, and return its event.

    body: the octets as they came. headers: of the request, pairs or a mapping. target: raw path and query of the request. keys:
    the texts of the secrets by key id, as written: of the API key, or of the endpoint where that signs. now: Unix seconds.
    tolerance_s: the date must be less than so many seconds off, either way.

    Raises Refused and MalformedError as `verify_request`; MalformedError: `webhook_body_malformed`. Events that come twice are the
    receiver's to drop.
    """
    verified = verify_request("POST", target, headers, body, keys, now=now, tolerance_s=tolerance_s)
    payload = read_event(body)
    event_id = check_event(payload, event_id=None, endpoint_id=None)
    return VerifiedEvent(event_id, verified.signed_at, payload, None, made_by=VERIFIER)


def open_event(event: VerifiedEvent, private_jwk: Mapping[str, object] | DecryptionKey) -> VerifiedEvent:
    """Open the body of a verified event that came sealed, and check it as `verify_webhook` checks a plain one.

    event: from `verify_webhook`; one that came plain is returned as it is. private_jwk: of the endpoint's encryption key, or what
    `parse_decryption_key` made of it.

    Raises SealedError: `sealed_invalid`; MalformedError: `webhook_body_malformed`, for a key that is none as `parse_decryption_key`.
    """
    if event.sealed is None:
        return event
    key = private_jwk if isinstance(private_jwk, DecryptionKey) else parse_decryption_key(dict(private_jwk))
    payload = open_sealed(event.sealed, [key], max_bytes=_MAX_SEALED_BYTES)
    check_event(payload, event_id=event.id, endpoint_id=event.endpoint_id)
    return VerifiedEvent(event.id, event.attempted_at, payload, event.sealed, event.endpoint_id, made_by=VERIFIER)
