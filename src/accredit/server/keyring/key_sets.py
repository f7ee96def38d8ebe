"""Deployers' key sets: a deployer publishes its keys at an https address, and the ring follows (protocol-embed.md section 10).

Read at once when it is added, then every 10 minutes by whichever node leases it, and when a token names an unknown `kid`, at most
once a minute. Public addresses only, no redirect, 5 s, 64 KiB: `outbound` sees to it. Unfit keys are skipped and audited.

    key_sets = KeySets(store, outbound)
    added = await key_sets.add(Holder(scope, "shop"), "https://shop.example/keys.json", Cause(now_ms, actor=api_key.key_id))
    await key_sets.refresh_due(now_ms)          # again and again, in the background
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from accredit.errors import AccreditError, FailureError, MalformedError
from accredit.server.ids import new_id
from accredit.server.keyring.changes import Cause, add_key, end, record_change, tell
from accredit.server.keyring.deployment_keys import Holder, check_holder, find_deployment_records, require_deployer
from accredit.server.keyring.exposed import Exposed
from accredit.server.keyring.key_set_reading import KEY_LEFT, SET_REMOVED, Plan, Reading, plan_changes, read_key_set
from accredit.server.keyring.key_set_records import (
    Claim,
    KeySet,
    claim_key_sets,
    find_key_set,
    insert_key_set,
    mark_read,
    mark_removed,
    mark_unreadable,
    record_in_audit,
)
from accredit.server.keyring.leaks import Leak, deny_key, end_all, find_denied
from accredit.server.keyring.records import KeyRecord
from accredit.server.keyring.remembered import Bounded
from accredit.server.keyring.scope import Scope
from accredit.server.outbound import Outbound, OutboundRequest
from accredit.server.store import Store, Transaction, bump_config, one_by_one

REFRESH_MS = 10 * 60_000
UNKNOWN_KID_MS = 60_000
MAX_SET_BYTES = 64 * 1024
_READ_AT_ONCE = 20
_REMEMBERED_HOLDERS = 4096
# Who acts when nobody asked.
_ACTOR = "key_set"


@dataclass(frozen=True, slots=True)
class AppliedReading:
    """What became of a reading. keys: those of the set that count now. skipped: codes of its keys that do not."""

    key_set: KeySet
    keys: tuple[KeyRecord, ...]
    skipped: tuple[str, ...]


class KeySets:
    """Reads key sets for one process."""

    def __init__(self, store: Store, outbound: Outbound) -> None:
        self._store = store
        self._outbound = outbound
        self._asked: Bounded[tuple[Scope, str], int] = Bounded(_REMEMBERED_HOLDERS)

    async def add(self, holder: Holder, uri: str, cause: Cause) -> AppliedReading:
        """Read a deployer's key set and follow it from now on.

        Raises MalformedError jwks_uri_invalid, endpoint_address_forbidden, field_invalid; FailureError key_set_unreadable;
        NotFoundError deployer_not_found, integration_not_found; ConflictError key_exists, key_limit_reached.
        """
        check_holder(holder)
        try:
            await self._outbound.check(uri)
        except MalformedError as error:
            code = "jwks_uri_invalid" if error.code == "endpoint_url_invalid" else error.code
            raise MalformedError(code, "jwks_uri") from error
        at_ms = cause.at_ms
        key_set = KeySet(new_id("kst_"), holder, uri, at_ms, at_ms, at_ms)
        try:
            reading = await self._read(key_set, at_ms)
        except AccreditError as error:
            raise FailureError("key_set_unreadable", "jwks_uri") from error
        return await self._store.write(_add, (key_set, reading, cause))

    async def refresh_due(self, now_ms: int) -> int:
        """Read the sets that no node has looked at for 10 minutes; how many this node read."""
        return await self._refresh(Claim(now_ms, now_ms - REFRESH_MS, _READ_AT_ONCE))

    async def refresh_for_kid(self, scope: Scope, deployer_id: str, now_ms: int) -> bool:
        """Read a deployer's sets because a token named a `kid` that is not known; whether the ring may know it now.

        At most once a minute, whatever tokens ask for: the others cost a look into memory.
        """
        asked_ms = self._asked.find((scope, deployer_id))
        if asked_ms is not None and now_ms < asked_ms + UNKNOWN_KID_MS:
            return False
        self._asked.remember((scope, deployer_id), now_ms)
        return await self._refresh(Claim(now_ms, now_ms - UNKNOWN_KID_MS, _READ_AT_ONCE, (scope, deployer_id))) > 0

    async def remove(self, scope: Scope, key_set_id: str, cause: Cause) -> KeySet:
        """Follow a set no more and revoke its keys. Raises NotFoundError key_not_found."""
        return await self._store.write(_remove, (scope, key_set_id, cause))

    async def _refresh(self, claim: Claim) -> int:
        claimed = await self._store.write(claim_key_sets, claim)
        await asyncio.gather(*(self._refresh_one(key_set, claim.now_ms) for key_set in claimed))
        return len(claimed)

    async def _refresh_one(self, key_set: KeySet, now_ms: int) -> None:
        cause = Cause(now_ms, actor=_ACTOR)
        try:
            reading = await self._read(key_set, now_ms)
        except AccreditError as error:
            await self._store.write(mark_unreadable, (key_set, error.code, cause))
        else:
            await self._store.write(_follow, (key_set, reading, cause))

    async def _read(self, key_set: KeySet, at_ms: int) -> Reading:
        """What the set holds now. Raises MalformedError, FailureError: those of `Outbound.send`, key_set_unreadable."""
        request = OutboundRequest(
            key_set.uri, headers={"Accept": "application/jwk-set+json, application/json"}, max_body_bytes=MAX_SET_BYTES
        )
        answer = await self._outbound.send(request)
        if answer.status != 200 or not answer.complete:
            raise FailureError("key_set_unreadable")
        return read_key_set(answer.body, key_set.holder, key_set.key_set_id, at_ms)


@one_by_one
def _add(tx: Transaction, item: tuple[KeySet, Reading, Cause]) -> AppliedReading:
    key_set, reading, cause = item
    bump_config(tx)
    require_deployer(tx, key_set.holder.scope, key_set.holder.deployer_id, key_set.holder.integration_ids)
    insert_key_set(tx, key_set, cause)
    return _apply(tx, key_set, reading, cause)


@one_by_one
def _follow(tx: Transaction, item: tuple[KeySet, Reading, Cause]) -> AppliedReading | None:
    known, reading, cause = item
    key_set = find_key_set(tx, (known.holder.scope, known.key_set_id))
    # It may have been removed while it was read.
    return None if key_set is None else _apply(tx, key_set, reading, cause)


@one_by_one
def _remove(tx: Transaction, item: tuple[Scope, str, Cause]) -> KeySet:
    scope, key_set_id, cause = item
    bump_config(tx)
    key_set = mark_removed(tx, (scope, key_set_id), cause)
    records = find_deployment_records(tx, scope, key_set.holder.deployer_id)
    _revoke(tx, [each for each in records if each.key_set_id == key_set_id and each.revoked_ms is None], SET_REMOVED, cause)
    return key_set


def _apply(tx: Transaction, key_set: KeySet, reading: Reading, cause: Cause) -> AppliedReading:
    """Bring the ring to what the set holds."""
    _burn(tx, key_set, reading.exposed, cause)
    plan = _plan(tx, key_set, reading, cause.at_ms)
    if plan.changes_keys or key_set.is_failing:
        # The lock comes only now, and the plan once more under it: most readings find nothing new, and would empty every cache.
        bump_config(tx)
        plan = _plan(tx, key_set, reading, cause.at_ms)
    _revoke(tx, plan.left, KEY_LEFT, cause)
    for record in plan.added:
        add_key(tx, record, cause)
    note = " ".join(plan.skipped) or None
    # What stays wrong is audited once, not every 10 minutes.
    for code in plan.skipped if note != key_set.last_error else ():
        record_in_audit(tx, "key.skipped", key_set, cause, code)
    return AppliedReading(mark_read(tx, key_set, note, cause.at_ms), plan.kept + plan.added, plan.skipped)


def _plan(tx: Transaction, key_set: KeySet, reading: Reading, now_ms: int) -> Plan:
    scope = key_set.holder.scope
    records = find_deployment_records(tx, scope, key_set.holder.deployer_id)
    denied = find_denied(tx, scope.account_id, [str(candidate.thumbprint) for candidate in reading.candidates])
    return plan_changes(reading, key_set.key_set_id, records, denied, now_ms)


def _revoke(tx: Transaction, records: Sequence[KeyRecord], reason: str, cause: Cause) -> None:
    for record in records:
        end(tx, record, reason, cause.at_ms)
        record_change(tx, "key.revoked", record, cause, code=reason)
        tell(tx, "key.revoked", [record], cause)


def _burn(tx: Transaction, key_set: KeySet, exposed: tuple[str, ...], cause: Cause) -> None:
    """A set that publishes a private half: its key is denied in the account, and ends wherever else in it it stands."""
    account_id = key_set.holder.scope.account_id
    known = find_denied(tx, account_id, exposed)
    fresh = tuple(thumbprint for thumbprint in exposed if thumbprint not in known)
    for thumbprint in fresh:
        deny_key(tx, account_id, thumbprint, cause.at_ms)
    if fresh:
        end_all(tx, Leak(Exposed(thumbprints=fresh), _ACTOR, cause, account_id=account_id))
