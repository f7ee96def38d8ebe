"""What operators see of deliveries in numbers: attempts and their outcomes, ages, and how much waits."""

from accredit.server import telemetry
from accredit.server.events.recording import Outcome, Recorded
from accredit.server.events.verdicts import Verdict
from accredit.server.store import Store, Transaction


def count_outcome(outcome: Outcome, recorded: Recorded) -> None:
    """Count an attempt, and the delivery if it ended."""
    kind, verdict = outcome.claimed.endpoint.kind, outcome.verdict
    telemetry.delivery_attempts(kind, _named(verdict)).inc()
    telemetry.ATTEMPT_SECONDS.observe(outcome.attempt.duration_ms / 1000)
    if recorded.status not in (None, "pending"):
        telemetry.deliveries_ended(kind, str(recorded.status)).inc()
    if recorded.status == "succeeded":
        telemetry.DELIVERY_AGE.observe(max(outcome.ended_ms - outcome.claimed.event.created_ms, 0) / 1000)


def _named(verdict: Verdict) -> str:
    if verdict.error is None:
        return "succeeded"
    # Statuses by their hundred: receivers choose them, and a metric has few names.
    return f"{verdict.error[:8]}xx" if verdict.error.startswith("status_") else verdict.error


async def count_due(store: Store, now_ms: int) -> None:
    """Measure what waits: how many deliveries are due and not claimed, and since when the oldest is."""
    due, oldest_ms = await store.read(_find_due, now_ms)
    telemetry.DELIVERIES_DUE.set(due)
    telemetry.OLDEST_DUE_SECONDS.set(0 if oldest_ms is None else (now_ms - oldest_ms) / 1000)


def _find_due(tx: Transaction, now_ms: int) -> tuple[int, int | None]:
    row = tx.row(
        "SELECT COUNT(*), MIN(d.due_ms) FROM deliveries AS d JOIN webhook_endpoints AS e ON e.id = d.endpoint_id"
        " WHERE d.status = 'pending' AND d.due_ms <= ? AND (d.lease_until_ms IS NULL OR d.lease_until_ms <= ?)"
        " AND e.listening_until_ms IS NULL",
        (now_ms, now_ms),
    )
    return (0, None) if row is None else (row[0], row[1])
