"""The shape of an identity signature: step 1 of protocol-boot.md section 4, and of its section 7.

`timestamp:mac:nonce` is the original's; `v2.kid.timestamp.nonce.mac` is ours. There is one spelling of each part, so that a MAC, a
time or a nonce has no second one. Nothing here looks at a secret.

    peeked = peek_identity(boot.signature)
    peeked.nonce          # claimed, not verified
"""

import re
from dataclasses import dataclass, field
from typing import Literal

from accredit.encoding import b64_decode, b64url_decode
from accredit.errors import Refused
from accredit.identity.secret import KEY_ID

_CHARACTERS = re.compile(r"[!-~]{1,256}")
# Ten digits: neither milliseconds nor leading zeros.
_TIMESTAMP = re.compile(r"[1-9][0-9]{9}")
_KEY_ID = re.compile(KEY_ID)
_NONCE_V2 = re.compile(r"[A-Za-z0-9_-]*")
_MIN_NONCE, _MAX_NONCE = 30, 50
_MAC_LENGTHS = {1: 44, 2: 43}
PREFIX_V2 = "v2."


@dataclass(frozen=True, slots=True)
class PeekedIdentity:
    """A signature of the right shape. Nothing in it is verified; `peek_identity` makes it.

    timestamp: Unix seconds. key_id: the secret that it names, None in version 1. mac: 32 octets.
    """

    version: Literal[1, 2]
    timestamp: int
    nonce: str
    key_id: str | None
    mac: bytes = field(repr=False)


def peek_identity(signature: str | None) -> PeekedIdentity:
    """Read the shape of a signature. Nothing it returns is verified.

    signature: as posted; None, empty text and the text `null` are absence.

    Raises Refused: `signature_required` (absent), `signature_malformed`, `timestamp_malformed`, `nonce_length`, `nonce_charset`,
    `mac_encoding`.
    """
    if signature in (None, "", "null"):
        raise Refused("signature_required", "signature")
    if not isinstance(signature, str) or not _CHARACTERS.fullmatch(signature):
        raise Refused("signature_malformed", "signature")
    return _peek_v2(signature) if signature.startswith(PREFIX_V2) else _peek_v1(signature)


def _peek_v1(signature: str) -> PeekedIdentity:
    parts = signature.split(":")
    if len(parts) != 3:
        raise Refused("signature_malformed", "signature")
    timestamp, mac, nonce = parts
    seconds = _read_timestamp(timestamp)
    _check_nonce_length(nonce)
    return PeekedIdentity(1, seconds, nonce, None, _read_mac(mac, 1))


def _peek_v2(signature: str) -> PeekedIdentity:
    parts = signature.split(".")
    if len(parts) != 5 or not _KEY_ID.fullmatch(parts[1]):
        raise Refused("signature_malformed", "signature")
    _, key_id, timestamp, nonce, mac = parts
    seconds = _read_timestamp(timestamp)
    _check_nonce_length(nonce)
    if not _NONCE_V2.fullmatch(nonce):
        raise Refused("nonce_charset", "signature")
    return PeekedIdentity(2, seconds, nonce, key_id, _read_mac(mac, 2))


def _read_timestamp(text: str) -> int:
    if not _TIMESTAMP.fullmatch(text):
        raise Refused("timestamp_malformed", "signature")
    return int(text)


def _check_nonce_length(nonce: str) -> None:
    if not _MIN_NONCE <= len(nonce) <= _MAX_NONCE:
        raise Refused("nonce_length", "signature")


def _read_mac(text: str, version: Literal[1, 2]) -> bytes:
    # The length comes first: hex is base64 too, of 48 octets.
    if len(text) != _MAC_LENGTHS[version]:
        raise Refused("mac_encoding", "signature")
    try:
        octets = b64_decode(text) if version == 1 else b64url_decode(text)
    except ValueError as error:
        raise Refused("mac_encoding", "signature") from error
    if len(octets) != 32:
        raise Refused("mac_encoding", "signature")
    return octets
