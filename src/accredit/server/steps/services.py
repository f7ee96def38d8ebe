"""Step services: the owner's own services that steps are asked of by call-outs (protocol-webhooks.md section 8).

A service has a `whsec_` secret of its own, a key record like that of a webhook endpoint; `node.webhook_keys.endpoint_secrets` has it.

    service = await services.find(scope, "svc_...")
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from accredit.server.keyring.remembered import Versioned
from accredit.server.keyring.scope import Scope
from accredit.server.store import Row, Store, Transaction

MAX_SERVICES = 50
DEFAULT_TIMEOUT_S = 15
_CACHED_SCOPES = 256
COLUMNS = "account_id, environment, id, record, created_ms, updated_ms"

Url = Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]
Description = Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]*\Z")]
TimeoutS = Annotated[int, msgspec.Meta(ge=1, le=30)]


class ServiceMembers(msgspec.Struct, frozen=True, kw_only=True):
    """What the column `record` holds. timeout_s: for one answer. encryption_public_key: a JWK that requests are sealed to."""

    url: Url
    description: Description = ""
    timeout_s: TimeoutS = DEFAULT_TIMEOUT_S
    encryption_public_key: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class StepService:
    """A service as stored."""

    scope: Scope
    service_id: str
    members: ServiceMembers
    created_ms: int = 0
    updated_ms: int = 0


def find_service(tx: Transaction, wanted: tuple[Scope, str]) -> StepService | None:
    """Query: the service of that id, if it is of that account and environment."""
    scope, service_id = wanted
    row = tx.row(
        f"SELECT {COLUMNS} FROM step_services WHERE account_id = ? AND environment = ? AND id = ?",
        (scope.account_id, scope.environment, service_id),
    )
    return None if row is None else _read_row(row)


def page_of_services(tx: Transaction, wanted: tuple[Scope, str, int]) -> list[StepService]:
    """Query: up to that many services of the scope, oldest first, behind the one named."""
    scope, after, limit = wanted
    rows = tx.rows(
        f"SELECT {COLUMNS} FROM step_services WHERE account_id = ? AND environment = ? AND id > ? ORDER BY id LIMIT ?",
        (scope.account_id, scope.environment, after, limit),
    )
    return [_read_row(row) for row in rows]


def _read_row(row: Row) -> StepService:
    account_id, environment, service_id, record, created_ms, updated_ms = row
    members = msgspec.json.decode(record, type=ServiceMembers)
    return StepService(Scope(account_id, environment), service_id, members, created_ms, updated_ms)


class Services:
    """The step services of one process's accounts, loaded once for each version of the configuration."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._loaded = Versioned(store, self._load, _CACHED_SCOPES)

    async def find(self, scope: Scope, service_id: str) -> StepService | None:
        """The service, None if there is none. Raises FailureError `service_unavailable`."""
        loaded = self._loaded.find(scope)
        return (await self._loaded.load(scope) if loaded is None else loaded).get(service_id)

    async def _load(self, scope: Scope) -> Mapping[str, StepService]:
        found = await self._store.read(page_of_services, (scope, "", MAX_SERVICES))
        return {each.service_id: each for each in found}
