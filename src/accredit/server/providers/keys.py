"""Our own keys as the client of a provider, and the phases in which they are exchanged (protocol-rest.md section 12).

Each provider has keys of its own: `entity` signs our statement and key set, `sig` signs requests and assertions, `enc` is what the
provider encrypts to. A phase lasts at least 24 hours, as long as a provider may remember a key set, so no sign-in meets a key that
one of the two sides does not know:

    sig   warm_up (published, unused)    normal              old (published, unused)
    enc   warm_up (opens, unpublished)   normal (published)  old (opens, unpublished)
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, cast

import msgspec

from accredit.encoding import Json, compact_json
from accredit.sealing.private_keys import DecryptionKey, generate_encryption_key, parse_decryption_key
from accredit.sealing.signing import ServerKey, generate_server_key, parse_server_key
from accredit.server import audit
from accredit.server.events import outbox
from accredit.server.ids import new_id
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.remembered import Versioned
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.providers.records import ProviderRecord
from accredit.server.store import Row, Store, Transaction, bump_config, one_by_one

Role: TypeAlias = Literal["entity", "sig", "enc"]
Phase: TypeAlias = Literal["warm_up", "normal", "old"]

PHASE_MS = 24 * 3600 * 1000
# Both of what a provider may encrypt with: the key is the same, only the hash of the padding differs.
_OPENED_WITH = ("RSA-OAEP", "RSA-OAEP-256")
_COLUMNS = "id, provider_ref, role, phase, phase_ms, public_jwk, secret, created_ms"
_SECRET_COLUMN = "provider_keys.secret"


@dataclass(frozen=True, slots=True)
class ProviderKey:
    """A key of ours as stored. phase_ms: since when it is in its phase."""

    key_id: str
    ref: str
    role: Role
    phase: Phase
    phase_ms: int
    public_jwk: dict[str, Json]
    sealed: bytes = field(repr=False)
    created_ms: int = 0

    @property
    def kid(self) -> str:
        """What headers and key sets call it."""
        return str(self.public_jwk["kid"])

    @property
    def published(self) -> bool:
        """Whether it stands in our key set now."""
        return self.role == "sig" or (self.role == "enc" and self.phase == "normal")


@dataclass(frozen=True, slots=True)
class FreshKey:
    """A pair that was just made, not yet kept."""

    role: Role
    public_jwk: dict[str, Json]
    private_jwk: dict[str, Json] = field(repr=False)


async def make_keys(roles: Collection[Role], alg: str) -> tuple[FreshKey, ...]:
    """Make a pair for each role; alg is that of those that sign. Primes are looked for in a thread."""
    return tuple([await asyncio.to_thread(_make_key, role, alg) for role in roles])


def _make_key(role: Role, alg: str) -> FreshKey:
    if role != "enc":
        signing = generate_server_key(alg)
        return FreshKey(role, signing.public_jwk, signing.private_jwk)
    made = generate_encryption_key(_OPENED_WITH[0])
    # Without `alg`: it is for the provider to choose of the two.
    named: dict[str, Json] = {"use": "enc", "kid": made.thumbprint}
    halves = ({name: value for name, value in jwk.items() if name != "alg"} for jwk in (made.public_jwk, made.private_jwk))
    public, private = ({**half, **named} for half in halves)
    return FreshKey(role, public, private)


def seal_key(sealer: Sealer, scope: Scope, ref: str, fresh: FreshKey, phase: Phase, at_ms: int) -> ProviderKey:
    """A fresh pair as the row that keeps it."""
    key_id = new_id("key_")
    sealed = sealer.seal(scope, compact_json(fresh.private_jwk), row=key_id, column=_SECRET_COLUMN)
    return ProviderKey(key_id, ref, fresh.role, phase, at_ms, fresh.public_jwk, sealed, at_ms)


def insert_key(tx: Transaction, record: ProviderRecord, key: ProviderKey, cause: Cause) -> None:
    """Write a key, and tell of it. The caller has bumped the config version."""
    jwk = msgspec.json.encode(key.public_jwk).decode()
    values = (key.key_id, key.ref, key.role, key.phase, key.phase_ms, jwk, key.sealed, key.created_ms)
    tx.execute(f"INSERT INTO provider_keys ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
    tell_of(tx, "key.created", record, key, cause)


def list_keys(tx: Transaction, ref: str) -> list[ProviderKey]:
    """Query: a provider's keys, oldest first."""
    return [
        _read_row(row) for row in tx.rows(f"SELECT {_COLUMNS} FROM provider_keys WHERE provider_ref = ? ORDER BY id", (ref,))
    ]


def _read_row(row: Row) -> ProviderKey:
    key_id, ref, role, phase, phase_ms, public_jwk, sealed, created_ms = row
    return ProviderKey(key_id, ref, role, phase, phase_ms, msgspec.json.decode(public_jwk), sealed, created_ms)


def tell_of(tx: Transaction, kind: str, record: ProviderRecord, key: ProviderKey, cause: Cause) -> None:
    """Write the audit entry and the event of what happened to a key."""
    detail: dict[str, Json] = {"purpose": "provider", "provider_id": record.provider_id, "role": key.role}
    audit.append(
        tx,
        [
            audit.AuditEntry(
                at_ms=cause.at_ms,
                kind=kind,
                account_id=record.scope.account_id,
                environment=record.scope.environment,
                actor=cause.actor,
                key_id=key.key_id,
                request_id=cause.request_id,
                detail=detail,
            )
        ],
    )
    data: dict[str, Json] = {"key_id": key.key_id, "purposes": ["provider"]}
    outbox.append(tx, [outbox.Event(type=kind, scope=record.scope, created_ms=cause.at_ms, data=data)])


@dataclass(frozen=True, slots=True)
class Rotation:
    """One step of the exchange of a provider's keys. fresh: a sealed pair for each role, for where a new one is due."""

    record: ProviderRecord
    fresh: Sequence[ProviderKey]
    cause: Cause


@one_by_one
def rotate_keys(tx: Transaction, rotation: Rotation) -> list[ProviderKey]:
    """Change: move each role one phase on, where the present phases have lasted long enough; the keys there are then."""
    bump_config(tx)
    for fresh in rotation.fresh:
        keys = {key.phase: key for key in list_keys(tx, rotation.record.ref) if key.role == fresh.role}
        _move_on(tx, rotation, keys, fresh)
    return list_keys(tx, rotation.record.ref)


def _move_on(tx: Transaction, rotation: Rotation, keys: Mapping[Phase, ProviderKey], fresh: ProviderKey) -> None:
    now_ms, old, next_one = rotation.cause.at_ms, keys.get("old"), keys.get("warm_up")
    waiting = old or next_one
    if waiting is not None and now_ms < waiting.phase_ms + PHASE_MS:
        return
    if old is not None:
        tx.execute("DELETE FROM provider_keys WHERE id = ?", (old.key_id,))
        tell_of(tx, "key.revoked", rotation.record, old, rotation.cause)
    elif next_one is None:
        insert_key(tx, rotation.record, fresh, rotation.cause)
    else:
        _move(tx, next_one, "normal", now_ms)
        if "normal" in keys:
            _move(tx, keys["normal"], "old", now_ms)
            tell_of(tx, "key.retiring", rotation.record, keys["normal"], rotation.cause)


def _move(tx: Transaction, key: ProviderKey, phase: Phase, at_ms: int) -> None:
    tx.execute("UPDATE provider_keys SET phase = ?, phase_ms = ? WHERE id = ?", (phase, at_ms, key.key_id))


@dataclass(frozen=True, slots=True)
class HeldKeys:
    """A provider's keys, ready for use. opening: each under both algorithms that a provider may use it with."""

    entity: ServerKey | None
    signing: ServerKey | None
    opening: tuple[DecryptionKey, ...]
    published: tuple[dict[str, Json], ...]


class ProviderKeys:
    """The provider keys of one process, loaded once for each version of the configuration."""

    def __init__(self, store: Store, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer
        self._held = Versioned(store, self._load, 256)

    async def find(self, record: ProviderRecord) -> HeldKeys:
        """The keys of a provider. Raises FailureError `service_unavailable`, `sealed_damaged`."""
        whose = (record.scope, record.ref)
        return self._held.find(whose) or await self._held.load(whose)

    async def _load(self, whose: tuple[Scope, str]) -> HeldKeys:
        scope, ref = whose
        keys = await self._store.read(list_keys, ref)
        if keys:
            await self._sealer.ready(scope)
        signing = {key.role: self._open(scope, key) for key in keys if key.role != "enc" and key.phase == "normal"}
        entity, sig = (parse_server_key(signing[role]) if role in signing else None for role in ("entity", "sig"))
        private = [self._open(scope, key) for key in keys if key.role == "enc"]
        opening = tuple(parse_decryption_key({**jwk, "alg": alg}) for jwk in private for alg in _OPENED_WITH)
        return HeldKeys(entity, sig, opening, tuple(key.public_jwk for key in keys if key.published))

    def _open(self, scope: Scope, key: ProviderKey) -> dict[str, Json]:
        opened = self._sealer.open(scope, key.sealed, row=key.key_id, column=_SECRET_COLUMN)
        return cast("dict[str, Json]", msgspec.json.decode(opened))
