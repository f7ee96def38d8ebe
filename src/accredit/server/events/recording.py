"""Writing down what came of attempts, with whatever follows for the delivery and its endpoint (protocol-webhooks.md section 9.3).

The outcome and the time of the next attempt are one transaction, so that no attempt follows one that nobody can read of. A node whose
lease ran out meanwhile writes nothing: the delivery is somebody else's by then, or due again.

    recorded = await store.write(record_outcomes, Outcome(claimed, attempt, verdict, ended_ms))
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from accredit.server.events.claiming import Claimed
from accredit.server.events.disabling import disable
from accredit.server.events.records import ATTEMPT_COLUMNS, Attempt, DeliveryStatus, Endpoint
from accredit.server.events.schedule import next_attempt_ms
from accredit.server.events.verdicts import Verdict
from accredit.server.keyring.changes import Cause
from accredit.server.store import Transaction, Value

_ACTOR = "delivery"
_INSERT_ATTEMPTS = f"INSERT INTO attempts ({ATTEMPT_COLUMNS}) VALUES"
_ATTEMPT_WIDTH = ATTEMPT_COLUMNS.count(",") + 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt. ended_ms: when, by the server's clock; waits run from there."""

    claimed: Claimed
    attempt: Attempt
    verdict: Verdict
    ended_ms: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the delivery is now; status None: the lease had run out, and nothing was written. disabled: the endpoint, if it is now."""

    status: DeliveryStatus | None
    disabled: Endpoint | None = None


def record_outcomes(tx: Transaction, outcomes: Sequence[Outcome]) -> Sequence[Recorded]:
    """Change: write attempts down, with as few statements as possible, endpoints before deliveries as all changes take them."""
    held = _find_held(tx, outcomes)
    kept = [each for each in outcomes if each.claimed.delivery.delivery_id in held]
    _note_health(tx, kept)
    tx.insert_many(_INSERT_ATTEMPTS, _ATTEMPT_WIDTH, [_row(each.attempt) for each in kept], "ON CONFLICT DO NOTHING")
    statuses = _close_succeeded(tx, kept) | {
        each.claimed.delivery.delivery_id: _put_off(tx, each) for each in kept if not each.verdict.succeeded
    }
    disabled = _disable_gone(tx, kept)
    return [_recorded(each, statuses, disabled) for each in outcomes]


def _find_held(tx: Transaction, outcomes: Sequence[Outcome]) -> set[str]:
    """The deliveries whose lease is still the one under which the attempt was made."""
    wanted = {each.claimed.delivery.delivery_id: each.claimed.delivery.lease_until_ms for each in outcomes}
    rows = tx.rows(f"SELECT id, lease_until_ms FROM deliveries WHERE id IN ({_marks(wanted)})", list(wanted))
    return {delivery_id for delivery_id, lease_until_ms in rows if lease_until_ms == wanted[delivery_id]}


def _note_health(tx: Transaction, kept: Sequence[Outcome]) -> None:
    """What the endpoints' rows say of how they do, in the order of their ids and of the attempts' ends."""
    succeeded: set[tuple[str, str | None]] = set()
    for each in sorted(kept, key=lambda each: (each.claimed.endpoint.endpoint_id, each.ended_ms)):
        endpoint_id = each.claimed.endpoint.endpoint_id
        if not each.verdict.succeeded:
            _note_failure(tx, endpoint_id, each)
            succeeded.clear()
        elif (endpoint_id, each.attempt.authorization_key_id) not in succeeded:
            _note_success(tx, endpoint_id, each.attempt.authorization_key_id)
            succeeded.add((endpoint_id, each.attempt.authorization_key_id))


def _note_success(tx: Transaction, endpoint_id: str, key_id: str | None) -> None:
    # Mostly there is nothing to note, and then the row is neither written nor locked.
    tx.execute(
        "UPDATE webhook_endpoints SET failing_since_ms = NULL, failures = 0, timeouts = 0, told_failing_ms = NULL,"
        " answered_key_id = COALESCE(?, answered_key_id)"
        " WHERE id = ? AND (failing_since_ms IS NOT NULL OR timeouts > 0 OR COALESCE(answered_key_id, '') <> ?)",
        (key_id, endpoint_id, key_id or ""),
    )


def _note_failure(tx: Transaction, endpoint_id: str, outcome: Outcome) -> None:
    verdict = outcome.verdict
    timeouts = "timeouts + 1" if verdict.timed_out else "0" if verdict.answered else "timeouts"
    paused_until_ms = 0 if verdict.retry_after_ms is None else outcome.ended_ms + verdict.retry_after_ms
    tx.execute(
        "UPDATE webhook_endpoints SET failing_since_ms = COALESCE(failing_since_ms, ?), failures = failures + 1,"
        f" timeouts = {timeouts}, paused_until_ms = CASE WHEN COALESCE(paused_until_ms, 0) < CAST(? AS BIGINT)"
        " THEN CAST(? AS BIGINT) ELSE paused_until_ms END WHERE id = ?",
        (outcome.ended_ms, paused_until_ms, paused_until_ms, endpoint_id),
    )


def _close_succeeded(tx: Transaction, kept: Sequence[Outcome]) -> dict[str, DeliveryStatus | None]:
    """Success counts even where the delivery was cancelled meanwhile: the receiver has it."""
    done = {each.claimed.delivery.delivery_id: each.ended_ms for each in kept if each.verdict.succeeded}
    if done:
        tx.execute(
            "UPDATE deliveries SET status = 'succeeded', attempts = attempts + 1, due_ms = NULL, lease_until_ms = NULL, ended_ms = ?"
            f" WHERE id IN ({_marks(done)})",
            (max(done.values()), *sorted(done)),
        )
    return dict.fromkeys(done, "succeeded")


def _put_off(tx: Transaction, outcome: Outcome) -> DeliveryStatus | None:
    """The next attempt is scheduled, or there is none; a delivery that was cancelled meanwhile stays so."""
    delivery, number = outcome.claimed.delivery, outcome.claimed.number
    next_ms = next_attempt_ms(
        outcome.claimed.endpoint.kind, delivery.delivery_id, number + 1, outcome.ended_ms, outcome.verdict.retry_after_ms
    )
    status, ended_ms = ("exhausted", outcome.ended_ms) if next_ms is None else ("pending", None)
    row = tx.row(
        "UPDATE deliveries SET attempts = ?, lease_until_ms = NULL, status = CASE WHEN status = 'pending' THEN ? ELSE status END,"
        " due_ms = CASE WHEN status = 'pending' THEN CAST(? AS BIGINT) END,"
        " ended_ms = CASE WHEN status = 'pending' THEN CAST(? AS BIGINT) ELSE ended_ms END"
        " WHERE id = ? AND lease_until_ms = ? RETURNING status",
        (number, status, next_ms, ended_ms, delivery.delivery_id, delivery.lease_until_ms),
    )
    return None if row is None else row[0]


def _disable_gone(tx: Transaction, kept: Sequence[Outcome]) -> dict[str, Endpoint]:
    """Endpoints that said that they are gone; what was open for them is cancelled, the delivery that they answered so too."""
    gone = {each.claimed.endpoint.endpoint_id: each.ended_ms for each in kept if each.verdict.gone}
    found = [disable(tx, endpoint_id, "gone", Cause(gone[endpoint_id], actor=_ACTOR)) for endpoint_id in sorted(gone)]
    return {endpoint.endpoint_id: endpoint for endpoint in found if endpoint is not None}


def _recorded(outcome: Outcome, statuses: dict[str, DeliveryStatus | None], disabled: dict[str, Endpoint]) -> Recorded:
    status = statuses.get(outcome.claimed.delivery.delivery_id)
    if not outcome.verdict.gone:
        return Recorded(status)
    # Told to one of those who heard that it is gone, so that the owners get one letter.
    endpoint = disabled.pop(outcome.claimed.endpoint.endpoint_id, None)
    return Recorded("cancelled" if status == "pending" else status, endpoint)


def _row(attempt: Attempt) -> tuple[Value, ...]:
    return (
        *(
            attempt.delivery_id,
            attempt.number,
            attempt.at_ms,
            attempt.duration_ms,
            attempt.status,
            attempt.error,
            attempt.address,
        ),
        *(msgspec.json.encode(attempt.key_ids).decode(), attempt.authorization_key_id, attempt.excerpt),
    )


def _marks(values: Sequence[Value] | dict[str, int | None] | dict[str, int]) -> str:
    return ",".join("?" * len(values))
