"""What may happen once, or a few times, only: the redemption of a provider's answer, a delivery of a code, an entry of one.

A claim is taken in a transaction of its own, so it holds between nodes and against requests that arrive at once; the state of a
session, read before, could not. Claims are hashes, and are forgotten when nobody can ask for them any more.
"""

import hashlib
from typing import NamedTuple

from accredit.server.store import Transaction, one_by_one

# Longer than a session of the rest door can live.
_KEPT_MS = 25 * 3600 * 1000
_AT_ONCE = 1000


class Claim(NamedTuple):
    """what: the purpose and whose it is, without personal data; places: how many there are of it.

    until_ms: how long it is kept, None for 25 hours. apart_ms: how long after the place before it the next can be taken.
    """

    what: tuple[str, ...]
    places: int
    now_ms: int
    until_ms: int | None = None
    apart_ms: int = 0


class TooSoon(NamedTuple):
    """There is a place, but not yet. from_ms: when there will be. before: the place that was taken last."""

    from_ms: int
    before: int


def take_place(tx: Transaction, claim: Claim) -> int | TooSoon | None:
    """Take the first free place, counted from 0; None when all are taken."""
    from_ms = 0
    for place in range(claim.places):
        digest = _digest(claim, place)
        if claim.now_ms >= from_ms and _insert(tx, digest, claim):
            return place
        taken = tx.row("SELECT at_ms FROM claims WHERE claim = ?", (digest,))
        if taken is None:
            return TooSoon(from_ms, place - 1)
        from_ms = taken[0] + claim.apart_ms
    return None


def count_taken(tx: Transaction, claim: Claim) -> int:
    """How many places are taken."""
    digests = [_digest(claim, place) for place in range(claim.places)]
    marks = ",".join("?" * len(digests))
    return int(tx.rows(f"SELECT COUNT(*) FROM claims WHERE claim IN ({marks})", digests)[0][0])


def _digest(claim: Claim, place: int) -> bytes:
    return hashlib.sha256("\0".join((*claim.what, str(place))).encode()).digest()


def _insert(tx: Transaction, digest: bytes, claim: Claim) -> bool:
    until_ms = claim.now_ms + _KEPT_MS if claim.until_ms is None else claim.until_ms
    return bool(
        tx.execute(
            "INSERT INTO claims (claim, at_ms, until_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (digest, claim.now_ms, until_ms),
        )
    )


@one_by_one
def claim_place(tx: Transaction, claim: Claim) -> int | TooSoon | None:
    """Change: as `take_place`."""
    return take_place(tx, claim)


@one_by_one
def forget_claims(tx: Transaction, now_ms: int) -> int:
    """Change: drop what nobody can ask for any more; how many."""
    return tx.execute(
        "DELETE FROM claims WHERE claim IN (SELECT claim FROM claims WHERE until_ms < ? ORDER BY until_ms LIMIT ?)",
        (now_ms, _AT_ONCE),
    )
