"""API clients: the backends that call the rest door, each with up to three secrets (protocol-rest.md section 1).

A client belongs to one account and environment; other accounts may grant it access to theirs, of the same environment.

    client = await create_api_client(store, ApiClient(client_id="sandbox-smart-tower-112", scope=scope, name="Shop"), cause)
    made = await add_client_secret(store, scope, client.client_id, "", cause)
    made.secret_text          # shown once
"""

import re
from collections.abc import Sequence
from typing import Annotated, Literal, cast

import msgspec

from accredit.errors import ConflictError, MalformedError, NotFoundError
from accredit.keys import generate_secret, secret_hash
from accredit.server.audit import AuditEntry
from accredit.server.audit import append as append_audit
from accredit.server.ids import new_id
from accredit.server.keyring.api_keys import MadeApiKey
from accredit.server.keyring.changes import Cause, add_key
from accredit.server.keyring.records import KeyRecord, find_records
from accredit.server.keyring.scope import Scope
from accredit.server.store import Row, Store, Transaction, bump_config, one_by_one

# Each opens the rest door; `accredit` also /v1, as far as permissions go.
ClientScope = Literal["signicat-api", "accredit"]
# What a client may do: `rest` calls the rest door, `api` the owner's API.
Permission = Literal["rest", "api"]
TokenLifetime = Annotated[int, msgspec.Meta(ge=1, le=3600)]
SCOPES: tuple[ClientScope, ...] = ("signicat-api", "accredit")
DEFAULT_TOKEN_LIFETIME_S, MAX_SECRETS = 600, 3
_CLIENT_ID = re.compile(r"[A-Za-z0-9._~-]{1,128}")


class ApiClient(msgspec.Struct, frozen=True, kw_only=True):
    """A client. integration_id: whose policy holds for its sessions; None: that of its account.

    granted: ids of the other accounts that it serves.
    """

    client_id: str
    scope: Scope
    name: str
    enabled: bool = True
    scopes: tuple[ClientScope, ...] = SCOPES
    permissions: tuple[Permission, ...] = ("rest",)
    token_lifetime_s: int = DEFAULT_TOKEN_LIFETIME_S
    integration_id: str | None = None
    created_ms: int = 0
    updated_ms: int = 0
    granted: tuple[str, ...] = ()

    @property
    def accounts(self) -> tuple[str, ...]:
        """All accounts that it serves."""
        return (self.scope.account_id, *self.granted)


def is_client_id(text: str) -> bool:
    """Whether a client could be called so."""
    return _CLIENT_ID.fullmatch(text) is not None


async def create_api_client(store: Store, client: ApiClient, cause: Cause) -> ApiClient:
    """Create a client without a secret.

    Raises MalformedError: `field_invalid` (client_id); ConflictError: `client_exists`; NotFoundError: `account_not_found`,
    `integration_not_found` (none of this account's at the rest door).
    """
    if not is_client_id(client.client_id):
        raise MalformedError("field_invalid", "client_id")
    stamped = msgspec.structs.replace(client, created_ms=cause.at_ms, updated_ms=cause.at_ms)
    return await store.write(_create, (stamped, cause))


async def change_api_client(store: Store, client: ApiClient, cause: Cause) -> ApiClient:
    """Write a client anew. Raises NotFoundError: `client_not_found`, `integration_not_found`."""
    return await store.write(_change, (msgspec.structs.replace(client, updated_ms=cause.at_ms), cause))


async def delete_api_client(store: Store, scope: Scope, client_id: str, cause: Cause) -> None:
    """End a client and its secrets for good; its id is never given again. Raises NotFoundError `client_not_found`."""
    await store.write(_delete, (scope, client_id, cause))


async def add_client_secret(store: Store, scope: Scope, client_id: str, label: str, cause: Cause) -> MadeApiKey:
    """Make one more secret. Raises NotFoundError `client_not_found`, ConflictError `key_limit_reached` beyond three live ones."""
    secret_text = generate_secret(scope.environment, "api")
    record = KeyRecord(
        key_id=new_id("key_"),
        scope=scope,
        purpose="api",
        label=label,
        created_ms=cause.at_ms,
        client_id=client_id,
        secret_hash=secret_hash(secret_text),
    )
    return MadeApiKey(await store.write(_add_secret, (record, cause)), secret_text)


async def grant_access(store: Store, granting: Scope, client_id: str, cause: Cause) -> None:
    """Let another account's client of the same environment serve this account. Raises NotFoundError `client_not_found`."""
    await store.write(_grant, (granting, client_id, cause))


async def withdraw_access(store: Store, granting: Scope, client_id: str, cause: Cause) -> None:
    """Take that back. Raises NotFoundError `client_not_found` where it was not granted."""
    await store.write(_withdraw, (granting, client_id, cause))


_COLUMNS = (
    "id, account_id, environment, name, enabled, scopes, permissions, token_lifetime_s, integration_id, created_ms, updated_ms"
)


def find_api_client(tx: Transaction, client_id: str) -> ApiClient | None:
    """Query: the client of that id, of whatever account."""
    row = tx.row(f"SELECT {_COLUMNS} FROM api_clients WHERE id = ? AND deleted_ms IS NULL", (client_id,))
    return None if row is None else _read(row, _find_granted(tx, client_id))


def list_api_clients(tx: Transaction, wanted: tuple[Scope, str, int]) -> list[ApiClient]:
    """Query: up to that many clients of the scope, in order of their ids, behind the one named."""
    scope, after, limit = wanted
    rows = tx.rows(
        f"SELECT {_COLUMNS} FROM api_clients WHERE account_id = ? AND environment = ? AND id > ? AND deleted_ms IS NULL"
        " ORDER BY id LIMIT ?",
        (scope.account_id, scope.environment, after, limit),
    )
    return [_read(row, _find_granted(tx, cast("str", row[0]))) for row in rows]


def find_client_secrets(tx: Transaction, client_id: str) -> list[KeyRecord]:
    """Query: the secrets of a client, dead ones too."""
    return find_records(tx, "k.client_id = ? AND k.purpose = 'api'", (client_id,))


def list_granted(tx: Transaction, scope: Scope) -> list[str]:
    """Query: ids of the clients of others that this account lets in."""
    rows = tx.rows(
        "SELECT g.client_id FROM api_client_grants g JOIN api_clients c ON c.id = g.client_id"
        " WHERE g.account_id = ? AND c.environment = ? ORDER BY g.client_id",
        (scope.account_id, scope.environment),
    )
    return [row[0] for row in rows]


def _find_granted(tx: Transaction, client_id: str) -> tuple[str, ...]:
    rows = tx.rows("SELECT account_id FROM api_client_grants WHERE client_id = ? ORDER BY account_id", (client_id,))
    return tuple(row[0] for row in rows)


def _read(row: Row, granted: tuple[str, ...]) -> ApiClient:
    client_id, account_id, environment, name, enabled, scopes, permissions, lifetime_s, integration_id, *times = row
    return ApiClient(
        client_id=client_id,
        scope=Scope(account_id, environment),
        name=name,
        enabled=bool(enabled),
        scopes=msgspec.json.decode(scopes, type=tuple[ClientScope, ...]),
        permissions=msgspec.json.decode(permissions, type=tuple[Permission, ...]),
        token_lifetime_s=lifetime_s,
        integration_id=integration_id,
        created_ms=times[0],
        updated_ms=times[1],
        granted=granted,
    )


@one_by_one
def _create(tx: Transaction, item: tuple[ApiClient, Cause]) -> ApiClient:
    client, cause = item
    bump_config(tx)
    if tx.row("SELECT 1 FROM accounts WHERE id = ?", (client.scope.account_id,)) is None:
        raise NotFoundError("account_not_found")
    _check_integration(tx, client)
    inserted = tx.execute(
        f"INSERT INTO api_clients ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            *(client.client_id, client.scope.account_id, client.scope.environment, client.name, int(client.enabled)),
            *(*_lists(client), client.token_lifetime_s, client.integration_id, client.created_ms, client.updated_ms),
        ),
    )
    if not inserted:
        raise ConflictError("client_exists", "client_id")
    _record(tx, "client.created", client.scope, client.client_id, cause)
    return client


@one_by_one
def _change(tx: Transaction, item: tuple[ApiClient, Cause]) -> ApiClient:
    client, cause = item
    bump_config(tx)
    _check_integration(tx, client)
    changed = tx.execute(
        "UPDATE api_clients SET name = ?, enabled = ?, scopes = ?, permissions = ?, token_lifetime_s = ?, integration_id = ?,"
        " updated_ms = ? WHERE id = ? AND account_id = ? AND environment = ? AND deleted_ms IS NULL",
        (
            *(client.name, int(client.enabled), *_lists(client), client.token_lifetime_s, client.integration_id),
            *(client.updated_ms, client.client_id, client.scope.account_id, client.scope.environment),
        ),
    )
    if not changed:
        raise NotFoundError("client_not_found")
    _record(tx, "client.changed", client.scope, client.client_id, cause)
    return client


@one_by_one
def _delete(tx: Transaction, item: tuple[Scope, str, Cause]) -> None:
    scope, client_id, cause = item
    bump_config(tx)
    changed = tx.execute(
        "UPDATE api_clients SET deleted_ms = ? WHERE id = ? AND account_id = ? AND environment = ? AND deleted_ms IS NULL",
        (cause.at_ms, client_id, scope.account_id, scope.environment),
    )
    if not changed:
        raise NotFoundError("client_not_found")
    tx.execute(
        "UPDATE keys SET revoked_ms = ?, revoke_reason = 'client_deleted' WHERE client_id = ? AND revoked_ms IS NULL",
        (cause.at_ms, client_id),
    )
    tx.execute("DELETE FROM api_client_grants WHERE client_id = ?", (client_id,))
    _record(tx, "client.deleted", scope, client_id, cause)


@one_by_one
def _add_secret(tx: Transaction, item: tuple[KeyRecord, Cause]) -> KeyRecord:
    record, cause = item
    bump_config(tx)
    client_id = str(record.client_id)
    client = find_api_client(tx, client_id)
    if client is None or client.scope != record.scope:
        raise NotFoundError("client_not_found")
    if sum(each.is_live(cause.at_ms) for each in find_client_secrets(tx, client_id)) >= MAX_SECRETS:
        raise ConflictError("key_limit_reached")
    return add_key(tx, record, cause)


@one_by_one
def _grant(tx: Transaction, item: tuple[Scope, str, Cause]) -> None:
    granting, client_id, cause = item
    bump_config(tx)
    client = find_api_client(tx, client_id)
    if client is None or client.scope.environment != granting.environment or client.scope == granting:
        raise NotFoundError("client_not_found")
    tx.execute(
        "INSERT INTO api_client_grants (client_id, account_id, granted_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (client_id, granting.account_id, cause.at_ms),
    )
    _record(tx, "client.granted", granting, client_id, cause)


@one_by_one
def _withdraw(tx: Transaction, item: tuple[Scope, str, Cause]) -> None:
    granting, client_id, cause = item
    bump_config(tx)
    if not tx.execute("DELETE FROM api_client_grants WHERE client_id = ? AND account_id = ?", (client_id, granting.account_id)):
        raise NotFoundError("client_not_found")
    _record(tx, "client.withdrawn", granting, client_id, cause)


def _lists(client: ApiClient) -> Sequence[str]:
    return msgspec.json.encode(client.scopes).decode(), msgspec.json.encode(client.permissions).decode()


def _check_integration(tx: Transaction, client: ApiClient) -> None:
    if client.integration_id is None:
        return
    found = tx.row(
        "SELECT 1 FROM integrations WHERE id = ? AND account_id = ? AND environment = ? AND door = 'rest' AND deleted_ms IS NULL",
        (client.integration_id, client.scope.account_id, client.scope.environment),
    )
    if found is None:
        raise NotFoundError("integration_not_found", "integration_id")


def _record(tx: Transaction, kind: str, scope: Scope, client_id: str, cause: Cause) -> None:
    entry = AuditEntry(
        at_ms=cause.at_ms,
        kind=kind,
        account_id=scope.account_id,
        environment=scope.environment,
        actor=cause.actor,
        request_id=cause.request_id,
        detail={"client_id": client_id},
    )
    append_audit(tx, [entry])
