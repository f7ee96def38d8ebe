"""The three `webhook-` headers: what is signed, how it is written, and how it is read.

Standard Webhooks 1.0.0; protocol-webhooks.md section 5, and steps 1 and 3 of section 11. `v1` is HMAC-SHA-256 under a secret,
`v1a` is Ed25519; both sign `{webhook-id}.{webhook-timestamp}.{body}`.
"""

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass

from accredit.encoding import b64_decode
from accredit.errors import Refused
from accredit.httpsig.fields import HeaderFields, gather_fields
from accredit.webhooks.keys import WebhookKey, WebhookSecret

ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER = "webhook-id", "webhook-timestamp", "webhook-signature"
ID = re.compile(r"[A-Za-z0-9_]{1,64}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
MAX_SIGNATURES = 10


@dataclass(frozen=True, slots=True)
class WebhookHeaders:
    """The headers, of the right form. timestamp: of the attempt, as it is signed. signatures: the items of the list."""

    event_id: str
    timestamp: str
    signatures: tuple[str, ...]


def read_headers(headers: HeaderFields) -> WebhookHeaders:
    """Step 1. Raises Refused: `webhook_headers_missing` (or not once each), `webhook_headers_malformed`."""
    fields = gather_fields(headers)
    for name in (ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER):
        if len(fields.get(name, ())) != 1:
            raise Refused("webhook_headers_missing", name)
    event_id, timestamp = fields[ID_HEADER][0], fields[TIMESTAMP_HEADER][0]
    items = tuple(fields[SIGNATURE_HEADER][0].split(" "))
    sound = {
        ID_HEADER: ID.fullmatch(event_id),
        TIMESTAMP_HEADER: _TIMESTAMP.fullmatch(timestamp),
        SIGNATURE_HEADER: len(items) <= MAX_SIGNATURES,
    }
    for name, is_sound in sound.items():
        if not is_sound:
            raise Refused("webhook_headers_malformed", name)
    return WebhookHeaders(event_id, timestamp, items)


def signed_octets(event_id: str, timestamp: str, body: bytes) -> bytes:
    """What both versions sign."""
    return f"{event_id}.{timestamp}.".encode("ascii") + body


def check_signatures(given: WebhookHeaders, body: bytes, secrets: Sequence[WebhookSecret], keys: Sequence[WebhookKey]) -> None:
    """Step 3: one item is of one secret or key. What cannot be read is skipped; a match stops no comparison of MACs.

    Raises Refused: `webhook_signature_mismatch`.
    """
    octets = signed_octets(given.event_id, given.timestamp, body)
    found = False
    macs = [hmac.digest(secret.octets, octets, "sha256") for secret in secrets]
    for item in given.signatures:
        version, _, text = item.partition(",")
        try:
            signature = b64_decode(text)
        except ValueError:
            continue
        if version == "v1":
            for mac in macs:
                found |= hmac.compare_digest(mac, signature)
        elif version == "v1a":
            found |= any(key.is_signed(octets, signature) for key in keys)
    if not found:
        raise Refused("webhook_signature_mismatch", SIGNATURE_HEADER)
