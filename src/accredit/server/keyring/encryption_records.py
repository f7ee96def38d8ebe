"""Registered encryption keys: callers' public keys that a request names, or must bring (protocol-rest.md sections 1, 6 and 15).

A caller calls a key by its key id, the thumbprint unless it chose another; the JWE names that id as `kid`. A JWK that holds its
private half is refused, and its public half is denied in the account for good.

    record = await register_encryption_key(store, NewEncryptionKey(scope, public_jwk, "2027-01"), Cause(now_ms, actor=api_key.key_id))
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from accredit.encoding import Json
from accredit.errors import ConflictError, MalformedError
from accredit.keys import public_thumbprint
from accredit.sealing import PUBLISHED_KEYS, EncryptionKey, EncryptionKeyError, parse_encryption_key
from accredit.server.events import outbox
from accredit.server.ids import new_id
from accredit.server.keyring.changes import Cause, add_key
from accredit.server.keyring.deployment_keys import Burning, burn
from accredit.server.keyring.exposed import derived_thumbprint
from accredit.server.keyring.leaks import find_denied
from accredit.server.keyring.records import KeyRecord, find_records
from accredit.server.keyring.scope import Scope
from accredit.server.store import Store, Transaction, bump_config, one_by_one

MAX_ENCRYPTION_KEYS = 100
# What a request may say in place of a key id: the active key whose time came last.
CURRENT = "current"
_KEY_ID = re.compile(r"[A-Za-z0-9._~-]{1,128}")


@dataclass(frozen=True, slots=True)
class NewEncryptionKey:
    """A public key to be registered. key_id: None for its thumbprint. not_before_ms: from when `current` may mean it."""

    scope: Scope
    public_jwk: Json
    key_id: str | None = None
    label: str = ""
    not_before_ms: int | None = None
    not_after_ms: int | None = None


async def register_encryption_key(store: Store, wanted: NewEncryptionKey, cause: Cause) -> KeyRecord:
    """Keep a caller's public key; requests may name it from now on.

    Raises EncryptionKeyError as `parse_encryption_key`, with `public_jwk` before its member; MalformedError `field_invalid` (key_id,
    not_after); ConflictError `key_exists` (key_id, public_jwk), `key_limit_reached`.
    """
    key_id, jwk = wanted.key_id, wanted.public_jwk
    if key_id is not None and (key_id == CURRENT or not _KEY_ID.fullmatch(key_id)):
        raise MalformedError("field_invalid", "key_id")
    if wanted.not_after_ms is not None and wanted.not_after_ms <= max(cause.at_ms, wanted.not_before_ms or 0):
        raise MalformedError("field_invalid", "not_after")
    try:
        key = parse_encryption_key(jwk, denied=published_in(wanted.scope))
    except EncryptionKeyError as error:
        await burn_private(store, wanted.scope, error, jwk, cause)
        raise error.within("public_jwk") from error
    return await store.write(_add, (_record(wanted, key, cause.at_ms), cause))


def published_in(scope: Scope) -> frozenset[str]:
    """Keys whose private half is printed somewhere, where they are refused: in live."""
    return PUBLISHED_KEYS if scope.environment == "live" else frozenset()


async def check_public_key(store: Store, scope: Scope, jwk: object, cause: Cause) -> EncryptionKey:
    """Read a public key that an owner sets as `encryption_public_key`. One that came with its private half is denied for good.

    Raises EncryptionKeyError with the member.
    """
    try:
        return parse_encryption_key(jwk, denied=published_in(scope) | await store.read(find_denied_keys, scope))
    except EncryptionKeyError as error:
        await burn_private(store, scope, error, jwk, cause)
        raise error.within("encryption_public_key") from error


async def burn_private(store: Store, scope: Scope, error: EncryptionKeyError, jwk: object, cause: Cause) -> None:
    """Deny a key whose private half was sent, durably, though the call is refused; nothing for any other fault."""
    if error.code == "key_private_part" and isinstance(jwk, dict):
        await burn_exposed(store, scope, exposed_thumbprints(jwk), cause)


def exposed_thumbprints(jwk: dict[str, Json]) -> frozenset[str]:
    """Of the public half that a private JWK claims, and of the one that it truly has. What is printed anyway burns nothing."""
    return frozenset(name for name in (public_thumbprint(jwk), derived_thumbprint(jwk)) if name) - PUBLISHED_KEYS


async def burn_exposed(store: Store, scope: Scope, thumbprints: frozenset[str], cause: Cause) -> None:
    """Deny these keys in the account and end their records there. What is denied already costs a read only."""
    denied = await store.read(find_denied_keys, scope)
    fresh = tuple(sorted(thumbprints - denied))
    if fresh:
        await store.write(_burn, Burning(scope, fresh, cause, "key_private_part"))


@one_by_one
def _burn(tx: Transaction, item: Burning) -> None:
    """Change: burn keys, and tell the owner of those too that were never registered."""
    known = {record.thumbprint for record in find_encryption_records(tx, item.scope) if record.is_live(item.cause.at_ms)}
    burn(tx, item)
    for thumbprint in item.thumbprints:
        if thumbprint not in known:
            data: dict[str, Json] = {"key_id": thumbprint, "purposes": ["encryption"], "source": "api", "url": None}
            outbox.append(tx, [outbox.Event(type="key.leaked", scope=item.scope, created_ms=item.cause.at_ms, data=data)])


def find_denied_keys(tx: Transaction, scope: Scope) -> frozenset[str]:
    """Query: thumbprints of the keys that are refused in this account or everywhere."""
    rows = tx.rows("SELECT thumbprint FROM denied_keys WHERE account_id IN (?, '')", (scope.account_id,))
    return frozenset(row[0] for row in rows)


def find_encryption_records(tx: Transaction, scope: Scope) -> list[KeyRecord]:
    """Query: the encryption keys of an account and environment, dead ones too, oldest first."""
    return find_records(
        tx, "k.account_id = ? AND k.environment = ? AND k.purpose = 'encryption'", (scope.account_id, scope.environment)
    )


def find_encryption_record(tx: Transaction, wanted: tuple[Scope, str]) -> KeyRecord | None:
    """Query: the newest key of that key id; of all that had it at most the newest is live."""
    scope, key_id = wanted
    found = [record for record in find_encryption_records(tx, scope) if record.kid == key_id]
    return found[-1] if found else None


def named(key: EncryptionKey, key_id: str) -> EncryptionKey:
    """The key under the name that answers call it by."""
    return replace(key, kid=key_id, public_jwk={**key.public_jwk, "kid": key_id})


def _record(wanted: NewEncryptionKey, key: EncryptionKey, at_ms: int) -> KeyRecord:
    key_id = key.thumbprint if wanted.key_id is None else wanted.key_id
    return KeyRecord(
        key_id=new_id("key_"),
        scope=wanted.scope,
        purpose="encryption",
        label=wanted.label,
        created_ms=at_ms,
        alg=key.alg,
        kid=key_id,
        thumbprint=key.thumbprint,
        public_jwk=named(key, key_id).public_jwk,
        not_before_ms=wanted.not_before_ms,
        not_after_ms=wanted.not_after_ms,
    )


@one_by_one
def _add(tx: Transaction, item: tuple[KeyRecord, Cause]) -> KeyRecord:
    record, cause = item
    bump_config(tx)
    if find_denied(tx, record.scope.account_id, [str(record.thumbprint)]):
        raise EncryptionKeyError("key_denied", "public_jwk")
    live = [each for each in find_encryption_records(tx, record.scope) if each.is_live(cause.at_ms)]
    _check_room(record, live)
    return add_key(tx, record, cause)


def _check_room(record: KeyRecord, live: Sequence[KeyRecord]) -> None:
    for member, name in (("key_id", "kid"), ("public_jwk", "thumbprint")):
        if any(getattr(each, name) == getattr(record, name) for each in live):
            raise ConflictError("key_exists", member)
    if len(live) >= MAX_ENCRYPTION_KEYS:
        raise ConflictError("key_limit_reached")
