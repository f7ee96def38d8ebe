"""Key records: what the ring knows of each key and secret, in one table for all purposes (design.md section 7).

A record is active, retiring until a time, retired, or revoked; the last two are dead for good. A key that came from a deployer's key
set lives on for 24 h after the set became unreadable, and no longer.

    record = await store.read(find_key, (scope, key_id))
    record.is_live(now_ms)
"""

from dataclasses import dataclass, field
from typing import Literal, cast

import msgspec

from accredit.encoding import Json
from accredit.server.keyring.scope import Scope
from accredit.server.store import Row, Transaction, Value

Purpose = Literal[
    "deployment",
    "identity",
    "reference",
    "publishable",
    "api",
    "webhook",
    "encryption",
    "passport",
    "signing",
    "request",
    "provider",
]
State = Literal["active", "retiring", "retired", "revoked"]

# protocol-embed.md section 10: how long the keys of a set hold after its last good reading.
KEY_SET_HOLD_MS = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """One key for one purpose.

    public_jwk: the public half. secret: sealed. secret_hash: how a secret that a caller shows is found; several records, of
    different purposes, may stand over one text. integration_ids: where it counts, None means all of its deployer's. client_id,
    api_key_id, key_set_id, endpoint_id: the API client, the API credential, the key set or the webhook endpoint that it belongs to.
    hold_until_ms: set while its key set cannot be read. not_before_ms: from when `current` means it or it signs, None: at once.
    not_after_ms: until when it counts, set when it was made.
    """

    key_id: str
    scope: Scope
    purpose: Purpose
    label: str
    created_ms: int
    deployer_id: str | None = None
    integration_id: str | None = None
    client_id: str | None = None
    api_key_id: str | None = None
    key_set_id: str | None = None
    endpoint_id: str | None = None
    alg: str | None = None
    enc: str | None = None
    kid: str | None = None
    thumbprint: str | None = None
    public_jwk: dict[str, Json] | None = None
    secret: bytes | None = field(default=None, repr=False)
    secret_hash: bytes | None = field(default=None, repr=False)
    integration_ids: tuple[str, ...] | None = None
    not_before_ms: int | None = None
    not_after_ms: int | None = None
    retire_ms: int | None = None
    revoked_ms: int | None = None
    revoke_reason: str | None = None
    last_used_ms: int | None = None
    hold_until_ms: int | None = None

    @property
    def ends_ms(self) -> int | None:
        """When it stops counting by the clock alone; None if nothing is set."""
        ends = [ms for ms in (self.retire_ms, self.hold_until_ms, self.not_after_ms) if ms is not None]
        return min(ends) if ends else None

    def state(self, now_ms: int) -> State:
        """The state that every reader sees at that time."""
        if self.revoked_ms is not None:
            return "revoked"
        ends_ms = self.ends_ms
        if ends_ms is not None and now_ms >= ends_ms:
            return "retired"
        return "active" if self.retire_ms is None and self.hold_until_ms is None else "retiring"

    def is_live(self, now_ms: int) -> bool:
        """Whether it verifies, opens or authenticates at that time."""
        return self.state(now_ms) in ("active", "retiring")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFilter:
    """Which records of an account and environment to list; None leaves a member open."""

    scope: Scope
    purpose: Purpose | None = None
    deployer_id: str | None = None
    integration_id: str | None = None
    key_set_id: str | None = None
    client_id: str | None = None
    api_key_id: str | None = None
    endpoint_id: str | None = None


# The order of these columns is that of _read_row and insert_record.
_COLUMNS = (
    "id", "account_id", "environment", "purpose", "label", "created_ms", "deployer_id", "integration_id", "client_id",
    "api_key_id", "key_set_id", "endpoint_id", "alg", "enc", "kid", "thumbprint", "public_jwk", "secret", "secret_hash",
    "integration_ids", "not_before_ms", "not_after_ms", "retire_ms", "revoked_ms", "revoke_reason", "last_used_ms",
)  # fmt: skip
_INSERT = f"INSERT INTO keys ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
# A set is unreadable while it was looked at after it was last read.
_SELECT = (
    f"SELECT {', '.join(f'k.{name}' for name in _COLUMNS)},"
    f" CASE WHEN s.checked_ms > s.fetched_ms THEN s.fetched_ms + {KEY_SET_HOLD_MS} END"
    " FROM keys k LEFT JOIN key_sets s ON s.id = k.key_set_id WHERE "
)


def find_records(tx: Transaction, condition: str, values: tuple[Value, ...]) -> list[KeyRecord]:
    """The records that an SQL condition over `k` (table keys) selects, oldest first."""
    return [_read_row(row) for row in tx.rows(f"{_SELECT}{condition} ORDER BY k.created_ms, k.id", values)]


def find_key(tx: Transaction, wanted: tuple[Scope, str]) -> KeyRecord | None:
    """Query: the record of that id, if it is of that account and environment."""
    scope, key_id = wanted
    found = find_records(tx, "k.id = ? AND k.account_id = ? AND k.environment = ?", (key_id, *_values_of(scope)))
    return found[0] if found else None


def find_over_secret(tx: Transaction, record: KeyRecord) -> list[KeyRecord]:
    """Query: the record, and all others over the same secret in its account and environment, dead ones too."""
    if record.secret_hash is None:
        return [record]
    return find_records(
        tx,
        "k.secret_hash = ? AND k.account_id = ? AND k.environment = ?",
        (record.secret_hash, *_values_of(record.scope)),
    )


def list_keys(tx: Transaction, wanted: KeyFilter) -> list[KeyRecord]:
    """Query: the records of a scope that pass the filter, dead ones too, oldest first."""
    chosen = [
        (name, value)
        for name in ("purpose", "deployer_id", "integration_id", "key_set_id", "client_id", "api_key_id", "endpoint_id")
        if (value := getattr(wanted, name)) is not None
    ]
    condition = "k.account_id = ? AND k.environment = ?" + "".join(f" AND k.{name} = ?" for name, _ in chosen)
    return find_records(tx, condition, (*_values_of(wanted.scope), *(value for _, value in chosen)))


def insert_record(tx: Transaction, record: KeyRecord) -> None:
    """Write a new record; whoever adds a key calls `changes.add_key`, which also tells of it."""
    names = None if record.integration_ids is None else msgspec.json.encode(record.integration_ids).decode()
    jwk = None if record.public_jwk is None else msgspec.json.encode(record.public_jwk).decode()
    values: tuple[Value, ...] = (
        record.key_id, *_values_of(record.scope), record.purpose, record.label, record.created_ms, record.deployer_id,
        record.integration_id, record.client_id, record.api_key_id, record.key_set_id, record.endpoint_id, record.alg, record.enc,
        record.kid, record.thumbprint, jwk, record.secret, record.secret_hash, names, record.not_before_ms, record.not_after_ms,
        record.retire_ms, record.revoked_ms, record.revoke_reason, record.last_used_ms,
    )  # fmt: skip
    tx.execute(_INSERT, values)


def _values_of(scope: Scope) -> tuple[str, str]:
    return scope.account_id, scope.environment


def _read_row(row: Row) -> KeyRecord:
    members = dict(zip((*_COLUMNS, "hold_until_ms"), row, strict=True))
    scope = Scope(members.pop("account_id"), members.pop("environment"))
    jwk, names = members.pop("public_jwk"), members.pop("integration_ids")
    return KeyRecord(
        key_id=members.pop("id"),
        scope=scope,
        public_jwk=None if jwk is None else cast("dict[str, Json]", msgspec.json.decode(jwk)),
        integration_ids=None if names is None else msgspec.json.decode(names, type=tuple[str, ...]),
        **members,
    )
