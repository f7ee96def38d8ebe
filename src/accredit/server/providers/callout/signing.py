"""How a service of the owner's knows that it is us who asks: Standard Webhooks, symmetric (protocol-webhooks.md section 8)."""

import base64
import binascii
import hmac

PREFIX = "whsec_"
_MIN_BYTES, _MAX_BYTES = 24, 64


def decode_secret(text: str) -> bytes:
    """The octets of a `whsec_` secret: standard base64 of 24 to 64. Raises ValueError."""
    if not text.startswith(PREFIX):
        raise ValueError("prefix")
    octets = binascii.a2b_base64(text[len(PREFIX) :], strict_mode=True)
    if not _MIN_BYTES <= len(octets) <= _MAX_BYTES:
        raise ValueError("length")
    return octets


def signed_headers(secret: bytes, message_id: str, now: int, body: bytes) -> dict[str, str]:
    """The three `webhook-*` headers over a body. now: Unix seconds."""
    mac = hmac.digest(secret, f"{message_id}.{now}.".encode() + body, "sha256")
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(now),
        "webhook-signature": "v1," + base64.b64encode(mac).decode(),
    }
