"""Creating, changing, deleting step services, and exchanging their secrets: audited, seen by every node within a second.

issued = await create_service(parts, scope, ServiceMembers(url="https://kyc.example/steps"), cause)
issued.secret          # whsec_..., shown this once
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from accredit.encoding import Json
from accredit.errors import ConflictError, NotFoundError
from accredit.server import audit
from accredit.server.ids import new_id
from accredit.server.keyring.changes import Cause, Revocation, add_key, revoke
from accredit.server.keyring.encryption_records import check_public_key
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.keyring.webhook_keys import MadeSecret, exchange_secret, find_endpoint_secrets, make_endpoint_secret
from accredit.server.outbound import Outbound
from accredit.server.steps.gateway_changes import check_address
from accredit.server.steps.services import COLUMNS, MAX_SERVICES, ServiceMembers, StepService, find_service
from accredit.server.store import Store, Transaction, bump_config, one_by_one

DEFAULT_OVERLAP_S, MAX_OVERLAP_S = 86_400, 604_800


@dataclass(frozen=True, slots=True)
class Parts:
    """What changes stand on."""

    store: Store
    sealer: Sealer
    outbound: Outbound


@dataclass(frozen=True, slots=True)
class Issued:
    """A service with its new secret, which is told this once."""

    service: StepService
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rotation:
    """An exchange of a secret. overlap_s: how long the one before still counts, 0 to 604800."""

    scope: Scope
    service_id: str
    overlap_s: int
    cause: Cause


@dataclass(frozen=True, slots=True)
class _Writing:
    """A row to be written. before: as it was when this was made of it. changed: names of members."""

    service: StepService
    cause: Cause
    before: StepService | None = None
    changed: tuple[str, ...] = ()
    secret: MadeSecret | None = None


async def create_service(parts: Parts, scope: Scope, members: ServiceMembers, cause: Cause) -> Issued:
    """Create a service.

    Raises MalformedError with the member: `endpoint_url_invalid`, `endpoint_address_forbidden`, and what is wrong with a key;
    NotFoundError `account_not_found`; ConflictError `step_service_limit_reached`.
    """
    await _check(parts, scope, msgspec.structs.asdict(members), cause)
    await parts.sealer.ready(scope)
    service = StepService(scope, new_id("svc_"), members, cause.at_ms, cause.at_ms)
    secret = make_endpoint_secret(parts.sealer, scope, service.service_id, cause.at_ms)
    await parts.store.write(_create, _Writing(service, cause, secret=secret))
    return Issued(service, secret.text)


async def change_service(parts: Parts, scope: Scope, service_id: str, changes: Mapping[str, Any], cause: Cause) -> StepService:
    """Replace members of a service. Raises as `create_service`; NotFoundError `step_service_not_found`."""
    await _check(parts, scope, changes, cause)
    while True:
        before = await parts.store.read(_require, (scope, service_id))
        # Later than before even where clocks differ: it is what a change of another node is noticed by.
        at_ms = max(cause.at_ms, before.updated_ms + 1)
        members = msgspec.structs.replace(before.members, **changes)
        after = StepService(scope, service_id, members, before.created_ms, at_ms)
        if await parts.store.write(_replace, _Writing(after, cause, before, tuple(sorted(changes)))):
            return after


async def rotate_secret(parts: Parts, rotation: Rotation) -> Issued:
    """Give a service another secret; until the overlap's end the one before counts, too.

    Raises NotFoundError `step_service_not_found`; ConflictError `rotation_under_way`: an exchange before it is not over, unless
    overlap_s is 0, which ends all older ones at once.
    """
    await parts.sealer.ready(rotation.scope)
    secret = make_endpoint_secret(parts.sealer, rotation.scope, rotation.service_id, rotation.cause.at_ms)
    return Issued(await parts.store.write(_rotate, (rotation, secret)), secret.text)


async def delete_service(parts: Parts, scope: Scope, service_id: str, cause: Cause) -> None:
    """Delete a service; steps that wait for it end with their `on_error`. Raises NotFoundError `step_service_not_found`."""
    await parts.store.write(_delete, (scope, service_id, cause))


async def _check(parts: Parts, scope: Scope, members: Mapping[str, Any], cause: Cause) -> None:
    if members.get("encryption_public_key") is not None:
        await check_public_key(parts.store, scope, members["encryption_public_key"], cause)
    if "url" in members:
        await check_address(parts.outbound, members["url"], scope)


def _require(tx: Transaction, wanted: tuple[Scope, str]) -> StepService:
    service = find_service(tx, wanted)
    if service is None:
        raise NotFoundError("step_service_not_found")
    return service


@one_by_one
def _create(tx: Transaction, writing: _Writing) -> None:
    service, scope = writing.service, writing.service.scope
    # Its lock makes two that are created at once wait for each other, so that the limit holds.
    bump_config(tx)
    if tx.row("SELECT 1 FROM accounts WHERE id = ?", (scope.account_id,)) is None:
        raise NotFoundError("account_not_found")
    count = tx.rows(
        "SELECT COUNT(*) FROM step_services WHERE account_id = ? AND environment = ?", (scope.account_id, scope.environment)
    )
    if count[0][0] >= MAX_SERVICES:
        raise ConflictError("step_service_limit_reached")
    record = msgspec.json.encode(service.members).decode()
    values = (scope.account_id, scope.environment, service.service_id, record, service.created_ms, service.updated_ms)
    tx.execute(f"INSERT INTO step_services ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", values)
    _record(tx, "step_service.created", writing)
    assert writing.secret is not None
    add_key(tx, writing.secret.record, writing.cause)


@one_by_one
def _replace(tx: Transaction, writing: _Writing) -> bool:
    """Change: whether it was still as it was; somebody else's change is the new ground."""
    service, before = writing.service, writing.before
    assert before is not None
    bump_config(tx)
    record = msgspec.json.encode(service.members).decode()
    written = tx.execute(
        "UPDATE step_services SET record = ?, updated_ms = ? WHERE id = ? AND updated_ms = ?",
        (record, service.updated_ms, service.service_id, before.updated_ms),
    )
    if written:
        _record(tx, "step_service.changed", writing)
    return bool(written)


@one_by_one
def _rotate(tx: Transaction, item: tuple[Rotation, MadeSecret]) -> StepService:
    rotation, secret = item
    bump_config(tx)
    scope, cause = rotation.scope, rotation.cause
    service = _require(tx, (scope, rotation.service_id))
    exchange_secret(tx, secret.record, rotation.overlap_s, cause)
    _record(tx, "step_service.secret_rotated", _Writing(service, cause))
    return service


@one_by_one
def _delete(tx: Transaction, item: tuple[Scope, str, Cause]) -> None:
    scope, service_id, cause = item
    bump_config(tx)
    service = _require(tx, (scope, service_id))
    tx.execute("DELETE FROM step_services WHERE id = ?", (service_id,))
    _record(tx, "step_service.deleted", _Writing(service, cause))
    for record in find_endpoint_secrets(tx, service_id):
        revoke(tx, Revocation(scope, record.key_id, cause, reason="step_service_deleted"))


def _record(tx: Transaction, kind: str, writing: _Writing) -> None:
    scope, cause = writing.service.scope, writing.cause
    detail: dict[str, Json] = {"service_id": writing.service.service_id, "changed": list(writing.changed)}
    entry = audit.AuditEntry(
        at_ms=cause.at_ms,
        kind=kind,
        account_id=scope.account_id,
        environment=scope.environment,
        actor=cause.actor,
        request_id=cause.request_id,
        detail=detail,
    )
    audit.append(tx, [entry])
