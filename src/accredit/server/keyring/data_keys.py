"""Data keys: 32 random bytes for each scope and purpose, stored only wrapped under the root key.

What a wrapped key is bound to (its id, scope and purpose) is authenticated, so that a row's key cannot stand in for another's.
Of each scope and purpose at most one is live; a destroyed row keeps its times and loses its key for good.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from accredit.errors import FailureError
from accredit.server.store import Transaction, bump_config, one_by_one

from .root import RootKey, RootKeys
from .scope import SERVER, Scope

_PURPOSES = ("seal", "lookup")
_SERVER_PURPOSES = (*_PURPOSES, "mac", "audit")


def purposes_of(scope: Scope) -> tuple[str, ...]:
    """What a scope has data keys for; those of the server itself also authenticate."""
    return _SERVER_PURPOSES if scope == SERVER else _PURPOSES


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A live row of data_keys."""

    key_id: int
    scope: Scope
    purpose: str
    root_key_id: str
    wrapped: bytes | None

    def unwrap(self, root_keys: RootKeys) -> bytes:
        """The data key. Raises FailureError root_key_missing or sealed_damaged."""
        root_key = root_keys.find(self.root_key_id)
        if root_key is None:
            raise FailureError("root_key_missing")
        if self.wrapped is None:
            raise FailureError("sealed_damaged")
        return root_key.unwrap(self.wrapped, _context(self.key_id, self.scope, self.purpose))


class Wanted(NamedTuple):
    """The scope whose data keys are to be there, and the root key for those that must be made."""

    scope: Scope
    root_key: RootKey
    now_ms: int


class Destruction(NamedTuple):
    """The scope whose data keys are to be destroyed."""

    scope: Scope
    now_ms: int


class Rewrap(NamedTuple):
    """At most how many rows one step of a rotation wraps anew."""

    root_keys: RootKeys
    limit: int


class Wrapping(NamedTuple):
    """How many live data keys there are, and how many of them the asked root key wraps."""

    total: int
    under_root_key: int


def find_data_keys(tx: Transaction, scope: Scope) -> Sequence[WrappedKey]:
    """The live data keys of a scope, in the order of their purposes."""
    found = tx.rows(
        "SELECT id, purpose, root_key_id, wrapped FROM data_keys"
        " WHERE account_id = ? AND environment = ? AND destroyed_ms IS NULL ORDER BY purpose",
        (scope.account_id, scope.environment),
    )
    return [WrappedKey(key_id, scope, *rest) for key_id, *rest in found]


@one_by_one
def create_data_keys(tx: Transaction, wanted: Wanted) -> Sequence[WrappedKey]:
    """Makes the data keys that the scope lacks; of two nodes at once one wins, and both go on with the winner's."""
    scope = wanted.scope
    for purpose in purposes_of(scope):
        made = tx.row(
            "INSERT INTO data_keys (account_id, environment, purpose, root_key_id, created_ms)"
            " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id",
            (scope.account_id, scope.environment, purpose, wanted.root_key.key_id, wanted.now_ms),
        )
        if made is not None:
            # The id is part of what is authenticated, so the key is wrapped once the row has one.
            wrapped = wanted.root_key.wrap(secrets.token_bytes(32), _context(made[0], scope, purpose))
            tx.execute("UPDATE data_keys SET wrapped = ? WHERE id = ?", (wrapped, made[0]))
    return find_data_keys(tx, scope)


@one_by_one
def destroy_data_keys(tx: Transaction, destruction: Destruction) -> int:
    """Takes the keys out of a scope's live rows; the number of them. Other processes drop theirs by the config version."""
    scope = destruction.scope
    bump_config(tx)
    return tx.execute(
        "UPDATE data_keys SET wrapped = NULL, destroyed_ms = ?"
        " WHERE account_id = ? AND environment = ? AND destroyed_ms IS NULL",
        (destruction.now_ms, scope.account_id, scope.environment),
    )


def count_data_keys(tx: Transaction, root_key_id: str) -> Wrapping:
    """How far a rotation to this root key has come."""
    total = tx.rows("SELECT COUNT(*) FROM data_keys WHERE destroyed_ms IS NULL")
    under = tx.rows("SELECT COUNT(*) FROM data_keys WHERE destroyed_ms IS NULL AND root_key_id = ?", (root_key_id,))
    return Wrapping(total[0][0], under[0][0])


@one_by_one
def rewrap_data_keys(tx: Transaction, rewrap: Rewrap) -> int:
    """Wraps some rows of other root keys under the current one; the number of rows looked at, 0 when none is left."""
    current = rewrap.root_keys.current
    found = tx.rows(
        "SELECT id, account_id, environment, purpose, root_key_id, wrapped FROM data_keys"
        " WHERE destroyed_ms IS NULL AND root_key_id <> ? ORDER BY id LIMIT ?",
        (current.key_id, rewrap.limit),
    )
    for key_id, account_id, environment, *rest in found:
        row = WrappedKey(key_id, Scope(account_id, environment), *rest)
        wrapped = current.wrap(row.unwrap(rewrap.root_keys), _context(key_id, row.scope, row.purpose))
        # A row that was destroyed since it was read stays so.
        tx.execute(
            "UPDATE data_keys SET wrapped = ?, root_key_id = ? WHERE id = ? AND destroyed_ms IS NULL",
            (wrapped, current.key_id, key_id),
        )
    return len(found)


def _context(key_id: int, scope: Scope, purpose: str) -> bytes:
    # None of the texts can hold the separator: PostgreSQL stores no NUL, and ids have no controls.
    return "\0".join(("accredit-data-key", str(key_id), scope.account_id, scope.environment, purpose)).encode()
