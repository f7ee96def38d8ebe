"""Step services: the owner's own services that steps are asked of by call-outs (protocol-webhooks.md section 8).

A service has a `whsec_` secret that call-outs and its answers are signed with; while one is exchanged, both count until a time.

    service = await services.find(scope, "svc_...")
    service.secrets_at(now_ms)                    # newest first
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec

from accredit.server.keyring.remembered import Versioned
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.store import Row, Store, Transaction

MAX_SERVICES = 50
_CACHED_SCOPES = 256
_SECRETS_COLUMN = "step_services.secrets"
COLUMNS = "account_id, environment, id, record, secrets, created_ms, updated_ms"

Url = Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]
Description = Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]*\Z")]
TimeoutS = Annotated[int, msgspec.Meta(ge=1, le=30)]


class ServiceMembers(msgspec.Struct, frozen=True, kw_only=True):
    """What the column `record` holds. previous_until_ms: how long the secret before the present one still counts."""

    url: str
    description: str = ""
    timeout_s: int = 15
    encryption_public_key: dict[str, Any] | None = None
    previous_until_ms: int = 0


class ServiceSecrets(msgspec.Struct, frozen=True, kw_only=True):
    """The texts of the secrets, as the column `secrets` seals them."""

    present: str
    previous: str | None = None


@dataclass(frozen=True, slots=True)
class HeldService:
    """A service as stored: the secrets sealed."""

    scope: Scope
    service_id: str
    members: ServiceMembers
    sealed: bytes = field(repr=False)
    created_ms: int = 0
    updated_ms: int = 0


@dataclass(frozen=True, slots=True)
class StepService:
    """A service, ready to be asked."""

    scope: Scope
    service_id: str
    members: ServiceMembers
    secrets: ServiceSecrets = field(repr=False)

    def secrets_at(self, now_ms: int) -> list[str]:
        """The secrets that count at a time, newest first."""
        previous = self.secrets.previous
        if previous is None or now_ms >= self.members.previous_until_ms:
            return [self.secrets.present]
        return [self.secrets.present, previous]


def find_held(tx: Transaction, wanted: tuple[Scope, str]) -> HeldService | None:
    """Query: the service of that id, if it is of that account and environment."""
    scope, service_id = wanted
    row = tx.row(
        f"SELECT {COLUMNS} FROM step_services WHERE account_id = ? AND environment = ? AND id = ?",
        (scope.account_id, scope.environment, service_id),
    )
    return None if row is None else _read_row(row)


def page_of_held(tx: Transaction, wanted: tuple[Scope, str, int]) -> list[HeldService]:
    """Query: up to that many services of the scope, oldest first, behind the one named."""
    scope, after, limit = wanted
    rows = tx.rows(
        f"SELECT {COLUMNS} FROM step_services WHERE account_id = ? AND environment = ? AND id > ? ORDER BY id LIMIT ?",
        (scope.account_id, scope.environment, after, limit),
    )
    return [_read_row(row) for row in rows]


def _read_row(row: Row) -> HeldService:
    account_id, environment, service_id, record, sealed, created_ms, updated_ms = row
    members = msgspec.json.decode(record, type=ServiceMembers)
    return HeldService(Scope(account_id, environment), service_id, members, sealed, created_ms, updated_ms)


def seal_secrets(sealer: Sealer, scope: Scope, service_id: str, secrets: ServiceSecrets) -> bytes:
    """The secrets for their row."""
    return sealer.seal(scope, msgspec.json.encode(secrets), row=service_id, column=_SECRETS_COLUMN)


def open_secrets(sealer: Sealer, held: HeldService) -> ServiceSecrets:
    """The secrets of a row. Raises FailureError `sealed_damaged`."""
    opened = sealer.open(held.scope, held.sealed, row=held.service_id, column=_SECRETS_COLUMN)
    return msgspec.json.decode(opened, type=ServiceSecrets)


class Services:
    """The step services of one process's accounts, loaded once for each version of the configuration."""

    def __init__(self, store: Store, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer
        self._loaded = Versioned(store, self._load, _CACHED_SCOPES)

    async def find(self, scope: Scope, service_id: str) -> StepService | None:
        """The service, None if there is none. Raises FailureError `service_unavailable`, `sealed_damaged`."""
        loaded = self._loaded.find(scope)
        return (await self._loaded.load(scope) if loaded is None else loaded).get(service_id)

    async def _load(self, scope: Scope) -> Mapping[str, StepService]:
        rows = await self._store.read(page_of_held, (scope, "", MAX_SERVICES))
        if rows:
            await self._sealer.ready(scope)
        return {
            each.service_id: StepService(scope, each.service_id, each.members, open_secrets(self._sealer, each))
            for each in rows
        }
