"""Removing an integration: nobody is admitted any more, its id stays taken, and what it stored can still be erased."""

from accredit.errors import NotFoundError
from accredit.server.audit import AuditEntry, append
from accredit.server.integrations.catalog import IntegrationRecord, find_integration
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.scope import Scope
from accredit.server.store import Store, Transaction, bump_config, one_by_one


async def remove_integration(store: Store, scope: Scope, integration_id: str, cause: Cause) -> None:
    """Switch an integration off for good; its sessions go on until they end. Raises NotFoundError `integration_not_found`."""
    await store.write(_remove, (scope, integration_id, cause))


@one_by_one
def _remove(tx: Transaction, item: tuple[Scope, str, Cause]) -> None:
    scope, integration_id, cause = item
    changed = tx.execute(
        "UPDATE integrations SET deleted_ms = ?, updated_ms = ?"
        " WHERE id = ? AND account_id = ? AND environment = ? AND deleted_ms IS NULL",
        (cause.at_ms, cause.at_ms, integration_id, scope.account_id, scope.environment),
    )
    if not changed:
        raise NotFoundError("integration_not_found")
    entry = AuditEntry(
        at_ms=cause.at_ms,
        kind="integration.deleted",
        account_id=scope.account_id,
        environment=scope.environment,
        actor=cause.actor,
        integration_id=integration_id,
        request_id=cause.request_id,
    )
    append(tx, [entry])
    bump_config(tx)


def find_ours(tx: Transaction, wanted: tuple[Scope, str]) -> IntegrationRecord | None:
    """Query: the integration of that id, if it is of that account and environment."""
    scope, integration_id = wanted
    record = find_integration(tx, integration_id)
    return record if record is not None and record.scope == scope else None


def was_ever_ours(tx: Transaction, wanted: tuple[Scope, str]) -> bool:
    """Query: whether the integration is of that account and environment, or was before it was removed."""
    scope, integration_id = wanted
    row = tx.row(
        "SELECT 1 FROM integrations WHERE id = ? AND account_id = ? AND environment = ?",
        (integration_id, scope.account_id, scope.environment),
    )
    return row is not None
