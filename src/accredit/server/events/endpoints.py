"""Creating webhook endpoints and changing what they ask for; each change is audited (protocol-webhooks.md sections 1, 10 and 12).

made = await create_endpoint(parts, EndpointChange(scope, {"url": "https://shop.example/hooks"}, Cause(now_ms, actor=key_id)))
made.secret          # whsec_..., shown this once
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from accredit.encoding import Json
from accredit.errors import ConflictError, MalformedError, NotFoundError
from accredit.server.events.endpoint_actions import MadeEndpoint, begin_anew, record_change
from accredit.server.events.members import WantedMembers, parse_kind, parse_members, present_members, stored_members
from accredit.server.events.records import (
    ENDPOINT_COLUMNS,
    MAX_ENDPOINTS,
    Endpoint,
    EndpointMembers,
    find_endpoint,
    list_endpoints,
    write_members,
)
from accredit.server.ids import new_id
from accredit.server.keyring.changes import Cause, add_key
from accredit.server.keyring.encryption_records import check_public_key
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.keyring.webhook_keys import MadeSecret, WebhookKeys, find_api_key_ids, make_endpoint_secret
from accredit.server.outbound import Outbound
from accredit.server.store import Store, Transaction, bump_config, one_by_one


@dataclass(frozen=True, slots=True)
class Parts:
    """What changes stand on."""

    store: Store
    sealer: Sealer
    outbound: Outbound
    webhook_keys: WebhookKeys


@dataclass(frozen=True, slots=True)
class EndpointChange:
    """Members of a new endpoint, or those that replace what is there. endpoint_id: None for a new one."""

    scope: Scope
    members: Mapping[str, Json]
    cause: Cause
    endpoint_id: str | None = None


async def create_endpoint(parts: Parts, change: EndpointChange) -> MadeEndpoint:
    """Create an endpoint with a secret, and the account's Ed25519 pair if there is none yet.

    Raises MalformedError with the member: `endpoint_url_invalid`, `endpoint_address_forbidden`, `event_type_unknown`,
    `encryption_key_required`, `validation_failed`, and the codes of encryption keys; NotFoundError `account_not_found`; ConflictError
    `endpoint_limit_reached`.
    """
    kind, at_ms = parse_kind(change.members), change.cause.at_ms
    given = {name: value for name, value in change.members.items() if name != "kind"}
    wanted = await _check(parts, change, parse_members(kind, given))
    await parts.sealer.ready(change.scope)
    endpoint = Endpoint(
        endpoint_id=new_id("whksub_"),
        scope=change.scope,
        kind=kind,
        members=stored_members(wanted),
        enabled=True,
        disabled_reason=None,
        created_ms=at_ms,
        updated_ms=at_ms,
    )
    secret = make_endpoint_secret(parts.sealer, change.scope, endpoint.endpoint_id, at_ms)
    # Published before the first event, so that receivers can be given it. Nothing comes between the secret and its answer.
    await parts.webhook_keys.ring(change.scope, at_ms)
    return MadeEndpoint(await parts.store.write(_create, _Creation(endpoint, secret, change.cause)), secret.text)


async def change_endpoint(parts: Parts, change: EndpointChange) -> Endpoint:
    """Replace members of an endpoint; its kind stays, and open deliveries go to a new address.

    One that was disabled because its API key was revoked is enabled again by another one. Raises as `create_endpoint`; NotFoundError
    `endpoint_not_found`.
    """
    while True:
        before = await find_or_refuse(parts.store, change.scope, str(change.endpoint_id))
        if change.members.get("kind", before.kind) != before.kind:
            raise MalformedError("validation_failed", "kind")
        given = {name: value for name, value in change.members.items() if name != "kind"}
        wanted = parse_members(before.kind, _replaced(before, given))
        wanted = await _check(parts, change, wanted, given)
        changed = await parts.store.write(
            _change, _Changing(before, stored_members(wanted), tuple(sorted(given)), change.cause)
        )
        # Somebody else changed it meanwhile: what they wrote is the new ground.
        if changed is not None:
            return changed


async def find_or_refuse(store: Store, scope: Scope, endpoint_id: str) -> Endpoint:
    """The endpoint of that id. Raises NotFoundError `endpoint_not_found`, also for another account's or environment's."""
    endpoint = await store.read(find_endpoint, (scope, endpoint_id))
    if endpoint is None:
        raise NotFoundError("endpoint_not_found")
    return endpoint


@dataclass(frozen=True, slots=True)
class _Creation:
    endpoint: Endpoint
    secret: MadeSecret
    cause: Cause


@dataclass(frozen=True, slots=True)
class _Changing:
    """before: what the new members were made from. changed: names of members."""

    before: Endpoint
    members: EndpointMembers
    changed: tuple[str, ...]
    cause: Cause


def _replaced(before: Endpoint, given: Mapping[str, Json]) -> dict[str, Json]:
    """The members as they are to be. Without a word of it, who signs with the endpoint's secret needs no API key."""
    present = present_members(before.members)
    if given.get("signing") == "endpoint" and "api_key_id" not in given:
        present["api_key_id"] = None
    # What is null by itself may be written as null; the rest has a value always.
    return {**present, **given}


async def _check(
    parts: Parts, change: EndpointChange, wanted: WantedMembers, given: Mapping[str, Json] | None = None
) -> WantedMembers:
    """What the members alone do not tell. given: of a change, because what was checked before is not looked at again."""
    if given is None or "url" in given:
        try:
            await parts.outbound.check(wanted.url, plain=change.scope.environment == "sandbox")
        except MalformedError as error:
            raise MalformedError(error.code, "url") from error
    key = wanted.encryption_public_key
    if key is None or (given is not None and "encryption_public_key" not in given):
        return wanted
    checked = await check_public_key(parts.store, change.scope, key, change.cause)
    return msgspec.structs.replace(wanted, encryption_public_key=checked.public_jwk)


@one_by_one
def _create(tx: Transaction, item: _Creation) -> Endpoint:
    # Its lock makes two that are created at once wait for each other, so that the limit holds.
    bump_config(tx)
    endpoint, scope = item.endpoint, item.endpoint.scope
    if tx.row("SELECT 1 FROM accounts WHERE id = ?", (scope.account_id,)) is None:
        raise NotFoundError("account_not_found")
    if len(list_endpoints(tx, scope)) >= MAX_ENDPOINTS:
        raise ConflictError("endpoint_limit_reached")
    endpoint = _given_a_key(tx, endpoint, item.cause.at_ms)
    values = (
        *(endpoint.endpoint_id, scope.account_id, scope.environment, endpoint.kind, write_members(endpoint.members)),
        *(1, None, endpoint.created_ms, endpoint.updated_ms, None, 0, None, 0, None, None, None),
    )
    tx.execute(f"INSERT INTO webhook_endpoints ({ENDPOINT_COLUMNS}) VALUES ({', '.join('?' * len(values))})", values)
    record_change(tx, "endpoint.created", endpoint, item.cause)
    add_key(tx, item.secret.record, item.cause)
    return endpoint


@one_by_one
def _change(tx: Transaction, item: _Changing) -> Endpoint | None:
    before, at_ms = item.before, item.cause.at_ms
    changed = msgspec.structs.replace(before, members=item.members, updated_ms=max(at_ms, before.updated_ms + 1))
    if not {"signing", "api_key_id"}.isdisjoint(item.changed):
        changed = _given_a_key(tx, changed, at_ms)
    written = tx.execute(
        "UPDATE webhook_endpoints SET members = ?, enabled = ?, disabled_reason = ?, updated_ms = ?"
        " WHERE id = ? AND updated_ms = ? AND enabled = ?",
        (
            *(write_members(changed.members), int(changed.enabled), changed.disabled_reason, changed.updated_ms),
            *(before.endpoint_id, before.updated_ms, int(before.enabled)),
        ),
    )
    if not written:
        return None
    if changed.enabled and not before.enabled:
        begin_anew(tx, before.endpoint_id)
        changed = msgspec.structs.replace(changed, failing_since_ms=None)
    record_change(tx, "endpoint.changed", changed, item.cause, item.changed)
    return changed


def _given_a_key(tx: Transaction, endpoint: Endpoint, at_ms: int) -> Endpoint:
    """The endpoint with the API key that signs, the one that is named or the oldest; if it waited for one, it is enabled again.

    Raises MalformedError `validation_failed`.
    """
    members = endpoint.members
    if members.signing == "api_key":
        found = find_api_key_ids(tx, endpoint.scope, at_ms, members.api_key_id)
        if not found:
            raise MalformedError("validation_failed", "api_key_id")
        members = msgspec.structs.replace(members, api_key_id=found[0])
    waited = endpoint.disabled_reason == "key_revoked"
    return msgspec.structs.replace(
        endpoint,
        members=members,
        enabled=endpoint.enabled or waited,
        disabled_reason=None if waited else endpoint.disabled_reason,
    )
