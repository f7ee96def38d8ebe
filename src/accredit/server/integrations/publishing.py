"""Publishing an integration: each publish is a new version, kept for the sessions that refer to it, audited and told of."""

from dataclasses import dataclass
from typing import cast

import msgspec

from accredit.encoding import Json
from accredit.errors import ConflictError, MalformedError, NotFoundError
from accredit.server.audit import AuditEntry
from accredit.server.audit import append as append_audit
from accredit.server.events.outbox import Event
from accredit.server.events.outbox import append as append_events
from accredit.server.ids import new_integration_id
from accredit.server.integrations.catalog import IntegrationRecord, find_first_rest, find_integration
from accredit.server.integrations.flow import FlowPolicy, is_template_id
from accredit.server.integrations.integration import Door
from accredit.server.integrations.parsing import Policy, merge_members, parse_policy
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.encryption_records import check_public_key
from accredit.server.keyring.scope import Scope
from accredit.server.steps.services import find_service
from accredit.server.store import Store, Transaction, bump_config, one_by_one


@dataclass(frozen=True, slots=True)
class Publication:
    """A new integration, or new members for the policy of an existing one. actor: key id or `cli` for the audit record."""

    integration_id: str
    scope: Scope
    members: dict[str, Json]
    now_ms: int
    actor: str
    door: Door = "embed"
    deployer_id: str | None = None
    name: str | None = None


async def create_integration(store: Store, publication: Publication) -> IntegrationRecord:
    """Create an integration at version 1.

    Raises MalformedError as `parse_policy`, and `field_missing` or `field_invalid` for a deployer that must be named or must not be;
    NotFoundError `deployer_not_found`; ConflictError `integration_exists`.
    """
    await _check_key(store, publication)
    return await store.write(_create, publication)


async def ensure_rest_integration(store: Store, scope: Scope, *, now_ms: int) -> str:
    """The id of the account's first integration at the rest door; it is made, with the default policy, where there is none."""
    found = await store.read(find_first_rest, scope)
    if found is not None:
        return found
    wanted = Publication(new_integration_id("rest"), scope, {}, now_ms, actor="server", door="rest", name="rest")
    return await store.write(_ensure_rest, wanted)


async def update_integration(store: Store, publication: Publication) -> IntegrationRecord:
    """Publish the next version: the members given replace those of the present policy.

    Raises MalformedError as `parse_policy`; NotFoundError `integration_not_found`.
    """
    await _check_key(store, publication)
    return await store.write(_update, publication)


async def _check_key(store: Store, publication: Publication) -> None:
    """Judge the public key of a template; one that comes with its private half is denied for good. Raises EncryptionKeyError."""
    key = publication.members.get("encryption_public_key")
    if isinstance(key, dict):
        cause = Cause(publication.now_ms, actor=publication.actor)
        await check_public_key(store, publication.scope, key, cause)


@one_by_one
def _ensure_rest(tx: Transaction, publication: Publication) -> str:
    # Its lock makes two nodes that need the first one wait for each other.
    bump_config(tx)
    return find_first_rest(tx, publication.scope) or _insert(tx, publication).integration_id


def _insert(tx: Transaction, publication: Publication) -> IntegrationRecord:
    scope, now_ms = publication.scope, publication.now_ms
    policy = parse_policy(publication.door, publication.members, now_ms=now_ms, environment=scope.environment)
    _check_deployer(tx, publication)
    _check_services(tx, scope, policy)
    if publication.door == "flow" and not is_template_id(publication.integration_id):
        raise MalformedError("field_invalid", "integration_id")
    inserted = tx.execute(
        "INSERT INTO integrations (id, account_id, environment, door, deployer_id, name, version, policy, created_ms, updated_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            *(publication.integration_id, scope.account_id, scope.environment, publication.door, publication.deployer_id),
            *(publication.name or publication.integration_id, msgspec.json.encode(policy).decode(), now_ms, now_ms),
        ),
    )
    if not inserted:
        raise ConflictError("integration_exists", "integration_id")
    return _published(tx, publication, sorted(publication.members))


_create = one_by_one(_insert)


def _check_deployer(tx: Transaction, publication: Publication) -> None:
    """A deployer of the scope, but none at the doors rest and flow: there an API client or a publishable key stands in its place."""
    scope, deployer_id = publication.scope, publication.deployer_id
    if publication.door in ("rest", "flow"):
        if deployer_id is not None:
            raise MalformedError("field_invalid", "deployer_id")
        return
    if deployer_id is None:
        raise MalformedError("field_missing", "deployer_id")
    known = tx.row(
        "SELECT 1 FROM deployers WHERE account_id = ? AND environment = ? AND id = ?",
        (scope.account_id, scope.environment, deployer_id),
    )
    if known is None:
        raise NotFoundError("deployer_not_found", "deployer_id")


def _check_services(tx: Transaction, scope: Scope, policy: Policy) -> None:
    """The services that steps are asked of are there. Raises MalformedError `field_invalid` with the member."""
    for index, rule in enumerate(policy.steps if isinstance(policy, FlowPolicy) else ()):
        if rule.service is not None and find_service(tx, (scope, rule.service)) is None:
            raise MalformedError("field_invalid", f"steps[{index}].service")


@one_by_one
def _update(tx: Transaction, publication: Publication) -> IntegrationRecord:
    # Taking the row's lock first: two publications at once become two versions, and none is lost.
    found = tx.row(
        "UPDATE integrations SET version = version + 1, updated_ms = ? WHERE id = ? AND account_id = ? AND environment = ?"
        " AND deleted_ms IS NULL RETURNING door, policy",
        (publication.now_ms, publication.integration_id, publication.scope.account_id, publication.scope.environment),
    )
    if found is None:
        raise NotFoundError("integration_not_found")
    present = cast(dict[str, Json], msgspec.json.decode(found[1]))
    members = publication.members
    # A debug time that has passed is left behind, not refused.
    merged = merge_members(found[0], present, members)
    policy = parse_policy(found[0], merged, now_ms=publication.now_ms, environment=publication.scope.environment)
    if "steps" in members:
        _check_services(tx, publication.scope, policy)
    tx.execute(
        "UPDATE integrations SET policy = ?, name = COALESCE(?, name) WHERE id = ?",
        (msgspec.json.encode(policy).decode(), publication.name, publication.integration_id),
    )
    return _published(tx, publication, sorted(members))


def _published(tx: Transaction, publication: Publication, changed: list[str]) -> IntegrationRecord:
    """Keep the version for the sessions that refer to it, and tell of it."""
    record = find_integration(tx, publication.integration_id)
    assert record is not None
    tx.execute(
        "INSERT INTO integration_versions (integration_id, version, policy, published_ms) VALUES (?, ?, ?, ?)",
        (record.integration_id, record.version, msgspec.json.encode(record.policy).decode(), publication.now_ms),
    )
    detail: dict[str, Json] = {"version": record.version, "changed": list(changed)}
    append_audit(
        tx,
        [
            AuditEntry(
                at_ms=publication.now_ms,
                kind="integration.published",
                account_id=record.scope.account_id,
                environment=record.scope.environment,
                actor=publication.actor,
                integration_id=record.integration_id,
                detail=detail,
            )
        ],
    )
    append_events(
        tx,
        [
            Event(
                type="integration.policy_changed",
                scope=record.scope,
                created_ms=publication.now_ms,
                integration_id=record.integration_id,
                data={"door": record.door, **detail},
            )
        ],
    )
    bump_config(tx)
    return record
