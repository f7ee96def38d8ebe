"""User data: what an application keeps for one user of one integration across visits (protocol-embed.md section 9).

A JSON object of at most 64 KiB, sealed, found by the keyed hash of the user id. Versions are ETags: `If-Match` and
`If-None-Match: *` keep two writers from losing each other's work (RFC 9110 section 13.1).
"""

from dataclasses import dataclass

from accredit.encoding import Json, JsonError, compact_json, parse_json
from accredit.errors import ConflictError, MalformedError, NotFoundError
from accredit.server.audit import AuditEntry, append
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.sessions.lifecycle import close, redact
from accredit.server.store import Store, Transaction, one_by_one

MAX_BYTES, MAX_DEPTH = 64 * 1024, 32


@dataclass(frozen=True, slots=True)
class User:
    """One user of one integration, as the store finds it."""

    scope: Scope
    integration_id: str
    subject_hash: bytes


@dataclass(frozen=True, slots=True)
class StoredData:
    """What is stored. etag: changes with every write."""

    data: dict[str, Json]
    etag: str


@dataclass(frozen=True, slots=True)
class Precondition:
    """if_match: the etags that the caller knows, None if it did not say; if_absent: only when nothing is stored."""

    if_match: frozenset[str] | None = None
    if_absent: bool = False


UNCONDITIONAL = Precondition()


def find_user(sealer: Sealer, scope: Scope, integration_id: str, uid: str) -> User:
    """The user of that id; nobody is looked up yet."""
    return User(scope, integration_id, sealer.lookup_hash(scope, f"user:{integration_id}", uid))


def parse_data(octets: bytes) -> dict[str, Json]:
    """Read a body. Raises MalformedError: `body_too_large`, `request_malformed`."""
    if len(octets) > MAX_BYTES:
        raise MalformedError("body_too_large")
    try:
        data = parse_json(octets, max_depth=MAX_DEPTH)
    except JsonError as error:
        raise MalformedError("request_malformed") from error
    if not isinstance(data, dict):
        raise MalformedError("request_malformed")
    return data


async def load_data(store: Store, sealer: Sealer, user: User) -> StoredData:
    """What is stored for the user. Raises NotFoundError `user_data_unknown`."""
    row = await store.read(_find, user)
    if row is None:
        raise NotFoundError("user_data_unknown")
    sealed, version = row
    plain = sealer.open(user.scope, sealed, row=_row_name(user), column="users.data")
    data = parse_json(plain, max_depth=MAX_DEPTH)
    assert isinstance(data, dict)
    return StoredData(data, etag(user, version))


def _find(tx: Transaction, user: User) -> tuple[bytes, int] | None:
    row = tx.row(
        "SELECT data, version FROM users WHERE integration_id = ? AND subject_hash = ? AND data IS NOT NULL",
        (user.integration_id, user.subject_hash),
    )
    return None if row is None else (bytes(row[0]), int(row[1]))


def etag(user: User, version: int) -> str:
    """The strong entity tag of one version."""
    return f'"{version}-{user.subject_hash[:6].hex()}"'


def _row_name(user: User) -> str:
    return f"{user.integration_id}/{user.subject_hash.hex()}"


async def write_data(
    store: Store, sealer: Sealer, user: User, data: dict[str, Json], precondition: Precondition, *, now_ms: int
) -> str:
    """Store the object and return its etag. Raises ConflictError `precondition_failed`."""
    sealed = sealer.seal(user.scope, compact_json(data), row=_row_name(user), column="users.data")
    return etag(user, await store.write(_put, (user, sealed, precondition, now_ms)))


@one_by_one
def _put(tx: Transaction, item: tuple[User, bytes, Precondition, int]) -> int:
    user, sealed, precondition, now_ms = item
    # A row of its own for every user ever seen, so that two first writers meet at its lock.
    tx.execute(
        "INSERT INTO users (integration_id, subject_hash, data, version, created_ms, updated_ms) VALUES (?, ?, NULL, 0, ?, ?)"
        " ON CONFLICT (integration_id, subject_hash) DO UPDATE SET version = users.version",
        (user.integration_id, user.subject_hash, now_ms, now_ms),
    )
    _check(tx, user, precondition)
    row = tx.row(
        "UPDATE users SET data = ?, version = version + 1, updated_ms = ? WHERE integration_id = ? AND subject_hash = ?"
        " RETURNING version",
        (sealed, now_ms, user.integration_id, user.subject_hash),
    )
    assert row is not None
    return int(row[0])


def _check(tx: Transaction, user: User, precondition: Precondition) -> None:
    stored = _find(tx, user)
    if precondition.if_absent and stored is not None:
        raise ConflictError("precondition_failed")
    wanted = precondition.if_match
    if wanted is not None and (stored is None or not wanted & {"*", etag(user, stored[1])}):
        raise ConflictError("precondition_failed")


async def delete_data(store: Store, user: User, precondition: Precondition, *, now_ms: int) -> None:
    """Delete what is stored. Raises NotFoundError `user_data_unknown`, ConflictError `precondition_failed`."""
    await store.write(_delete, (user, precondition, now_ms))


@one_by_one
def _delete(tx: Transaction, item: tuple[User, Precondition, int]) -> None:
    user, precondition, now_ms = item
    _check(tx, user, precondition)
    # The row stays with its version, so that an etag seen before can never come back.
    changed = tx.execute(
        "UPDATE users SET data = NULL, version = version + 1, updated_ms = ?"
        " WHERE integration_id = ? AND subject_hash = ? AND data IS NOT NULL",
        (now_ms, user.integration_id, user.subject_hash),
    )
    if not changed:
        raise NotFoundError("user_data_unknown")


async def erase_user(store: Store, user: User, cause: Cause) -> int:
    """Delete the user's data and redact the user's sessions; open ones are cancelled first. How many sessions there were.

    One transaction, its audit entry included: an erasure is never half done, and never done unseen.
    """
    return await store.write(_erase, (user, cause))


@one_by_one
def _erase(tx: Transaction, item: tuple[User, Cause]) -> int:
    user, cause = item
    tx.execute("DELETE FROM users WHERE integration_id = ? AND subject_hash = ?", (user.integration_id, user.subject_hash))
    rows = tx.rows(
        "SELECT id FROM sessions WHERE integration_id = ? AND subject_hash = ? ORDER BY id",
        (user.integration_id, user.subject_hash),
    )
    ids = [row[0] for row in rows]
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        close(tx, part, "cancelled", cause.at_ms, reason="user_erased")
        redact(tx, part, cause.at_ms)
    entry = AuditEntry(
        at_ms=cause.at_ms,
        kind="user.erased",
        account_id=user.scope.account_id,
        environment=user.scope.environment,
        actor=cause.actor,
        integration_id=user.integration_id,
        request_id=cause.request_id,
        detail={"sessions": len(ids)},
    )
    append(tx, [entry])
    return len(ids)
