"""What is done to a webhook endpoint as a whole: enabling, disabling, deleting, another secret (protocol-webhooks.md section 5).

rotated = await rotate_secret(store, sealer, EndpointAction(scope, endpoint_id, cause), overlap_s=3600)
rotated.secret          # whsec_..., shown this once
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from accredit.encoding import Json
from accredit.errors import ConflictError, MalformedError, NotFoundError
from accredit.server import audit
from accredit.server.events.claiming import cancel_open
from accredit.server.events.disabling import disable
from accredit.server.events.records import Endpoint, find_endpoint
from accredit.server.keyring.changes import Cause, Revocation, revoke
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.keyring.webhook_keys import (
    MadeSecret,
    exchange_secret,
    find_api_key_ids,
    find_endpoint_secrets,
    make_endpoint_secret,
)
from accredit.server.store import Store, Transaction, bump_config, one_by_one

DEFAULT_OVERLAP_S, MAX_OVERLAP_S = 86_400, 604_800


@dataclass(frozen=True, slots=True)
class EndpointAction:
    """Something to be done to an endpoint as a whole."""

    scope: Scope
    endpoint_id: str
    cause: Cause


@dataclass(frozen=True, slots=True)
class MadeEndpoint:
    """An endpoint with a secret that is shown this once."""

    endpoint: Endpoint
    secret: str = field(repr=False)


async def delete_endpoint(store: Store, action: EndpointAction) -> None:
    """Delete an endpoint with its secrets; what was still to be sent is cancelled. Raises NotFoundError `endpoint_not_found`."""
    await store.write(_delete, action)


async def disable_endpoint(store: Store, action: EndpointAction) -> Endpoint:
    """Send no more to an endpoint, as its owner says. Again is the same. Raises NotFoundError `endpoint_not_found`."""
    return await store.write(_disable, action)


async def enable_endpoint(store: Store, action: EndpointAction) -> Endpoint:
    """Send to an endpoint again; what it missed is not sent by itself. Again is the same.

    Raises NotFoundError `endpoint_not_found`; ConflictError `key_not_live` where the API key that signs has no live secret.
    """
    return await store.write(_enable, action)


def parse_overlap(members: Mapping[str, Json]) -> int:
    """How long two secrets are to sign beside each other, in seconds. Raises MalformedError `validation_failed`."""
    for name in members:
        if name != "overlap_s":
            raise MalformedError("validation_failed", name)
    overlap_s = members.get("overlap_s", DEFAULT_OVERLAP_S)
    if type(overlap_s) is not int or not 0 <= overlap_s <= MAX_OVERLAP_S:
        raise MalformedError("validation_failed", "overlap_s")
    return overlap_s


async def rotate_secret(
    store: Store, sealer: Sealer, action: EndpointAction, overlap_s: int = DEFAULT_OVERLAP_S
) -> MadeEndpoint:
    """Give an endpoint another secret; the present one signs beside it for so many seconds, as `parse_overlap` takes them.

    Raises NotFoundError `endpoint_not_found`; ConflictError `rotation_under_way`, unless overlap_s is 0, which ends all older ones at
    once.
    """
    await sealer.ready(action.scope)
    secret = make_endpoint_secret(sealer, action.scope, action.endpoint_id, action.cause.at_ms)
    return MadeEndpoint(await store.write(_rotate, _Rotation(action, secret, overlap_s)), secret.text)


@dataclass(frozen=True, slots=True)
class _Rotation:
    action: EndpointAction
    secret: MadeSecret
    overlap_s: int


@one_by_one
def _delete(tx: Transaction, item: EndpointAction) -> None:
    bump_config(tx)
    endpoint = _require(tx, item)
    tx.execute("DELETE FROM webhook_endpoints WHERE id = ?", (endpoint.endpoint_id,))
    cancel_open(tx, endpoint.endpoint_id, item.cause.at_ms)
    record_change(tx, "endpoint.deleted", endpoint, item.cause)
    for record in find_endpoint_secrets(tx, endpoint.endpoint_id):
        revoke(tx, Revocation(item.scope, record.key_id, item.cause, reason="endpoint_deleted"))


@one_by_one
def _disable(tx: Transaction, item: EndpointAction) -> Endpoint:
    _require(tx, item)
    disable(tx, item.endpoint_id, "manual", item.cause)
    return _require(tx, item)


@one_by_one
def _enable(tx: Transaction, item: EndpointAction) -> Endpoint:
    endpoint = _require(tx, item)
    if endpoint.enabled:
        return endpoint
    if endpoint.members.signing == "api_key" and not find_api_key_ids(
        tx, item.scope, item.cause.at_ms, endpoint.members.api_key_id
    ):
        raise ConflictError("key_not_live", "api_key_id")
    tx.execute(
        "UPDATE webhook_endpoints SET enabled = 1, disabled_reason = NULL, updated_ms = ? WHERE id = ?",
        (item.cause.at_ms, item.endpoint_id),
    )
    begin_anew(tx, item.endpoint_id)
    record_change(tx, "endpoint.enabled", endpoint, item.cause)
    return _require(tx, item)


@one_by_one
def _rotate(tx: Transaction, item: _Rotation) -> Endpoint:
    bump_config(tx)
    endpoint = _require(tx, item.action)
    exchange_secret(tx, item.secret.record, item.overlap_s, item.action.cause)
    record_change(tx, "endpoint.secret_rotated", endpoint, item.action.cause)
    return endpoint


def _require(tx: Transaction, item: EndpointAction) -> Endpoint:
    endpoint = find_endpoint(tx, (item.scope, item.endpoint_id))
    if endpoint is None:
        raise NotFoundError("endpoint_not_found")
    return endpoint


def begin_anew(tx: Transaction, endpoint_id: str) -> None:
    """Forget how an endpoint did before it was disabled: what it failed then does not count when it is enabled again."""
    tx.execute(
        "UPDATE webhook_endpoints SET failing_since_ms = NULL, failures = 0, timeouts = 0, paused_until_ms = NULL,"
        " told_failing_ms = NULL WHERE id = ?",
        (endpoint_id,),
    )


def record_change(tx: Transaction, kind: str, endpoint: Endpoint, cause: Cause, changed: Sequence[str] = ()) -> None:
    """Write the audit entry of a change of an endpoint. changed: names of members."""
    entry = audit.AuditEntry(
        at_ms=cause.at_ms,
        kind=kind,
        account_id=endpoint.scope.account_id,
        environment=endpoint.scope.environment,
        actor=cause.actor,
        request_id=cause.request_id,
        detail={"endpoint_id": endpoint.endpoint_id, "kind": endpoint.kind, "changed": list(changed)},
    )
    audit.append(tx, [entry])
