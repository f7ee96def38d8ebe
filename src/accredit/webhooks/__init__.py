"""Webhooks: signed by whoever sends them, verified by whoever receives them.

Standard Webhooks 1.0.0, and the form of the original; protocol-webhooks.md sections 3 to 5 and 11. `keys` reads secrets and
public keys, `signature` the headers, `events` the body, `signing` is the sender's side, `verification` the receiver's.

    headers = sign_webhook(body, event_id="evt_1", secrets=[text], now=int(time.time()))
    verify_webhook(body, headers, secrets=[text], now=int(time.time())).payload["type"]
"""

from accredit.webhooks.events import VerifiedEvent
from accredit.webhooks.keys import (
    WebhookKey,
    WebhookSecret,
    WebhookSigningKey,
    generate_webhook_secret,
    parse_webhook_key,
    parse_webhook_signing_key,
)
from accredit.webhooks.signing import FLOW_VERSION, MAX_BODY_BYTES, seal_event, sign_flow_webhook, sign_webhook
from accredit.webhooks.verification import (
    WEBHOOK_TOLERANCE_S,
    open_event,
    verify_flow_webhook,
    verify_webhook,
    verify_webhook_signature,
)

__all__ = [
    "FLOW_VERSION",
    "MAX_BODY_BYTES",
    "WEBHOOK_TOLERANCE_S",
    "VerifiedEvent",
    "WebhookKey",
    "WebhookSecret",
    "WebhookSigningKey",
    "generate_webhook_secret",
    "open_event",
    "parse_webhook_key",
    "parse_webhook_signing_key",
    "seal_event",
    "sign_flow_webhook",
    "sign_webhook",
    "verify_flow_webhook",
    "verify_webhook",
    "verify_webhook_signature",
]
