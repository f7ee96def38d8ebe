"""What all addresses of the API share in one process: each key's share of calls, and the signed requests that are under way.

Of one request that comes twice at once the second is told `request_in_flight` here; between nodes the claim in the transaction of the
effect decides, and the second waits for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from accredit.errors import ConflictError
from accredit.server.limits import Allowance, Allowances
from accredit.server.sessions.flow.claims import Claim

CALLS_A_SECOND, BURST = 50, 100


class Traffic:
    """Made once for a node's API."""

    def __init__(self) -> None:
        self._allowances = Allowances(CALLS_A_SECOND, BURST)
        self._under_way: set[bytes] = set()

    def take(self, key_id: str, now_ms: int) -> Allowance:
        """Count one call of a key."""
        return self._allowances.take(key_id, now_ms)

    @contextmanager
    def under_way(self, claim: Claim) -> Iterator[None]:
        """While the request is answered. Raises ConflictError `request_in_flight` if it is answered already."""
        hashes = {claim.signature, claim.idempotency or claim.signature}
        if not self._under_way.isdisjoint(hashes):
            raise ConflictError("request_in_flight")
        self._under_way |= hashes
        try:
            yield
        finally:
            self._under_way -= hashes
