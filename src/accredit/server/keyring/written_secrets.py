"""Secrets of the flow door, which count as they are written: how they are found again, and which may be brought along.

protocol-flow.md section 1. A secret that was brought along may be no random number and could be guessed from a plain hash, so it is
found by a keyed one, as is every API secret. That is computed from the plain SHA-256, which is all that a page tells of a secret it
withheld. Two accounts may bring along the same one, and neither learns of it.

    written_hash(sealer, secret_hash(text)) == record.secret_hash
"""

import re
import secrets

from accredit.errors import MalformedError
from accredit.keys import read_written_secret
from accredit.reference import is_published_secret
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import SEALED_EXTRA_BYTES, Sealer
from accredit.server.store import Transaction

# The form that the original fixes, wherever in a text it stands.
API_SECRET = re.compile(r"(?:live|sandbox)_secret_[0-9a-f]{64}")
_OUR_FORMS = ("accredit_live_", "accredit_sandbox_")


def generate_api_secret(environment: str) -> str:
    """A fresh API secret, `{environment}_secret_` + 64 hex digits of 256 random bits."""
    return f"{environment}_secret_{secrets.token_hex(32)}"


def check_brought_along(scope: Scope, text: str) -> str:
    """A secret that was used with the original: 32..128 visible ASCII characters, none of our own forms.

    Raises MalformedError, member `secret`: `secret_malformed`; in live `key_published` for one that is printed for everybody.
    """
    try:
        read_written_secret(text)
    except MalformedError as error:
        raise MalformedError(error.code, "secret") from error
    # Those are of one purpose each, and are made here only.
    if text.startswith(_OUR_FORMS):
        raise MalformedError("secret_malformed", "secret")
    if scope.environment == "live" and is_published_secret(text):
        raise MalformedError("key_published", "secret")
    return text


def written_hash(sealer: Sealer, digest: bytes) -> bytes:
    """How a secret as written is found again, in whatever account. digest: SHA-256 of its text."""
    return sealer.server_mac("written_secret", digest)


def find_written_sizes(tx: Transaction, _: None) -> frozenset[int]:
    """Query: how many characters the secrets of API credentials have that are not revoked, of whatever account; an index
    answers it.
    """
    rows = tx.rows("SELECT DISTINCT LENGTH(secret) FROM keys WHERE api_key_id IS NOT NULL AND revoked_ms IS NULL")
    return frozenset(length - SEALED_EXTRA_BYTES for (length,) in rows)
