"""Codes: 43 base64url characters that an application's backend redeems, once within 60 s (protocol-embed.md section 9).

A code is 16 random octets and, masked by a MAC of these, the 16 octets of its session's UUID: to anybody but this server 256 random
bits, to the server the way to the row by its primary key. An index of codes would be the dearest part of opening a session: every
entry lands on a page of its own (docs/decisions/0004-codes-carry-their-session.md). What proves a code is its SHA-256 in the row.
"""

import hashlib
import secrets
from uuid import UUID

from accredit.encoding import b64url_decode, b64url_encode
from accredit.errors import MalformedError
from accredit.server.keyring.sealing import Sealer

LIFETIME_MS = 60_000
_HALF = 16


def issue_code(sealer: Sealer, session_id: str) -> bytes:
    """A fresh code for the session: 32 octets."""
    random = secrets.token_bytes(_HALF)
    return random + _masked(sealer, random, bytes.fromhex(session_id.replace("-", "")))


def parse_code(text: str) -> bytes:
    """The octets of a code. Raises MalformedError `field_invalid`."""
    try:
        code = b64url_decode(text)
    except ValueError as error:
        raise MalformedError("field_invalid", "code") from error
    if len(code) != 2 * _HALF:
        raise MalformedError("field_invalid", "code")
    return code


def peek_session_id(sealer: Sealer, code: bytes) -> str:
    """The session that a code claims to be for; of a code that we did not issue, some id that does not exist."""
    return str(UUID(bytes=_masked(sealer, code[:_HALF], code[_HALF:])))


def code_text(code: bytes) -> str:
    """The code as it travels."""
    return b64url_encode(code)


def code_hash(code: bytes) -> bytes:
    """What the row keeps of a code: SHA-256, enough for this many random bits."""
    return hashlib.sha256(code).digest()


def _masked(sealer: Sealer, random: bytes, octets: bytes) -> bytes:
    mask = int.from_bytes(sealer.server_mac("code", random)[:_HALF], "big")
    return (int.from_bytes(octets, "big") ^ mask).to_bytes(_HALF, "big")
