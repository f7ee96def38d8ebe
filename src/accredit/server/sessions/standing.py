"""What the transaction of an opening would find, read beforehand: for explanations. The opening itself decides (steps 7 and 8)."""

from dataclasses import dataclass

from accredit.server.sessions.opening import replay_key
from accredit.server.sessions.quota import quota_day
from accredit.server.store import Transaction


@dataclass(frozen=True, slots=True)
class Standing:
    """opened_today: sessions counted against the quota in this UTC day. replayed: a session was opened with that `jti` before."""

    opened_today: int
    replayed: bool


def find_standing(tx: Transaction, wanted: tuple[str, str | None, int]) -> Standing:
    """Query: how an integration stands at a time, and a `jti` in it, None where the proof has none."""
    integration_id, jti, now_ms = wanted
    counted = tx.row("SELECT n FROM counters WHERE integration_id = ? AND period = ?", (integration_id, quota_day(now_ms)))
    replayed = jti is not None and tx.row(
        "SELECT 1 FROM sessions WHERE integration_id = ? AND replay_key = ?", (integration_id, replay_key(jti))
    )
    return Standing(0 if counted is None else counted[0], bool(replayed))
