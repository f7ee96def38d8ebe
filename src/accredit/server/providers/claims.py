"""What may happen once only: the redemption of a provider's answer, an entry of a code. Claimed in a transaction of its own.

A claim holds between nodes and against requests that arrive at once; the state of a session, read before, could not. Claims are
hashes, and are forgotten when no session can be that old any more.
"""

import hashlib
from typing import NamedTuple

from accredit.server.store import Transaction, one_by_one

_KEPT_MS = 25 * 3600 * 1000
_AT_ONCE = 1000


class Claim(NamedTuple):
    """what: the purpose and whose it is; places: how many there are of it."""

    what: tuple[str, ...]
    places: int
    now_ms: int


@one_by_one
def claim_place(tx: Transaction, claim: Claim) -> int | None:
    """Change: take the first free place, counted from 0; None when all are taken."""
    for place in range(claim.places):
        digest = hashlib.sha256("\0".join((*claim.what, str(place))).encode()).digest()
        taken = tx.execute(
            "INSERT INTO provider_claims (claim, at_ms) VALUES (?, ?) ON CONFLICT DO NOTHING", (digest, claim.now_ms)
        )
        if taken:
            return place
    return None


@one_by_one
def forget_claims(tx: Transaction, now_ms: int) -> int:
    """Change: drop what no open session can still ask for; how many."""
    return tx.execute(
        "DELETE FROM provider_claims WHERE claim IN (SELECT claim FROM provider_claims WHERE at_ms < ? ORDER BY at_ms LIMIT ?)",
        (now_ms - _KEPT_MS, _AT_ONCE),
    )
