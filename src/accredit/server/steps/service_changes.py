"""Creating, changing, deleting step services, and exchanging their secrets: audited, seen by every node within a second."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from accredit.encoding import Json
from accredit.errors import AccreditError, ConflictError, MalformedError, NotFoundError
from accredit.sealing import parse_encryption_key
from accredit.server import audit
from accredit.server.ids import new_id
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.outbound import Outbound
from accredit.server.steps.gateway_changes import check_address
from accredit.server.steps.services import (
    COLUMNS,
    MAX_SERVICES,
    HeldService,
    ServiceMembers,
    ServiceSecrets,
    find_held,
    open_secrets,
    seal_secrets,
)
from accredit.server.store import Store, Transaction, bump_config, one_by_one
from accredit.webhooks import generate_webhook_secret

DEFAULT_OVERLAP_S, MAX_OVERLAP_S = 86_400, 604_800


@dataclass(frozen=True, slots=True)
class Parts:
    """What changes stand on."""

    store: Store
    sealer: Sealer
    outbound: Outbound


@dataclass(frozen=True, slots=True)
class _Writing:
    """A row to be written. before: as it was when this was made of it, None for a new one. changed: names of members."""

    held: HeldService
    kind: str
    changed: tuple[str, ...]
    cause: Cause
    before: HeldService | None = None


@dataclass(frozen=True, slots=True)
class Rotation:
    """An exchange of a secret. overlap_s: how long the one before still counts, 0 to 604800."""

    scope: Scope
    service_id: str
    overlap_s: int
    cause: Cause


@dataclass(frozen=True, slots=True)
class Issued:
    """A service with its new secret, which is told this once."""

    held: HeldService
    secret: str = field(repr=False)


async def create_service(parts: Parts, scope: Scope, members: ServiceMembers, cause: Cause) -> Issued:
    """Create a service.

    Raises MalformedError with the member: `endpoint_url_invalid`, `endpoint_address_forbidden`, and what is wrong with a key;
    NotFoundError `account_not_found`; ConflictError `step_service_limit_reached`.
    """
    await _check(parts, scope, members)
    await parts.sealer.ready(scope)
    service_id, secret = new_id("svc_"), generate_webhook_secret()
    sealed = seal_secrets(parts.sealer, scope, service_id, ServiceSecrets(present=secret))
    held = HeldService(scope, service_id, members, sealed, cause.at_ms, cause.at_ms)
    await parts.store.write(_create, _Writing(held, "step_service.created", (), cause))
    return Issued(held, secret)


async def change_service(parts: Parts, scope: Scope, service_id: str, changes: Mapping[str, Any], cause: Cause) -> HeldService:
    """Replace members of a service. Raises as `create_service`; NotFoundError `step_service_not_found`."""
    while True:
        before = await _find(parts, scope, service_id)
        members = msgspec.structs.replace(before.members, **changes)
        await _check(parts, scope, members)
        after = _after(before, members, before.sealed, cause)
        if await parts.store.write(_replace, _Writing(after, "step_service.changed", tuple(sorted(changes)), cause, before)):
            return after


async def rotate_secret(parts: Parts, rotation: Rotation) -> Issued:
    """Give a service another secret; until the overlap's end the one before counts, too.

    Raises NotFoundError `step_service_not_found`; ConflictError `rotation_under_way`: an exchange before it is not over.
    """
    scope, cause = rotation.scope, rotation.cause
    await parts.sealer.ready(scope)
    while True:
        before = await _find(parts, scope, rotation.service_id)
        if cause.at_ms < before.members.previous_until_ms:
            raise ConflictError("rotation_under_way")
        secret = generate_webhook_secret()
        kept = open_secrets(parts.sealer, before).present if rotation.overlap_s else None
        sealed = seal_secrets(parts.sealer, scope, before.service_id, ServiceSecrets(present=secret, previous=kept))
        until_ms = cause.at_ms + rotation.overlap_s * 1000
        after = _after(before, msgspec.structs.replace(before.members, previous_until_ms=until_ms), sealed, cause)
        if await parts.store.write(_replace, _Writing(after, "step_service.secret_rotated", (), cause, before)):
            return Issued(after, secret)


async def delete_service(parts: Parts, scope: Scope, service_id: str, cause: Cause) -> None:
    """Delete a service; steps that wait for it end with their `on_error`. Raises NotFoundError `step_service_not_found`."""
    await parts.store.write(_delete, (scope, service_id, cause))


def _after(before: HeldService, members: ServiceMembers, sealed: bytes, cause: Cause) -> HeldService:
    # Later than before even where clocks differ: it is what a change of another node is noticed by.
    at_ms = max(cause.at_ms, before.updated_ms + 1)
    return HeldService(before.scope, before.service_id, members, sealed, before.created_ms, at_ms)


async def _find(parts: Parts, scope: Scope, service_id: str) -> HeldService:
    held = await parts.store.read(find_held, (scope, service_id))
    if held is None:
        raise NotFoundError("step_service_not_found")
    return held


async def _check(parts: Parts, scope: Scope, members: ServiceMembers) -> None:
    key = members.encryption_public_key
    if key is not None:
        try:
            parse_encryption_key(key)
        except AccreditError as error:
            raise MalformedError(error.code, "encryption_public_key") from error
    await check_address(parts.outbound, members.url, scope)


@one_by_one
def _create(tx: Transaction, writing: _Writing) -> None:
    held, scope = writing.held, writing.held.scope
    bump_config(tx)
    if tx.row("SELECT 1 FROM accounts WHERE id = ?", (scope.account_id,)) is None:
        raise NotFoundError("account_not_found")
    count = tx.rows(
        "SELECT COUNT(*) FROM step_services WHERE account_id = ? AND environment = ?", (scope.account_id, scope.environment)
    )
    if count[0][0] >= MAX_SERVICES:
        raise ConflictError("step_service_limit_reached")
    record = msgspec.json.encode(held.members).decode()
    tx.execute(
        f"INSERT INTO step_services ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            *(scope.account_id, scope.environment, held.service_id),
            *(record, held.sealed, held.created_ms, held.updated_ms),
        ),
    )
    _record(tx, writing)


@one_by_one
def _replace(tx: Transaction, writing: _Writing) -> bool:
    """Change: whether it was still as it was; somebody else's change is the new ground."""
    held, before = writing.held, writing.before
    assert before is not None
    bump_config(tx)
    written = tx.execute(
        "UPDATE step_services SET record = ?, secrets = ?, updated_ms = ? WHERE id = ? AND updated_ms = ?",
        (
            *(msgspec.json.encode(held.members).decode(), held.sealed, held.updated_ms),
            *(held.service_id, before.updated_ms),
        ),
    )
    if written:
        _record(tx, writing)
    return bool(written)


@one_by_one
def _delete(tx: Transaction, item: tuple[Scope, str, Cause]) -> None:
    scope, service_id, cause = item
    bump_config(tx)
    held = find_held(tx, (scope, service_id))
    if held is None:
        raise NotFoundError("step_service_not_found")
    tx.execute("DELETE FROM step_services WHERE id = ?", (service_id,))
    _record(tx, _Writing(held, "step_service.deleted", (), cause))


def _record(tx: Transaction, writing: _Writing) -> None:
    scope, cause = writing.held.scope, writing.cause
    detail: dict[str, Json] = {"service_id": writing.held.service_id}
    if writing.changed:
        detail["changed"] = list(writing.changed)
    entry = audit.AuditEntry(
        at_ms=cause.at_ms,
        kind=writing.kind,
        account_id=scope.account_id,
        environment=scope.environment,
        actor=cause.actor,
        request_id=cause.request_id,
        detail=detail,
    )
    audit.append(tx, [entry])
