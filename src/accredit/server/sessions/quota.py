"""How many sessions an integration may open in a day, counted in the transaction that opens them."""

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from accredit.server.store import Transaction

_DAY_MS = 86_400_000


class Counted(Protocol):
    """A session that is about to be opened. quota: how many its integration may open that day; None does not count."""

    @property
    def session_id(self) -> str: ...
    @property
    def integration_id(self) -> str: ...
    @property
    def day(self) -> str: ...
    @property
    def quota(self) -> int | None: ...


def quota_day(now_ms: int) -> str:
    """The UTC day in which sessions are counted."""
    return str(now_ms // _DAY_MS)


def find_over_quota(tx: Transaction, openings: Sequence[Counted]) -> dict[str, str]:
    """The sessions of a group beyond their integration's quota of the day, each with its refusal. The counter is locked then."""
    refusals: dict[str, str] = {}
    left: dict[str, int] = {}
    for opening in sorted((each for each in openings if each.quota is not None), key=lambda each: each.integration_id):
        if opening.integration_id not in left:
            left[opening.integration_id] = (opening.quota or 0) - _lock_counter(tx, opening.integration_id, opening.day)
        if left[opening.integration_id] <= 0:
            refusals[opening.session_id] = "quota_exceeded"
        left[opening.integration_id] -= 1
    return refusals


def _lock_counter(tx: Transaction, integration_id: str, day: str) -> int:
    row = tx.row(
        "INSERT INTO counters (integration_id, period, n) VALUES (?, ?, 0)"
        " ON CONFLICT (integration_id, period) DO UPDATE SET n = counters.n RETURNING n",
        (integration_id, day),
    )
    return 0 if row is None else int(row[0])


def count_opened(tx: Transaction, opened: Sequence[Counted]) -> None:
    """Count the sessions of a group that were opened."""
    counted = Counter((opening.integration_id, opening.day) for opening in opened if opening.quota is not None)
    for (integration_id, day), n in sorted(counted.items()):
        tx.execute("UPDATE counters SET n = n + ? WHERE integration_id = ? AND period = ?", (n, integration_id, day))
