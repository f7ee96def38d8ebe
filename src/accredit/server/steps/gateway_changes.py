"""Setting and removing the SMS gateway of an account and environment: audited, seen by every node within a second."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from accredit.encoding import Json
from accredit.errors import MalformedError, NotFoundError
from accredit.server import audit
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.outbound import Outbound
from accredit.server.steps.gateways import SmsGateway, check_body, check_headers, find_gateway, open_headers, seal_headers
from accredit.server.store import Store, Transaction, bump_config, one_by_one


@dataclass(frozen=True, slots=True)
class GatewayChange:
    """A gateway as it is to be. headers: None keeps those that are there."""

    scope: Scope
    url: str
    body: Mapping[str, Json]
    headers: Mapping[str, str] | None = field(repr=False)
    cause: Cause


@dataclass(frozen=True, slots=True)
class _Writing:
    change: GatewayChange
    sealed: bytes = field(repr=False)


async def set_gateway(store: Store, sealer: Sealer, outbound: Outbound, change: GatewayChange) -> SmsGateway:
    """Set the gateway, in place of the one that is there; as it is then.

    Raises MalformedError with the member: `field_invalid`, `endpoint_url_invalid`, `endpoint_address_forbidden`; NotFoundError
    `account_not_found`.
    """
    check_body(change.body)
    await sealer.ready(change.scope)
    headers = change.headers
    if headers is None:
        held = await store.read(find_gateway, change.scope)
        headers = {} if held is None else open_headers(sealer, change.scope, held)
    check_headers(headers)
    await check_address(outbound, change.url, change.scope)
    await store.write(_set, _Writing(change, seal_headers(sealer, change.scope, headers)))
    return SmsGateway(change.scope, change.url, change.body, headers, change.cause.at_ms)


async def check_address(outbound: Outbound, url: str, scope: Scope) -> None:
    """Judge an address that an owner names. Raises MalformedError of member `url`."""
    try:
        await outbound.check(url, plain=scope.environment == "sandbox")
    except MalformedError as error:
        raise MalformedError(error.code, "url") from error


async def remove_gateway(store: Store, scope: Scope, cause: Cause) -> None:
    """Remove the gateway. Raises NotFoundError `sms_gateway_not_found`."""
    await store.write(_remove, (scope, cause))


@one_by_one
def _set(tx: Transaction, writing: _Writing) -> None:
    change, scope = writing.change, writing.change.scope
    bump_config(tx)
    if tx.row("SELECT 1 FROM accounts WHERE id = ?", (scope.account_id,)) is None:
        raise NotFoundError("account_not_found")
    tx.execute(
        "INSERT INTO sms_gateways (account_id, environment, url, body, headers, updated_ms) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (account_id, environment) DO UPDATE SET url = excluded.url, body = excluded.body,"
        " headers = excluded.headers, updated_ms = excluded.updated_ms",
        (
            *(scope.account_id, scope.environment, change.url),
            *(msgspec.json.encode(change.body).decode(), writing.sealed, change.cause.at_ms),
        ),
    )
    _record(tx, "sms_gateway.changed", scope, change.cause)


@one_by_one
def _remove(tx: Transaction, item: tuple[Scope, Cause]) -> None:
    scope, cause = item
    bump_config(tx)
    where = (scope.account_id, scope.environment)
    if not tx.execute("DELETE FROM sms_gateways WHERE account_id = ? AND environment = ?", where):
        raise NotFoundError("sms_gateway_not_found")
    _record(tx, "sms_gateway.removed", scope, cause)


def _record(tx: Transaction, kind: str, scope: Scope, cause: Cause) -> None:
    entry = audit.AuditEntry(
        at_ms=cause.at_ms,
        kind=kind,
        account_id=scope.account_id,
        environment=scope.environment,
        actor=cause.actor,
        request_id=cause.request_id,
    )
    audit.append(tx, [entry])
