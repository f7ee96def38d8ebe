"""Invitations: a link with which a deployer hands in its key itself, once, within 7 days (protocol-embed.md section 10).

The link's token is shown once and kept as a hash. It says whose key it will be, for which algorithm and integrations; whoever has it
can hand in one key for that deployer, and nothing else.

    made = await create_invitation(store, Holder(scope, "shop"), Cause(now_ms, actor=api_key.key_id))
    await accept_invitation(store, made.token, jwk, Cause(later_ms))
"""

import secrets
from dataclasses import dataclass, field, replace

import msgspec

from accredit.encoding import Json, b64url_encode
from accredit.errors import NotFoundError
from accredit.keys import secret_hash
from accredit.server import audit
from accredit.server.ids import new_id
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.deployment_keys import (
    Candidate,
    Holder,
    add_checked,
    burn_if_private,
    check_holder,
    check_jwk,
    require_deployer,
)
from accredit.server.keyring.records import KeyRecord
from accredit.server.keyring.scope import Scope
from accredit.server.store import Row, Store, Transaction, bump_config, one_by_one

LIFETIME_MS = 7 * 24 * 3600 * 1000
_COLUMNS = "id, account_id, environment, deployer_id, alg, integration_ids, created_ms, expires_ms, used_ms, key_id"


@dataclass(frozen=True, slots=True)
class Invitation:
    """key_id: the key that was handed in with it, None until then."""

    invitation_id: str
    holder: Holder
    created_ms: int
    expires_ms: int
    used_ms: int | None = None
    key_id: str | None = None

    def is_open(self, now_ms: int) -> bool:
        """Whether a key can be handed in with it at that time."""
        return self.used_ms is None and now_ms < self.expires_ms


@dataclass(frozen=True, slots=True)
class MadeInvitation:
    """token: 43 base64url characters for the link, which nobody keeps."""

    invitation: Invitation
    token: str = field(repr=False)


async def create_invitation(store: Store, holder: Holder, cause: Cause) -> MadeInvitation:
    """Invite a deployer to hand in a key.

    Raises MalformedError field_invalid (alg, integration_ids); NotFoundError: deployer_not_found, integration_not_found.
    """
    check_holder(holder)
    token = b64url_encode(secrets.token_bytes(32))
    invitation = Invitation(new_id("inv_"), holder, cause.at_ms, cause.at_ms + LIFETIME_MS)
    await store.write(_insert, (invitation, secret_hash(token), cause))
    return MadeInvitation(invitation, token)


async def find_open_invitation(store: Store, token: str, now_ms: int) -> Invitation:
    """What a link invites to. Raises NotFoundError link_invalid: unknown, used or expired."""
    invitation = await store.read(_find_by_token, secret_hash(token))
    if invitation is None or not invitation.is_open(now_ms):
        raise NotFoundError("link_invalid")
    return invitation


async def accept_invitation(store: Store, token: str, jwk: Json, cause: Cause) -> KeyRecord:
    """Hand in a public key with a link, which is then used up; when the key is refused, the link stays good.

    Raises NotFoundError link_invalid, and what `register_deployment_key` raises.
    """
    invitation = await find_open_invitation(store, token, cause.at_ms)
    cause = replace(cause, actor=invitation.invitation_id)
    # Who has the link does not speak for the account, so no other deployer's key ends by a made-up private half.
    await burn_if_private(store, invitation.holder.scope, jwk, cause, proven=True)
    record = check_jwk(invitation.holder, jwk, cause.at_ms)
    return await store.write(_accept, (invitation, Candidate(record, cause)))


def list_invitations(tx: Transaction, holder: tuple[Scope, str]) -> list[Invitation]:
    """Query: a deployer's invitations, used and expired ones too, oldest first."""
    scope, deployer_id = holder
    rows = tx.rows(
        f"SELECT {_COLUMNS} FROM invitations WHERE account_id = ? AND environment = ? AND deployer_id = ? ORDER BY created_ms, id",
        (scope.account_id, scope.environment, deployer_id),
    )
    return [_read_row(row) for row in rows]


@one_by_one
def _insert(tx: Transaction, item: tuple[Invitation, bytes, Cause]) -> None:
    invitation, token_hash, cause = item
    holder = invitation.holder
    require_deployer(tx, holder.scope, holder.deployer_id, holder.integration_ids)
    names = None if holder.integration_ids is None else msgspec.json.encode(holder.integration_ids).decode()
    tx.execute(
        "INSERT INTO invitations (id, token_hash, account_id, environment, deployer_id, alg, integration_ids, created_ms, expires_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            invitation.invitation_id, token_hash, holder.scope.account_id, holder.scope.environment, holder.deployer_id, holder.alg,
            names, invitation.created_ms, invitation.expires_ms,
        ),
    )  # fmt: skip
    entry = audit.AuditEntry(
        at_ms=cause.at_ms,
        kind="invitation.created",
        account_id=holder.scope.account_id,
        environment=holder.scope.environment,
        actor=cause.actor,
        request_id=cause.request_id,
        detail={"invitation_id": invitation.invitation_id, "deployer_id": holder.deployer_id},
    )
    audit.append(tx, [entry])


@one_by_one
def _accept(tx: Transaction, item: tuple[Invitation, Candidate]) -> KeyRecord:
    invitation, candidate = item
    bump_config(tx)
    used = tx.execute(
        "UPDATE invitations SET used_ms = ?, key_id = ? WHERE id = ? AND used_ms IS NULL",
        (candidate.cause.at_ms, candidate.record.key_id, invitation.invitation_id),
    )
    if not used:
        raise NotFoundError("link_invalid")
    return add_checked(tx, candidate)


def _find_by_token(tx: Transaction, token_hash: bytes) -> Invitation | None:
    row = tx.row(f"SELECT {_COLUMNS} FROM invitations WHERE token_hash = ?", (token_hash,))
    return None if row is None else _read_row(row)


def _read_row(row: Row) -> Invitation:
    invitation_id, account_id, environment, deployer_id, alg, names, *rest = row
    integration_ids = None if names is None else msgspec.json.decode(names, type=tuple[str, ...])
    return Invitation(invitation_id, Holder(Scope(account_id, environment), deployer_id, alg, integration_ids), *rest)
