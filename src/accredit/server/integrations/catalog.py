"""The catalog: integrations as the doors find them, cached.

A cached answer, also that there is no such integration, holds until the store's config version changes: at once in this process,
within half a second on other nodes.
"""

from collections.abc import Sequence
from typing import TypeAlias, cast

import msgspec

from accredit.server.integrations.flow import FlowPolicy
from accredit.server.integrations.integration import (
    Door,
    FlowIntegration,
    Integration,
    RestIntegration,
    prepare,
    prepare_flow,
    prepare_rest,
)
from accredit.server.integrations.parsing import POLICIES, Policy
from accredit.server.integrations.rest import RestPolicy
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.store import Store, Transaction

_CAPACITY = 10_000
Prepared: TypeAlias = Integration | RestIntegration | FlowIntegration


class IntegrationRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An integration as stored. deployer_id: None at the doors rest and flow. policy: as the owner reads it, every member present."""

    integration_id: str
    scope: Scope
    door: Door
    deployer_id: str | None
    owner_id: str
    name: str
    version: int
    policy: Policy
    created_ms: int
    updated_ms: int


class Catalog:
    """Finds integrations for the doors. `find` is a dictionary look-up once an integration was seen."""

    def __init__(self, store: Store, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer
        self._version = -1
        self._known: dict[str, Prepared | None] = {}
        self._first: dict[Scope, str | None] = {}

    async def find(self, door: Door, integration_id: str | None) -> Integration | None:
        """The integration of that id at that door, where its application stands in a frame; or None."""
        found = None if integration_id is None else await self._find(integration_id)
        return found if isinstance(found, Integration) and found.door == door else None

    async def find_rest(self, integration_id: str) -> RestIntegration | None:
        """The integration of that id at the rest door, or None."""
        found = await self._find(integration_id)
        return found if isinstance(found, RestIntegration) else None

    async def find_flow(self, template_id: str) -> FlowIntegration | None:
        """The template of that id at the flow door, or None."""
        found = await self._find(template_id)
        return found if isinstance(found, FlowIntegration) else None

    async def find_first_rest(self, scope: Scope) -> RestIntegration | None:
        """The account's first integration at the rest door, which holds for clients that name none; None before there is one."""
        self._notice_changes()
        first = self._first
        if scope not in first:
            if len(first) >= _CAPACITY:
                first.clear()
            first[scope] = await self._store.read(find_first_rest, scope)
        found = first[scope]
        return None if found is None else await self.find_rest(found)

    def _notice_changes(self) -> None:
        if self._version != self._store.config_version:
            self._version, self._known, self._first = self._store.config_version, {}, {}

    async def _find(self, integration_id: str) -> Prepared | None:
        self._notice_changes()
        known = self._known
        if integration_id not in known:
            loaded = await self._load(integration_id)
            # The dictionary is the one of the version before the read: a change meanwhile leaves a fresh one behind.
            if len(known) >= _CAPACITY:
                known.clear()
            known[integration_id] = loaded
        return known[integration_id]

    async def _load(self, integration_id: str) -> Prepared | None:
        record = await self._store.read(find_integration, integration_id)
        if record is None:
            return None
        await self._sealer.ready(record.scope)
        integration_id, scope, version = record.integration_id, record.scope, record.version
        if isinstance(record.policy, RestPolicy):
            return prepare_rest(record.policy, integration_id=integration_id, scope=scope, version=version)
        if isinstance(record.policy, FlowPolicy):
            return prepare_flow(record.policy, integration_id=integration_id, scope=scope, version=version)
        return prepare(
            record.policy,
            integration_id=integration_id,
            scope=scope,
            door=record.door,
            deployer_id=str(record.deployer_id),
            owner_id=record.owner_id,
            version=version,
        )


_COLUMNS = (
    "i.id, i.account_id, i.environment, i.door, i.deployer_id, a.owner_id, i.name, i.version, i.policy, i.created_ms,"
    " i.updated_ms FROM integrations i JOIN accounts a ON a.id = i.account_id"
)


def find_integration(tx: Transaction, integration_id: str) -> IntegrationRecord | None:
    """Query: the integration of that id, of whatever account."""
    row = tx.row(f"SELECT {_COLUMNS} WHERE i.id = ? AND i.deleted_ms IS NULL", (integration_id,))
    return None if row is None else _record(row)


def find_first_rest(tx: Transaction, scope: Scope) -> str | None:
    """Query: the id of the oldest integration at the rest door of an account and environment."""
    row = tx.row(
        "SELECT id FROM integrations WHERE account_id = ? AND environment = ? AND door = 'rest' AND deleted_ms IS NULL"
        " ORDER BY created_ms, id LIMIT 1",
        (scope.account_id, scope.environment),
    )
    return None if row is None else str(row[0])


def list_integrations(tx: Transaction, wanted: tuple[Scope, str, int]) -> list[IntegrationRecord]:
    """Query: up to that many integrations of the scope, in order of their ids, behind the one named."""
    scope, after, limit = wanted
    rows = tx.rows(
        f"SELECT {_COLUMNS} WHERE i.account_id = ? AND i.environment = ? AND i.id > ? AND i.deleted_ms IS NULL"
        " ORDER BY i.id LIMIT ?",
        (scope.account_id, scope.environment, after, limit),
    )
    return [_record(row) for row in rows]


def _record(row: Sequence[object]) -> IntegrationRecord:
    door = cast(Door, row[3])
    return IntegrationRecord(
        integration_id=cast(str, row[0]),
        scope=Scope(cast(str, row[1]), cast(str, row[2])),
        door=door,
        deployer_id=cast(str | None, row[4]),
        owner_id=cast(str, row[5]),
        name=cast(str, row[6]),
        version=cast(int, row[7]),
        policy=msgspec.json.decode(cast(str, row[8]), type=POLICIES[door]),
        created_ms=cast(int, row[9]),
        updated_ms=cast(int, row[10]),
    )
