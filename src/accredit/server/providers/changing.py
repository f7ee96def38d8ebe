"""Creating, changing and deleting provider records: each audited, each seen by every node within a second.

record = await create_provider(parts, ProviderChange(scope, "eid", members, Cause(now_ms, actor=api_key.key_id)))
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from accredit.encoding import Json
from accredit.errors import ConflictError, MalformedError, NotFoundError
from accredit.server import audit
from accredit.server.ids import new_id
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.outbound import Outbound
from accredit.server.providers.checking import addresses_of, check_settings, roles_of, signing_alg_of
from accredit.server.providers.keys import ProviderKey, Rotation, insert_key, list_keys, make_keys, rotate_keys, seal_key
from accredit.server.providers.members import Parsed, check_provider_id, parse_members, present_members
from accredit.server.providers.records import (
    MAX_PROVIDERS,
    HeldProvider,
    ProviderRecord,
    StoredMembers,
    find_held,
    open_secrets,
    seal_secrets,
)
from accredit.server.store import Store, Transaction, bump_config, one_by_one


@dataclass(frozen=True, slots=True)
class Parts:
    """What changes stand on."""

    store: Store
    sealer: Sealer
    outbound: Outbound


@dataclass(frozen=True, slots=True)
class ProviderChange:
    """A provider to create, or members that replace those that are there."""

    scope: Scope
    provider_id: str
    members: Mapping[str, Json]
    cause: Cause


@dataclass(frozen=True, slots=True)
class _Writing:
    """A row to be written. before: the record that it was made from, None for a new one. changed: names of members."""

    record: ProviderRecord
    sealed: bytes | None
    keys: Sequence[ProviderKey]
    before: ProviderRecord | None
    changed: Sequence[str]
    cause: Cause


async def create_provider(parts: Parts, change: ProviderChange) -> ProviderRecord:
    """Create a provider, with the keys that it needs.

    Raises MalformedError with the member: `field_missing`, `field_invalid`, `provider_kind_unsupported`, `endpoint_url_invalid`,
    `endpoint_address_forbidden`, and what is wrong with an entity statement; NotFoundError `account_not_found`; ConflictError
    `provider_exists`, `provider_limit_reached`.
    """
    check_provider_id(change.provider_id)
    parsed = await _check(parts, change, change.members, {})
    at_ms = change.cause.at_ms
    record = _record(change, new_id("prv_"), parsed.stored, at_ms, at_ms)
    writing = await _prepare(parts, record, parsed.secrets, None, change)
    return await parts.store.write(_create, writing)


async def change_provider(parts: Parts, change: ProviderChange) -> ProviderRecord:
    """Replace members of a provider; its kind and profile stay. Raises as `create_provider`; NotFoundError `provider_not_found`."""
    while True:
        held = await _find(parts, change.scope, change.provider_id)
        before = present_members(_stored(held.record))
        for name in ("kind", "profile"):
            if change.members.get(name, before.get(name)) != before.get(name):
                raise MalformedError("field_invalid", name)
        await parts.sealer.ready(change.scope)
        parsed = await _check(parts, change, before | dict(change.members), open_secrets(parts.sealer, held))
        at_ms = max(change.cause.at_ms, held.record.updated_ms + 1)
        record = _record(change, held.record.ref, parsed.stored, at_ms, held.record.created_ms)
        writing = await _prepare(parts, record, parsed.secrets, held.record, change)
        written = await parts.store.write(_change, writing)
        # Somebody else changed it meanwhile: what they wrote is the new ground.
        if written is not None:
            return written


async def delete_provider(parts: Parts, scope: Scope, provider_id: str, cause: Cause) -> None:
    """Delete a provider and its keys; attempts that are under way end in an error. Raises NotFoundError `provider_not_found`."""
    await parts.store.write(_delete, (scope, provider_id, cause))


async def rotate_provider(parts: Parts, scope: Scope, provider_id: str, cause: Cause) -> list[ProviderKey]:
    """Move the keys of a provider one phase on, where it is time; its keys then. Raises NotFoundError `provider_not_found`."""
    record = (await _find(parts, scope, provider_id)).record
    roles = [role for role in roles_of(record) if role != "entity"]
    await parts.sealer.ready(scope)
    made = await make_keys(roles, signing_alg_of(record))
    fresh = [seal_key(parts.sealer, scope, record.ref, key, "warm_up", cause.at_ms) for key in made]
    return await parts.store.write(rotate_keys, Rotation(record, fresh, cause))


async def _find(parts: Parts, scope: Scope, provider_id: str) -> HeldProvider:
    held = await parts.store.read(find_held, (scope, provider_id))
    if held is None:
        raise NotFoundError("provider_not_found")
    return held


async def _check(parts: Parts, change: ProviderChange, members: Mapping[str, Json], secrets: Mapping[str, str]) -> Parsed:
    environment = change.scope.environment
    parsed = parse_members(change.provider_id, members, secrets, environment)
    settings = check_settings(parsed, change.cause.at_ms)
    for member, url in addresses_of(settings).items():
        try:
            await parts.outbound.check(url, plain=environment == "sandbox")
        except MalformedError as error:
            raise MalformedError(error.code, member) from error
    return parsed


async def _prepare(
    parts: Parts, record: ProviderRecord, secrets: Mapping[str, str], before: ProviderRecord | None, change: ProviderChange
) -> _Writing:
    roles = roles_of(record)
    present: Collection[str] = ()
    if before is not None and roles:
        present = {key.role for key in await parts.store.read(list_keys, record.ref)}
    made = await make_keys([role for role in roles if role not in present], signing_alg_of(record))
    if made or secrets:
        await parts.sealer.ready(record.scope)
    keys = [seal_key(parts.sealer, record.scope, record.ref, key, "normal", change.cause.at_ms) for key in made]
    sealed = seal_secrets(parts.sealer, record.scope, record.ref, secrets)
    return _Writing(record, sealed, keys, before, sorted(change.members), change.cause)


def _record(change: ProviderChange, ref: str, stored: StoredMembers, at_ms: int, created_ms: int) -> ProviderRecord:
    return ProviderRecord(
        scope=change.scope,
        provider_id=change.provider_id,
        ref=ref,
        created_ms=created_ms,
        updated_ms=at_ms,
        **msgspec.structs.asdict(stored),
    )


def _stored(record: ProviderRecord) -> StoredMembers:
    names = (field.name for field in msgspec.structs.fields(StoredMembers))
    return StoredMembers(**{name: getattr(record, name) for name in names})


def insert_provider(tx: Transaction, record: ProviderRecord, sealed: bytes | None = None) -> bool:
    """Write a new row; whether there was none of that id. The caller bumps the config version and tells of it."""
    scope = record.scope
    return bool(
        tx.execute(
            "INSERT INTO providers (account_id, environment, id, ref, record, secrets, created_ms, updated_ms)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (
                *(scope.account_id, scope.environment, record.provider_id, record.ref),
                *(msgspec.json.encode(_stored(record)).decode(), sealed, record.created_ms, record.updated_ms),
            ),
        )
    )


@one_by_one
def _create(tx: Transaction, writing: _Writing) -> ProviderRecord:
    record, scope = writing.record, writing.record.scope
    bump_config(tx)
    if tx.row("SELECT 1 FROM accounts WHERE id = ?", (scope.account_id,)) is None:
        raise NotFoundError("account_not_found")
    count = tx.rows(
        "SELECT COUNT(*) FROM providers WHERE account_id = ? AND environment = ?", (scope.account_id, scope.environment)
    )
    if count[0][0] >= MAX_PROVIDERS:
        raise ConflictError("provider_limit_reached")
    if not insert_provider(tx, record, writing.sealed):
        raise ConflictError("provider_exists", "provider_id")
    _record_change(tx, "provider.created", writing)
    return record


@one_by_one
def _change(tx: Transaction, writing: _Writing) -> ProviderRecord | None:
    record, before = writing.record, writing.before
    assert before is not None
    bump_config(tx)
    written = tx.execute(
        "UPDATE providers SET record = ?, secrets = ?, updated_ms = ? WHERE ref = ? AND updated_ms = ?",
        (msgspec.json.encode(_stored(record)).decode(), writing.sealed, record.updated_ms, record.ref, before.updated_ms),
    )
    if not written:
        return None
    _record_change(tx, "provider.changed", writing)
    return record


@one_by_one
def _delete(tx: Transaction, item: tuple[Scope, str, Cause]) -> None:
    scope, provider_id, cause = item
    bump_config(tx)
    held = find_held(tx, (scope, provider_id))
    if held is None:
        raise NotFoundError("provider_not_found")
    tx.execute("DELETE FROM providers WHERE ref = ?", (held.record.ref,))
    tx.execute("DELETE FROM provider_keys WHERE provider_ref = ?", (held.record.ref,))
    _record_change(tx, "provider.deleted", _Writing(held.record, None, (), None, (), cause))


def _record_change(tx: Transaction, kind: str, writing: _Writing) -> None:
    record, cause = writing.record, writing.cause
    entry = audit.AuditEntry(
        at_ms=cause.at_ms,
        kind=kind,
        account_id=record.scope.account_id,
        environment=record.scope.environment,
        actor=cause.actor,
        request_id=cause.request_id,
        detail={"provider_id": record.provider_id, "kind": record.kind, "changed": list(writing.changed)},
    )
    audit.append(tx, [entry])
    for key in writing.keys:
        insert_key(tx, record, key, cause)
