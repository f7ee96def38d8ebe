"""A key as the API shows it: what is public of it, and its state. Secrets and private halves stand beside it, once."""

from typing import Any

import msgspec

from accredit.server.keyring.records import KeyRecord, Purpose, State
from accredit.server.times import wire_time


class KeyAnswer(msgspec.Struct, frozen=True):
    """One key record. thumbprint: RFC 7638, of the public half. integration_ids: where it counts, null means everywhere.

    client_id, api_key_id, key_set_id, endpoint_id: what it belongs to.
    """

    key_id: str
    purpose: Purpose
    state: State
    label: str
    deployer_id: str | None
    integration_id: str | None
    client_id: str | None
    api_key_id: str | None
    key_set_id: str | None
    endpoint_id: str | None
    alg: str | None
    enc: str | None
    kid: str | None
    thumbprint: str | None
    public_jwk: dict[str, Any] | None
    integration_ids: tuple[str, ...] | None
    created_at: str
    retire_at: str | None
    revoked_at: str | None
    revoke_reason: str | None
    last_used_at: str | None


class KeyList(msgspec.Struct, frozen=True):
    """Oldest first, dead ones too."""

    keys: list[KeyAnswer]


class MadeKeyAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A key that was made here. jwk: what the other side needs; a private or symmetric one is shown this once."""

    key: KeyAnswer
    jwk: dict[str, Any]


def answer_key(record: KeyRecord, now_ms: int) -> KeyAnswer:
    """The answer about one key at that time."""
    return KeyAnswer(
        key_id=record.key_id,
        purpose=record.purpose,
        state=record.state(now_ms),
        label=record.label,
        deployer_id=record.deployer_id,
        integration_id=record.integration_id,
        client_id=record.client_id,
        api_key_id=record.api_key_id,
        key_set_id=record.key_set_id,
        endpoint_id=record.endpoint_id,
        alg=record.alg,
        enc=record.enc,
        kid=record.kid,
        thumbprint=record.thumbprint,
        public_jwk=record.public_jwk,
        integration_ids=record.integration_ids,
        created_at=wire_time(record.created_ms),
        retire_at=time_or_null(record.retire_ms),
        revoked_at=time_or_null(record.revoked_ms),
        revoke_reason=record.revoke_reason,
        last_used_at=time_or_null(record.last_used_ms),
    )


def time_or_null(ms: int | None) -> str | None:
    """A time on the wire, null where there is none."""
    return None if ms is None else wire_time(ms)
