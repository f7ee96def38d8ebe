"""Key sets as stored: where a deployer publishes its keys, when that was last read, and which node reads it now.

protocol-embed.md section 10. A set that was looked at after it was last read is failing: from then on its keys hold for what is left
of 24 h after that reading, which `records` computes.
"""

from dataclasses import dataclass, replace

import msgspec

from accredit.errors import ConflictError, NotFoundError
from accredit.server import audit
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.deployment_keys import Holder
from accredit.server.keyring.scope import Scope
from accredit.server.store import Row, Transaction, Value, bump_config, one_by_one

MAX_KEY_SETS = 5
_LEASE_MS = 30_000
_COLUMNS = "id, account_id, environment, deployer_id, uri, alg, integration_ids, created_ms, fetched_ms, checked_ms, last_error"


@dataclass(frozen=True, slots=True)
class KeySet:
    """An address at which a deployer publishes its keys. last_error: why it could not be read, or the codes of skipped keys."""

    key_set_id: str
    holder: Holder
    uri: str
    created_ms: int
    fetched_ms: int
    checked_ms: int
    last_error: str | None = None

    @property
    def is_failing(self) -> bool:
        """Whether it could not be read when it was last looked at."""
        return self.checked_ms > self.fetched_ms


@dataclass(frozen=True, slots=True)
class Claim:
    """Sets for this node to read: of one deployer, or of all, last looked at no later than `checked_by_ms`."""

    now_ms: int
    checked_by_ms: int
    limit: int
    holder: tuple[Scope, str] | None = None


def find_key_set(tx: Transaction, wanted: tuple[Scope, str]) -> KeySet | None:
    """Query: the set of that id, if it is of that account and environment and was not removed."""
    scope, key_set_id = wanted
    found = _select(tx, "id = ? AND account_id = ? AND environment = ?", key_set_id, scope.account_id, scope.environment)
    return found[0] if found else None


def list_key_sets(tx: Transaction, holder: tuple[Scope, str]) -> list[KeySet]:
    """Query: the sets of a deployer, oldest first."""
    scope, deployer_id = holder
    condition = "account_id = ? AND environment = ? AND deployer_id = ? ORDER BY created_ms, id"
    return _select(tx, condition, scope.account_id, scope.environment, deployer_id)


def insert_key_set(tx: Transaction, key_set: KeySet, cause: Cause) -> None:
    """Write a new set. Raises ConflictError: key_exists for an address that the deployer has, key_limit_reached."""
    holder = key_set.holder
    others = list_key_sets(tx, (holder.scope, holder.deployer_id))
    if any(other.uri == key_set.uri for other in others):
        raise ConflictError("key_exists", "jwks_uri")
    if len(others) >= MAX_KEY_SETS:
        raise ConflictError("key_limit_reached", "jwks_uri")
    names = None if holder.integration_ids is None else msgspec.json.encode(holder.integration_ids).decode()
    tx.execute(
        f"INSERT INTO key_sets ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            key_set.key_set_id, holder.scope.account_id, holder.scope.environment, holder.deployer_id, key_set.uri, holder.alg,
            names, key_set.created_ms, key_set.fetched_ms, key_set.checked_ms, key_set.last_error,
        ),
    )  # fmt: skip
    record_in_audit(tx, "key_set.added", key_set, cause)


def mark_read(tx: Transaction, key_set: KeySet, note: str | None, at_ms: int) -> KeySet:
    """Note a good reading, and what was skipped in it."""
    tx.execute(
        "UPDATE key_sets SET fetched_ms = ?, checked_ms = ?, last_error = ?, lease_ms = NULL WHERE id = ?",
        (at_ms, at_ms, note, key_set.key_set_id),
    )
    return replace(key_set, fetched_ms=at_ms, checked_ms=at_ms, last_error=note)


@one_by_one
def mark_unreadable(tx: Transaction, item: tuple[KeySet, str, Cause]) -> None:
    """Change: note that a set could not be read, and why. When that begins, its keys get an end, of which all nodes must hear."""
    known, code, cause = item
    key_set = find_key_set(tx, (known.holder.scope, known.key_set_id))
    if key_set is None:
        return
    if not key_set.is_failing:
        bump_config(tx)
        record_in_audit(tx, "key_set.unreadable", key_set, cause, code)
    tx.execute(
        "UPDATE key_sets SET checked_ms = ?, last_error = ?, lease_ms = NULL WHERE id = ?",
        (cause.at_ms, code, key_set.key_set_id),
    )


@one_by_one
def claim_key_sets(tx: Transaction, claim: Claim) -> list[KeySet]:
    """Change: lease sets that are due, so that no other node reads them too; a node that dies loses its lease with time."""
    due = "checked_ms <= ? AND (lease_ms IS NULL OR lease_ms <= ?)"
    values: list[Value] = [claim.checked_by_ms, claim.now_ms]
    condition = due
    if claim.holder is not None:
        scope, deployer_id = claim.holder
        condition += " AND account_id = ? AND environment = ? AND deployer_id = ?"
        values += [scope.account_id, scope.environment, deployer_id]
    found = _select(tx, f"{condition} ORDER BY checked_ms, id LIMIT {claim.limit}", *values)
    return [
        key_set
        for key_set in sorted(found, key=lambda each: each.key_set_id)
        # Judged again by the statement that takes the lease: of two nodes that found it due, one changes the row.
        if tx.execute(
            f"UPDATE key_sets SET lease_ms = ? WHERE id = ? AND {due}",
            (claim.now_ms + _LEASE_MS, key_set.key_set_id, claim.checked_by_ms, claim.now_ms),
        )
    ]


def mark_removed(tx: Transaction, wanted: tuple[Scope, str], cause: Cause) -> KeySet:
    """Take a set out of use; the caller ends its keys. Raises NotFoundError key_not_found."""
    key_set = find_key_set(tx, wanted)
    if key_set is None:
        raise NotFoundError("key_not_found")
    tx.execute("UPDATE key_sets SET removed_ms = ? WHERE id = ?", (cause.at_ms, key_set.key_set_id))
    record_in_audit(tx, "key_set.removed", key_set, cause)
    return key_set


def record_in_audit(tx: Transaction, kind: str, key_set: KeySet, cause: Cause, code: str | None = None) -> None:
    """Write an audit entry about a set."""
    scope = key_set.holder.scope
    entry = audit.AuditEntry(
        at_ms=cause.at_ms,
        kind=kind,
        account_id=scope.account_id,
        environment=scope.environment,
        code=code,
        actor=cause.actor,
        request_id=cause.request_id,
        detail={"key_set_id": key_set.key_set_id},
    )
    audit.append(tx, [entry])


def _select(tx: Transaction, condition: str, *values: Value) -> list[KeySet]:
    rows = tx.rows(f"SELECT {_COLUMNS} FROM key_sets WHERE removed_ms IS NULL AND {condition}", values)
    return [_read_row(row) for row in rows]


def _read_row(row: Row) -> KeySet:
    key_set_id, account_id, environment, deployer_id, uri, alg, names, *rest = row
    integration_ids = None if names is None else msgspec.json.decode(names, type=tuple[str, ...])
    holder = Holder(Scope(account_id, environment), deployer_id, alg, integration_ids)
    return KeySet(key_set_id, holder, uri, *rest)
