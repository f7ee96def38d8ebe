"""Identity secrets: what a deployer's backend signs its users with, made here or brought along (protocol-boot.md section 8).

A secret is a deployer's, or that of one of its integrations alone. Its octets stay sealed here for good, so that a signature under
one that has ended can be told from a forged one. What a browser sent is found again by a keyed hash: a secret that was brought along
may be short, or no random number at all, and could be guessed from a plain hash. Two accounts may bring along the same one, and
neither learns of it.

    made = await issue_identity_secret(store, sealer, SecretHolder(scope, "cp_1"), Cause(now_ms, actor=api_key.key_id))
    made.secret_text          # shown once
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from accredit.errors import ConflictError, FailureError, MalformedError, NotFoundError
from accredit.identity import IdentitySecret, generate_identity_secret
from accredit.server.ids import new_id
from accredit.server.keyring.changes import Cause, add_key
from accredit.server.keyring.deployment_keys import require_deployer
from accredit.server.keyring.records import KeyRecord, find_records
from accredit.server.keyring.scope import SERVER, Scope
from accredit.server.keyring.sealing import SEALED_EXTRA_BYTES, Sealer
from accredit.server.store import Store, Transaction, bump_config, one_by_one

# How many live ones a deployer may have, and each of its integrations beside them.
MAX_SECRETS = 2
# How many that have ended are looked through when somebody asks what is wrong with a signature.
_OLD_ONES = 4


@dataclass(frozen=True, slots=True)
class SecretHolder:
    """Whose secret it is to be. integration_id: of that integration alone; None: of the deployer."""

    scope: Scope
    deployer_id: str
    integration_id: str | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class MadeIdentitySecret:
    """A fresh secret: its record, and its text, 44 characters of base64, to be given to the deployer's backend."""

    record: KeyRecord
    secret_text: str = field(repr=False)


async def issue_identity_secret(store: Store, sealer: Sealer, holder: SecretHolder, cause: Cause) -> MadeIdentitySecret:
    """Make a secret of 32 random octets. Raises NotFoundError and ConflictError as `import_identity_secret`."""
    secret_text = generate_identity_secret()
    return MadeIdentitySecret(await import_identity_secret(store, sealer, holder, secret_text, cause), secret_text)


async def import_identity_secret(store: Store, sealer: Sealer, holder: SecretHolder, text: str, cause: Cause) -> KeyRecord:
    """Keep a secret that a deployer has already: canonical padded base64 of 16..64 octets.

    Raises MalformedError: `secret_malformed`, `key_denied` (the account lost it to a browser before); NotFoundError:
    `deployer_not_found`, `integration_not_found` (none of this deployer's at the boot door); ConflictError: `key_exists` where the
    holder has it already, `key_limit_reached` where two live.
    """
    try:
        octets = IdentitySecret.from_base64(text).octets
    except MalformedError as error:
        raise MalformedError(error.code, "secret") from error
    await sealer.ready(SERVER)
    await sealer.ready(holder.scope)
    key_id = new_id("key_")
    record = KeyRecord(
        key_id=key_id,
        scope=holder.scope,
        purpose="identity",
        label=holder.label,
        created_ms=cause.at_ms,
        deployer_id=holder.deployer_id,
        integration_id=holder.integration_id,
        secret=sealer.seal(holder.scope, octets, row=key_id, column="keys.secret"),
        secret_hash=identity_hash(sealer, octets),
    )
    return await store.write(add_identity_secret, (record, cause))


def identity_hash(sealer: Sealer, octets: bytes) -> bytes:
    """How an identity secret is found again, in whatever account."""
    return sealer.server_mac("identity_secret", octets)


@one_by_one
def add_identity_secret(tx: Transaction, item: tuple[KeyRecord, Cause]) -> KeyRecord:
    """Change: add a secret to a deployer or integration that has room for it."""
    record, cause = item
    bump_config(tx)
    scope, deployer_id = record.scope, str(record.deployer_id)
    require_deployer(tx, scope, deployer_id, None)
    if record.integration_id is not None:
        _require_integration(tx, scope, deployer_id, record.integration_id)
    if _was_exposed(tx, record):
        raise MalformedError("key_denied", "secret")
    live = [
        each
        for each in find_identity_records(tx, (scope, deployer_id))
        if each.integration_id == record.integration_id and each.is_live(cause.at_ms)
    ]
    if any(each.secret_hash == record.secret_hash for each in live):
        raise ConflictError("key_exists", "secret")
    if len(live) >= MAX_SECRETS:
        raise ConflictError("key_limit_reached")
    return add_key(tx, record, cause)


def _require_integration(tx: Transaction, scope: Scope, deployer_id: str, integration_id: str) -> None:
    found = tx.row(
        "SELECT 1 FROM integrations WHERE id = ? AND account_id = ? AND environment = ? AND deployer_id = ? AND door = 'boot'"
        " AND deleted_ms IS NULL",
        (integration_id, scope.account_id, scope.environment, deployer_id),
    )
    if found is None:
        raise NotFoundError("integration_not_found", "integration_id")


def _was_exposed(tx: Transaction, record: KeyRecord) -> bool:
    """Whether the account, in whichever environment, lost this secret before. What others lost is not told."""
    found = tx.row(
        "SELECT 1 FROM keys WHERE secret_hash = ? AND purpose = 'identity' AND account_id = ? AND revoke_reason = 'secret_exposed'",
        (record.secret_hash, record.scope.account_id),
    )
    return found is not None


def find_identity_records(tx: Transaction, holder: tuple[Scope, str]) -> list[KeyRecord]:
    """Query: all identity secrets of a deployer and of its integrations, dead ones too, oldest first."""
    scope, deployer_id = holder
    return find_records(
        tx,
        "k.account_id = ? AND k.environment = ? AND k.purpose = 'identity' AND k.deployer_id = ?",
        (scope.account_id, scope.environment, deployer_id),
    )


def find_sizes(tx: Transaction, _: None) -> frozenset[int]:
    """Query: how many octets the secrets have that are not revoked, of whatever account; an index answers it."""
    rows = tx.rows("SELECT DISTINCT LENGTH(secret) FROM keys WHERE purpose = 'identity' AND revoked_ms IS NULL")
    return frozenset(length - SEALED_EXTRA_BYTES for (length,) in rows)


@dataclass(frozen=True, slots=True)
class HeldSecret:
    """A secret in memory. own: it is the integration's, not the deployer's. ends_ms: None if nothing is set."""

    secret: IdentitySecret
    own: bool
    ends_ms: int | None


class IdentitySecrets:
    """The secrets that count for one integration. old: the newest of those that had ended when this was loaded."""

    def __init__(self, held: Sequence[HeldSecret], old: Sequence[IdentitySecret] = ()) -> None:
        self._held = tuple(held)
        self._old = tuple(old)

    def live(self, now_ms: int) -> tuple[IdentitySecret, ...]:
        """Those that verify at that time: the integration's own; where none of its own lives, the deployer's."""
        live = [held for held in self._held if held.ends_ms is None or now_ms < held.ends_ms]
        return tuple(held.secret for held in live if held.own) or tuple(held.secret for held in live)

    def old(self, now_ms: int) -> tuple[IdentitySecret, ...]:
        """A few that have ended, the newest first: to tell what is wrong with a signature, never to let one pass."""
        ended = tuple(held.secret for held in reversed(self._held) if held.ends_ms is not None and held.ends_ms <= now_ms)
        return (*ended, *self._old)[:_OLD_ONES]


def open_secrets(sealer: Sealer, records: Sequence[KeyRecord], integration_id: str, now_ms: int) -> IdentitySecrets:
    """What of a deployer's secrets, oldest first, counts for an integration. Raises FailureError `sealed_damaged`."""
    concerned = [record for record in records if record.integration_id in (None, integration_id)]
    ended = [record for record in reversed(concerned) if not record.is_live(now_ms)]
    held = [
        HeldSecret(_open(sealer, record), record.integration_id is not None, record.ends_ms)
        for record in concerned
        if record.is_live(now_ms)
    ]
    return IdentitySecrets(held, [_open(sealer, record) for record in ended[:_OLD_ONES]])


def _open(sealer: Sealer, record: KeyRecord) -> IdentitySecret:
    if record.secret is None:
        raise FailureError("sealed_damaged")
    octets = sealer.open(record.scope, record.secret, row=record.key_id, column="keys.secret")
    return IdentitySecret(octets, record.key_id)
