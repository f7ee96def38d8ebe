"""Deployers: the businesses that embed an owner's applications, each in one account and environment."""

from dataclasses import dataclass
from typing import Literal

from accredit.errors import ConflictError, MalformedError, NotFoundError
from accredit.properties import is_id
from accredit.server import audit
from accredit.server.accounts.accounts import check_name
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.scope import Scope
from accredit.server.store import Store, Transaction, one_by_one


@dataclass(frozen=True, slots=True)
class Deployer:
    """A business that embeds. deployer_id: its name on the wire, chosen by the owner."""

    scope: Scope
    deployer_id: str
    name: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class DeployerChange:
    """A deployer to create or to rename. name: by default its id."""

    scope: Scope
    deployer_id: str
    name: str
    cause: Cause


async def create_deployer(store: Store, change: DeployerChange) -> Deployer:
    """Create a deployer.

    Raises MalformedError `field_invalid`; NotFoundError `account_not_found`; ConflictError `deployer_exists`.
    """
    if not is_id(change.deployer_id):
        raise MalformedError("field_invalid", "deployer_id")
    check_name(change.name)
    return await store.write(_create, change)


async def rename_deployer(store: Store, change: DeployerChange) -> Deployer:
    """Give a deployer another name. Raises MalformedError `field_invalid`; NotFoundError `deployer_not_found`."""
    check_name(change.name)
    return await store.write(_rename, change)


@one_by_one
def _create(tx: Transaction, change: DeployerChange) -> Deployer:
    scope, name = change.scope, change.name or change.deployer_id
    if tx.row("SELECT 1 FROM accounts WHERE id = ?", (scope.account_id,)) is None:
        raise NotFoundError("account_not_found")
    inserted = tx.execute(
        "INSERT INTO deployers (account_id, environment, id, name, created_ms) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (scope.account_id, scope.environment, change.deployer_id, name, change.cause.at_ms),
    )
    if not inserted:
        raise ConflictError("deployer_exists", "deployer_id")
    _record(tx, "deployer.created", change)
    return Deployer(scope, change.deployer_id, name, change.cause.at_ms)


@one_by_one
def _rename(tx: Transaction, change: DeployerChange) -> Deployer:
    scope, name = change.scope, change.name or change.deployer_id
    row = tx.row(
        "UPDATE deployers SET name = ? WHERE account_id = ? AND environment = ? AND id = ? RETURNING created_ms",
        (name, scope.account_id, scope.environment, change.deployer_id),
    )
    if row is None:
        raise NotFoundError("deployer_not_found")
    _record(tx, "deployer.renamed", change)
    return Deployer(scope, change.deployer_id, name, row[0])


def _record(tx: Transaction, kind: Literal["deployer.created", "deployer.renamed"], change: DeployerChange) -> None:
    entry = audit.AuditEntry(
        at_ms=change.cause.at_ms,
        kind=kind,
        account_id=change.scope.account_id,
        environment=change.scope.environment,
        actor=change.cause.actor,
        request_id=change.cause.request_id,
        detail={"deployer_id": change.deployer_id},
    )
    audit.append(tx, [entry])


def find_deployer(tx: Transaction, wanted: tuple[Scope, str]) -> Deployer | None:
    """Query: the deployer of that id, if it is of that account and environment."""
    scope, deployer_id = wanted
    row = tx.row(
        "SELECT name, created_ms FROM deployers WHERE account_id = ? AND environment = ? AND id = ?",
        (scope.account_id, scope.environment, deployer_id),
    )
    return None if row is None else Deployer(scope, deployer_id, *row)


def list_deployers(tx: Transaction, wanted: tuple[Scope, str, int]) -> list[Deployer]:
    """Query: up to that many deployers of the scope, in the order of their ids, behind the one named."""
    scope, after, limit = wanted
    rows = tx.rows(
        "SELECT id, name, created_ms FROM deployers WHERE account_id = ? AND environment = ? AND id > ? ORDER BY id LIMIT ?",
        (scope.account_id, scope.environment, after, limit),
    )
    return [Deployer(scope, *row) for row in rows]
