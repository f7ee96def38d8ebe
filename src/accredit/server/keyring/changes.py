"""What can happen to a key record: it is added, retires, is revoked. Each with its audit entry and its event, in one transaction.

protocol-embed.md section 10, protocol-webhooks.md section 2. Every change begins with bump_config: the caches of all processes drop
what they hold, and the row lock behind it makes changes of keys wait for one another, so that a limit counted here holds.

    record = await store.write(revoke_key, Revocation(scope, key_id, Cause(now_ms, actor=api_key.key_id)))
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from accredit.encoding import Json
from accredit.errors import ConflictError, NotFoundError
from accredit.server import audit
from accredit.server.events import outbox
from accredit.server.keyring.records import KeyRecord, find_key, find_over_secret, insert_record
from accredit.server.keyring.scope import Scope
from accredit.server.store import Transaction, bump_config, one_by_one
from accredit.server.times import wire_time

_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Cause:
    """When something is done to a key, by whom (id of an API key, an operator, or a part of the server), in which request."""

    at_ms: int
    actor: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Retirement:
    """A key to end at a time; a time that has passed ends it now. whole_secret: with every other record over its secret."""

    scope: Scope
    key_id: str
    until_ms: int
    cause: Cause
    whole_secret: bool = False


@dataclass(frozen=True, slots=True)
class Revocation:
    """A key to end at once. reason: a code for the record and the audit. whole_secret: with every other record over its secret."""

    scope: Scope
    key_id: str
    cause: Cause
    reason: str = "revoked"
    whole_secret: bool = False


def add_key(tx: Transaction, record: KeyRecord, cause: Cause) -> KeyRecord:
    """Write a new record, and tell of it. The caller has bumped the config version and checked what limits it."""
    insert_record(tx, record)
    record_change(tx, "key.created", record, cause)
    tell(tx, "key.created", [record], cause)
    return record


def retire(tx: Transaction, item: Retirement) -> KeyRecord:
    """Set or move the time at which a live key ends. Raises NotFoundError key_not_found, ConflictError key_not_live."""
    bump_config(tx)
    record = _require_key(tx, item.scope, item.key_id)
    if not record.is_live(item.cause.at_ms):
        raise ConflictError("key_not_live")
    until = wire_time(item.until_ms)
    ending = [record, *_others(tx, record, item.cause.at_ms)] if item.whole_secret else [record]
    for each in ending:
        told = days_told(item.cause.at_ms, item.until_ms)
        tx.execute("UPDATE keys SET retire_ms = ?, told_days = ? WHERE id = ?", (item.until_ms, told, each.key_id))
        record_change(tx, "key.retiring", each, item.cause, detail={"until": until})
    tell(tx, "key.retiring", ending, item.cause, {"until": until})
    return replace(record, retire_ms=item.until_ms)


def revoke(tx: Transaction, item: Revocation) -> KeyRecord:
    """End a key now; one that is revoked already stays as it is. Raises NotFoundError key_not_found.

    The sessions that it opened go on, unless the caller cancels them in the same transaction.
    """
    bump_config(tx)
    record = _require_key(tx, item.scope, item.key_id)
    ending = [record] if record.revoked_ms is None else []
    if item.whole_secret:
        ending += _others(tx, record, item.cause.at_ms)
    for each in ending:
        end(tx, each, item.reason, item.cause.at_ms)
        record_change(tx, "key.revoked", each, item.cause, code=item.reason)
    if ending:
        tell(tx, "key.revoked", ending, item.cause)
    return _require_key(tx, item.scope, item.key_id)


def days_told(now_ms: int, until_ms: int) -> int | None:
    """Which of the warnings before an end is no more to be given once one was given now: that of so many days ahead, or none yet."""
    return next((days for days in (1, 7) if until_ms <= now_ms + days * _DAY_MS), None)


retire_key = one_by_one(retire)
revoke_key = one_by_one(revoke)


def end(tx: Transaction, record: KeyRecord, reason: str, at_ms: int) -> KeyRecord:
    """Mark a record as revoked, without a word to anybody: callers tell what happened."""
    tx.execute("UPDATE keys SET revoked_ms = ?, revoke_reason = ? WHERE id = ?", (at_ms, reason, record.key_id))
    return replace(record, revoked_ms=at_ms, revoke_reason=reason)


def record_change(
    tx: Transaction,
    kind: str,
    record: KeyRecord,
    cause: Cause,
    *,
    code: str | None = None,
    detail: dict[str, Json] | None = None,
) -> None:
    """Write the audit entry of a change of one record."""
    entry = audit.AuditEntry(
        at_ms=cause.at_ms,
        kind=kind,
        account_id=record.scope.account_id,
        environment=record.scope.environment,
        code=code,
        actor=cause.actor,
        integration_id=record.integration_id,
        key_id=record.key_id,
        request_id=cause.request_id,
        detail={"purpose": record.purpose, **(detail or {})},
    )
    audit.append(tx, [entry])


def tell(
    tx: Transaction, kind: str, records: Sequence[KeyRecord], cause: Cause, members: dict[str, Json] | None = None
) -> None:
    """Write one event for all records over one key or secret of one holder in one scope."""
    purposes: list[Json] = [record.purpose for record in records]
    data: dict[str, Json] = {"key_id": records[0].key_id, "purposes": purposes, **(members or {})}
    event = outbox.Event(
        type=kind, scope=records[0].scope, created_ms=cause.at_ms, integration_id=records[0].integration_id, data=data
    )
    outbox.append(tx, [event])


def _others(tx: Transaction, record: KeyRecord, at_ms: int) -> list[KeyRecord]:
    """The other live records over the secret of this one, in its account and environment."""
    return [each for each in find_over_secret(tx, record) if each.key_id != record.key_id and each.is_live(at_ms)]


def _require_key(tx: Transaction, scope: Scope, key_id: str) -> KeyRecord:
    record = find_key(tx, (scope, key_id))
    if record is None:
        raise NotFoundError("key_not_found")
    return record
