"""Provider records: what an owner says of each provider of an account and environment, cached as the configuration is.

records = await find_providers(node, scope)        # in the order of their ids, disabled ones too
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import msgspec

from accredit.server.keyring.remembered import Versioned
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.store import Row, Store, Transaction

if TYPE_CHECKING:
    from accredit.server.node import Node

Kind: TypeAlias = Literal["sandbox", "oidc", "email_otp", "callout"]
Flow: TypeAlias = Literal["redirect", "headless", "embedded"]
Loa: TypeAlias = Literal["low", "substantial", "high"]

FLOWS: tuple[Flow, ...] = ("redirect", "headless", "embedded")
# In their order: each fulfils those before it.
LOAS: tuple[Loa, ...] = ("low", "substantial", "high")
MAX_PROVIDERS = 50
_CACHED_SCOPES = 1024
_SECRETS_COLUMN = "providers.secrets"


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How one attribute is had from a provider's claims (protocol-rest.md section 13): by a claim, or always the same value."""

    claim: Annotated[str, msgspec.Meta(min_length=1, max_length=256)] | None = None
    read_as: Literal["string", "date", "nin", "bool", "json"] = msgspec.field(default="string", name="as")
    country: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}\Z")] | None = None
    type: Literal["PERSON", "BIRTH"] | None = None
    const: str | bool | int | None = None


class ProviderRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A provider as stored. ref: its name in public addresses. loa: the highest that it reaches. settings: what its kind needs."""

    scope: Scope
    provider_id: str
    ref: str
    kind: Kind
    display_name: str
    flows: tuple[Flow, ...]
    loa: Loa
    logo: str | None = None
    enabled: bool = True
    requires_encryption: bool = False
    mapping: dict[str, Rule] = {}
    required_attributes: tuple[str, ...] = ()
    settings: dict[str, Any] = {}
    created_ms: int = 0
    updated_ms: int = 0

    @property
    def profile(self) -> str | None:
        """Of kind `oidc`: `generic` or `ftn`."""
        profile = self.settings.get("profile")
        return profile if isinstance(profile, str) else None


class StoredMembers(msgspec.Struct, frozen=True, kw_only=True):
    """What the column `record` holds: all that an owner may change and anybody with the database may read."""

    kind: Kind
    display_name: str
    flows: tuple[Flow, ...]
    loa: Loa
    logo: str | None = None
    enabled: bool = True
    requires_encryption: bool = False
    mapping: dict[str, Rule] = {}
    required_attributes: tuple[str, ...] = ()
    settings: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class HeldProvider:
    """A record with its secrets as they are stored."""

    record: ProviderRecord
    sealed: bytes | None = field(repr=False)


COLUMNS = "account_id, environment, id, ref, record, secrets, created_ms, updated_ms"


def find_held(tx: Transaction, wanted: tuple[Scope, str]) -> HeldProvider | None:
    """Query: the provider of that id, if it is of that account and environment."""
    scope, provider_id = wanted
    row = tx.row(
        f"SELECT {COLUMNS} FROM providers WHERE account_id = ? AND environment = ? AND id = ?",
        (scope.account_id, scope.environment, provider_id),
    )
    return None if row is None else _read_row(row)


def find_by_ref(tx: Transaction, ref: str) -> ProviderRecord | None:
    """Query: the provider that public addresses call so, of whatever account."""
    row = tx.row(f"SELECT {COLUMNS} FROM providers WHERE ref = ?", (ref,))
    return None if row is None else _read_row(row).record


def list_held(tx: Transaction, scope: Scope) -> tuple[HeldProvider, ...]:
    """Query: all providers of a scope, in the order of their ids."""
    rows = tx.rows(
        f"SELECT {COLUMNS} FROM providers WHERE account_id = ? AND environment = ? ORDER BY id",
        (scope.account_id, scope.environment),
    )
    return tuple(map(_read_row, rows))


def page_of_held(tx: Transaction, wanted: tuple[Scope, str, int]) -> list[HeldProvider]:
    """Query: up to that many providers of the scope, in the order of their ids, behind the one named."""
    scope, after, limit = wanted
    rows = tx.rows(
        f"SELECT {COLUMNS} FROM providers WHERE account_id = ? AND environment = ? AND id > ? ORDER BY id LIMIT ?",
        (scope.account_id, scope.environment, after, limit),
    )
    return [_read_row(row) for row in rows]


def _read_row(row: Row) -> HeldProvider:
    account_id, environment, provider_id, ref, record, sealed, created_ms, updated_ms = row
    members = msgspec.json.decode(record, type=StoredMembers)
    read = ProviderRecord(
        scope=Scope(account_id, environment),
        provider_id=provider_id,
        ref=ref,
        created_ms=created_ms,
        updated_ms=updated_ms,
        **msgspec.structs.asdict(members),
    )
    return HeldProvider(read, sealed)


def seal_secrets(sealer: Sealer, scope: Scope, ref: str, secrets: Mapping[str, str]) -> bytes | None:
    """The secrets of a record for its row; None for none."""
    if not secrets:
        return None
    return sealer.seal(scope, msgspec.json.encode(secrets), row=ref, column=_SECRETS_COLUMN)


def open_secrets(sealer: Sealer, held: HeldProvider) -> dict[str, str]:
    """The secrets of a record. Raises FailureError `sealed_damaged`."""
    if held.sealed is None:
        return {}
    opened = sealer.open(held.record.scope, held.sealed, row=held.record.ref, column=_SECRETS_COLUMN)
    return msgspec.json.decode(opened, type=dict[str, str])


@dataclass(frozen=True, slots=True)
class _Loaded:
    records: tuple[ProviderRecord, ...]
    secrets: Mapping[str, Mapping[str, str]] = field(repr=False)


class ProviderCatalog:
    """The providers of one process's accounts, loaded once for each version of the configuration."""

    def __init__(self, store: Store, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer
        self._loaded = Versioned(store, self._load, _CACHED_SCOPES)

    async def find(self, scope: Scope) -> tuple[ProviderRecord, ...]:
        """The records of a scope, in the order of their ids. Raises FailureError `service_unavailable`, `sealed_damaged`."""
        return (await self._find(scope)).records

    async def secrets_of(self, record: ProviderRecord) -> Mapping[str, str]:
        """What a record keeps sealed, by member; empty for one that is no longer there."""
        return (await self._find(record.scope)).secrets.get(record.ref, {})

    async def _find(self, scope: Scope) -> _Loaded:
        return self._loaded.find(scope) or await self._loaded.load(scope)

    async def _load(self, scope: Scope) -> _Loaded:
        held = await self._store.read(list_held, scope)
        if any(each.sealed is not None for each in held):
            await self._sealer.ready(scope)
        secrets = {each.record.ref: open_secrets(self._sealer, each) for each in held}
        return _Loaded(tuple(each.record for each in held), secrets)


async def find_providers(node: "Node", scope: Scope) -> tuple[ProviderRecord, ...]:
    """The providers of an account and environment, in the order of their ids, disabled ones too."""
    return await node.providers.find(scope)
