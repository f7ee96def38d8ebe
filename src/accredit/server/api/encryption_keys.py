"""Registered encryption keys: callers' public keys that requests of the rest door name (protocol-rest.md sections 6 and 15)."""

from datetime import datetime
from typing import Annotated, Any

import msgspec

from accredit.server.api.bodies import Label
from accredit.server.api.key_answers import time_or_null
from accredit.server.api.keys import RetireKey
from accredit.server.api.operations import Call, found, operation
from accredit.server.api.replies import Reply, json_reply
from accredit.server.keyring import changes
from accredit.server.keyring.changes import Retirement, Revocation
from accredit.server.keyring.encryption_records import (
    NewEncryptionKey,
    find_encryption_record,
    find_encryption_records,
    register_encryption_key,
)
from accredit.server.keyring.records import KeyRecord, State
from accredit.server.times import epoch_ms, wire_time

_ADDRESS = "/v1/encryption_keys/{encryption_key_id}"
# What a public JWK may be refused with.
JWK_CODES = ("key_malformed", "key_private_part", "key_type_not_allowed", "key_use", "key_size_not_allowed", "key_denied")
KeyId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._~-]{1,128}\Z")]
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class NewEncryptionKeyBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """public_jwk: as `encryptionPublicKey`. key_id: by default its thumbprint; `current` is reserved. not_before: from when
    `current` may mean it, by default now. not_after: until when requests may name it."""

    # Whatever it is, it is judged as a key, with the codes of keys.
    public_jwk: Annotated[Any, msgspec.Meta(extra_json_schema={"type": "object"})]
    key_id: KeyId | None = None
    label: Label = ""
    not_before: _Moment | None = None
    not_after: _Moment | None = None


class EncryptionKeyAnswer(msgspec.Struct, frozen=True):
    """One registered key. key_id: what requests and answers call it. thumbprint: RFC 7638."""

    key_id: str
    state: State
    label: str
    alg: str | None
    thumbprint: str | None
    public_jwk: dict[str, Any] | None
    not_before: str
    not_after: str | None
    created_at: str
    retire_at: str | None
    revoked_at: str | None
    revoke_reason: str | None
    last_used_at: str | None


class EncryptionKeys(msgspec.Struct, frozen=True):
    """Oldest first, dead ones too."""

    keys: list[EncryptionKeyAnswer]


@operation(
    "POST", "/v1/encryption_keys", answer=EncryptionKeyAnswer, status=201, codes=(*JWK_CODES, "key_exists", "key_limit_reached")
)
async def create_encryption_key(call: Call, body: NewEncryptionKeyBody) -> Reply:
    """Register a public key that answers are sealed to.

    Requests name it as `encryptionKeyId`. A JWK with a private member is refused, and that key is refused for good.
    """
    wanted = NewEncryptionKey(
        scope=call.scope,
        public_jwk=body.public_jwk,
        key_id=body.key_id,
        label=body.label,
        not_before_ms=None if body.not_before is None else epoch_ms(body.not_before),
        not_after_ms=None if body.not_after is None else epoch_ms(body.not_after),
    )
    record = await register_encryption_key(call.node.store, wanted, call.cause)
    return json_reply(call.request_id, _answer(record, call.now_ms), 201)


@operation("GET", "/v1/encryption_keys", answer=EncryptionKeys)
async def list_encryption_keys(call: Call) -> Reply:
    """List registered encryption keys, oldest first."""
    records = await call.node.store.read(find_encryption_records, call.scope)
    return json_reply(call.request_id, EncryptionKeys([_answer(each, call.now_ms) for each in records]))


@operation("GET", _ADDRESS, answer=EncryptionKeyAnswer, codes=("key_not_found",))
async def read_encryption_key(call: Call) -> Reply:
    """Read a registered encryption key; of several that had the key id one after another, the newest."""
    return json_reply(call.request_id, _answer(await _find(call), call.now_ms))


@operation("POST", f"{_ADDRESS}/retire", answer=EncryptionKeyAnswer, codes=("key_not_found", "key_not_live"))
async def retire_encryption_key(call: Call, body: RetireKey) -> Reply:
    """Let requests name a key until a time, and `current` mean it no more; sessions that have it keep it."""
    retirement = Retirement(call.scope, (await _find(call)).key_id, epoch_ms(body.until), call.cause)
    record = await call.node.store.write(changes.retire_key, retirement)
    return json_reply(call.request_id, _answer(record, call.now_ms))


@operation("POST", f"{_ADDRESS}/revoke", answer=EncryptionKeyAnswer, codes=("key_not_found",))
async def revoke_encryption_key(call: Call) -> Reply:
    """End a key now; open sessions that have it end with `encryption_key_revoked` and tell nothing of the person."""
    revocation = Revocation(call.scope, (await _find(call)).key_id, call.cause)
    record = await call.node.store.write(changes.revoke_key, revocation)
    return json_reply(call.request_id, _answer(record, call.now_ms))


async def _find(call: Call) -> KeyRecord:
    wanted = (call.scope, call.part("encryption_key_id"))
    return found(await call.node.store.read(find_encryption_record, wanted), "key_not_found")


def _answer(record: KeyRecord, now_ms: int) -> EncryptionKeyAnswer:
    return EncryptionKeyAnswer(
        key_id=str(record.kid),
        state=record.state(now_ms),
        label=record.label,
        alg=record.alg,
        thumbprint=record.thumbprint,
        public_jwk=record.public_jwk,
        not_before=wire_time(record.created_ms if record.not_before_ms is None else record.not_before_ms),
        not_after=time_or_null(record.not_after_ms),
        created_at=wire_time(record.created_ms),
        retire_at=time_or_null(record.retire_ms),
        revoked_at=time_or_null(record.revoked_ms),
        revoke_reason=record.revoke_reason,
        last_used_at=time_or_null(record.last_used_ms),
    )


OPERATIONS = (
    create_encryption_key,
    list_encryption_keys,
    read_encryption_key,
    retire_encryption_key,
    revoke_encryption_key,
)
