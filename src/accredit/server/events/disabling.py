"""Endpoints that fail for days: they are told of, and in the end disabled (protocol-webhooks.md section 9, Disabling).

At 72 hours after the first failure since the last success the account's other endpoints and its owners hear of it, once; at 96 hours,
if there were at least five failures, nothing more is sent. A sweep looks every minute, so that silence does not postpone it.

    for notice in await node.store.write(judge_failing, node.clock()):
        node.notices.send_soon(notice)
"""

from urllib.parse import urlsplit

from accredit.encoding import Json
from accredit.server import audit
from accredit.server.events import outbox
from accredit.server.events.claiming import cancel_open
from accredit.server.events.records import ENDPOINT_COLUMNS, DisabledReason, Endpoint, read_endpoint
from accredit.server.keyring.changes import Cause
from accredit.server.notices import Notice
from accredit.server.store import Transaction, one_by_one
from accredit.server.times import wire_time

_HOUR_MS = 3_600_000
TELL_AFTER_MS, DISABLE_AFTER_MS = 72 * _HOUR_MS, 96 * _HOUR_MS
FAILURES_TO_DISABLE = 5
# Who acts when nobody asked.
_ACTOR = "delivery"
_AT_ONCE = 500
_WHY = {
    "gone": "it answered 410 Gone",
    "failing": "nothing sent to it was accepted for 96 hours",
    "key_revoked": "the API key that signed for it was revoked, and there is no other",
    "manual": "somebody with an API key or on the server's machine did so",
}


def disable(tx: Transaction, endpoint_id: str, reason: DisabledReason, cause: Cause) -> Endpoint | None:
    """Send no more to an endpoint, cancel what is open, and tell of it; None if it was disabled or deleted already.

    The owners are told by `disabled_notice`, after the commit.
    """
    row = tx.row(
        "UPDATE webhook_endpoints SET enabled = 0, disabled_reason = ?, updated_ms = ? WHERE id = ? AND enabled = 1"
        f" RETURNING {ENDPOINT_COLUMNS}",
        (reason, cause.at_ms, endpoint_id),
    )
    if row is None:
        return None
    endpoint = read_endpoint(row)
    cancel_open(tx, endpoint_id, cause.at_ms)
    _tell(tx, "endpoint.disabled", endpoint, cause, reason)
    return endpoint


@one_by_one
def disable_unsigned(tx: Transaction, item: tuple[str, Cause]) -> Endpoint | None:
    """Change: disable an endpoint for which nothing can sign any more; None if it was disabled or deleted already."""
    endpoint_id, cause = item
    return disable(tx, endpoint_id, "key_revoked", cause)


@one_by_one
def judge_failing(tx: Transaction, now_ms: int) -> list[Notice]:
    """Change: tell of endpoints that have failed for long, and disable those that have failed for too long; letters to send."""
    rows = tx.rows(
        f"SELECT {ENDPOINT_COLUMNS} FROM webhook_endpoints WHERE enabled = 1 AND failing_since_ms <= ?"
        f" AND (told_failing_ms IS NULL OR (failing_since_ms <= ? AND failures >= {FAILURES_TO_DISABLE}))"
        f" ORDER BY id LIMIT {_AT_ONCE}",
        (now_ms - TELL_AFTER_MS, now_ms - DISABLE_AFTER_MS),
    )
    notices = [_judge(tx, read_endpoint(row), Cause(now_ms, actor=_ACTOR)) for row in rows]
    return [notice for notice in notices if notice is not None]


def _judge(tx: Transaction, endpoint: Endpoint, cause: Cause) -> Notice | None:
    failing_since_ms = endpoint.failing_since_ms or cause.at_ms
    if cause.at_ms >= failing_since_ms + DISABLE_AFTER_MS and endpoint.failures >= FAILURES_TO_DISABLE:
        disabled = disable(tx, endpoint.endpoint_id, "failing", cause)
        return None if disabled is None else disabled_notice(disabled)
    told = tx.execute(
        "UPDATE webhook_endpoints SET told_failing_ms = ? WHERE id = ? AND failing_since_ms = ? AND told_failing_ms IS NULL",
        (cause.at_ms, endpoint.endpoint_id, failing_since_ms),
    )
    # Another node was faster, or the endpoint has answered meanwhile.
    if not told:
        return None
    _tell(tx, "endpoint.failing", endpoint, cause, None)
    return _failing_notice(endpoint)


def _tell(tx: Transaction, kind: str, endpoint: Endpoint, cause: Cause, reason: DisabledReason | None) -> None:
    scope, since_ms = endpoint.scope, endpoint.failing_since_ms
    entry = audit.AuditEntry(
        at_ms=cause.at_ms,
        kind=kind,
        account_id=scope.account_id,
        environment=scope.environment,
        code=reason,
        actor=cause.actor,
        request_id=cause.request_id,
        detail={"endpoint_id": endpoint.endpoint_id},
    )
    audit.append(tx, [entry])
    data: dict[str, Json] = {
        "endpoint_id": endpoint.endpoint_id,
        "since": None if since_ms is None else wire_time(since_ms),
        "reason": reason,
    }
    outbox.append(tx, [outbox.Event(type=kind, scope=scope, created_ms=cause.at_ms, data=data)])


def _failing_notice(endpoint: Endpoint) -> Notice:
    return Notice(
        "endpoint_failing",
        endpoint.scope.account_id,
        "A webhook endpoint has been failing for three days",
        f"{_named(endpoint)} has accepted nothing since {wire_time(endpoint.failing_since_ms or 0)}.\n\n"
        "After 96 hours it will be disabled, and what is still to be sent to it will be cancelled. Its deliveries say why they"
        f" failed:\n\n    accredit webhooks deliveries {endpoint.endpoint_id}\n",
    )


def disabled_notice(endpoint: Endpoint) -> Notice:
    """The letter that says that an endpoint was disabled, and how its events are sent again."""
    return Notice(
        "endpoint_disabled",
        endpoint.scope.account_id,
        "A webhook endpoint was disabled",
        f"{_named(endpoint)} was disabled: {_WHY[endpoint.disabled_reason or 'manual']}.\n\n"
        "What was still to be sent to it is cancelled. Once it answers again, enable it and replay what it missed; events are kept"
        f" for 30 days:\n\n    accredit webhooks enable {endpoint.endpoint_id}\n"
        f"    accredit webhooks replay {endpoint.endpoint_id} --from TIME --to TIME\n",
    )


def _named(endpoint: Endpoint) -> str:
    # No path and no query: either may be what keeps strangers from sending there.
    host = urlsplit(endpoint.members.url).hostname or "-"
    return f"The {endpoint.scope.environment} endpoint {endpoint.endpoint_id} at {host}"
