"""API credentials of the flow door: a key id, and up to three live secrets that clients of the original use for three things.

protocol-flow.md sections 1 and 12. Each secret is three records over one text, of purposes `api` (it signs requests), `reference` (it
signs customer references) and `webhook` (we sign with it); each lives, is used and ends by itself, and `changes` ends them together.

    made = await create_credential(store, sealer, NewSecret(scope, "shop backend"), Cause(now_ms, actor=api_key.key_id))
    made.api_key_id, made.secret_text          # live_key_..., live_secret_...: the secret is shown once
"""

import secrets
from dataclasses import dataclass, field

from accredit.errors import ConflictError, MalformedError, NotFoundError
from accredit.keys import secret_hash
from accredit.server.ids import new_id
from accredit.server.keyring.changes import Cause, record_change, tell
from accredit.server.keyring.flow_keys import API_KEY_ID
from accredit.server.keyring.records import KeyRecord, Purpose, find_records, insert_record
from accredit.server.keyring.reference_keys import check_room
from accredit.server.keyring.scope import SERVER, Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.keyring.written_secrets import check_brought_along, generate_api_secret, written_hash
from accredit.server.store import Store, Transaction, bump_config, one_by_one

PURPOSES: tuple[Purpose, ...] = ("api", "reference", "webhook")
# How many live ones a key id may have.
MAX_SECRETS = 3


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret to be made, or brought along. api_key_id: whose it is to be; None: a credential is made with it.

    brought: its text where it is used with the original already.
    """

    scope: Scope
    label: str = ""
    api_key_id: str | None = None
    brought: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class MadeSecret:
    """Records over one text, one for each purpose. secret_text: shown this once; None where it was brought along."""

    api_key_id: str
    records: tuple[KeyRecord, ...]
    secret_text: str | None = field(default=None, repr=False)


async def create_credential(store: Store, sealer: Sealer, wanted: NewSecret, cause: Cause) -> MadeSecret:
    """Make a credential with its first secret. A key id that is named is one of the original, and must be nobody's here.

    Raises MalformedError: `field_invalid` (api_key_id), `secret_malformed`, `key_published`, `key_denied` (the account lost it
    before); NotFoundError `account_not_found`; ConflictError: `key_exists` (api_key_id, secret), `key_limit_reached`.
    """
    environment = wanted.scope.environment
    api_key_id = wanted.api_key_id or f"{environment}_key_{secrets.token_hex(16)}"
    if not API_KEY_ID.fullmatch(api_key_id) or not api_key_id.startswith(f"{environment}_"):
        raise MalformedError("field_invalid", "api_key_id")
    return await _add(store, sealer, wanted, api_key_id, cause, fresh=True)


async def add_secret(store: Store, sealer: Sealer, wanted: NewSecret, cause: Cause) -> MadeSecret:
    """Give a credential one more secret. Raises as `create_credential`; NotFoundError `key_not_found` for the key id."""
    return await _add(store, sealer, wanted, str(wanted.api_key_id), cause, fresh=False)


async def _add(store: Store, sealer: Sealer, wanted: NewSecret, api_key_id: str, cause: Cause, *, fresh: bool) -> MadeSecret:
    scope, made = wanted.scope, None
    if wanted.brought is None:
        made = generate_api_secret(scope.environment)
    text = made or check_brought_along(scope, str(wanted.brought))
    await sealer.ready(SERVER)
    await sealer.ready(scope)
    records = tuple(_record(sealer, wanted, api_key_id, purpose, text, cause) for purpose in PURPOSES)
    await store.write(_insert, _Addition(records, cause, fresh))
    return MadeSecret(api_key_id, records, made)


def _record(sealer: Sealer, wanted: NewSecret, api_key_id: str, purpose: Purpose, text: str, cause: Cause) -> KeyRecord:
    key_id = new_id("key_")
    return KeyRecord(
        key_id=key_id,
        scope=wanted.scope,
        purpose=purpose,
        label=wanted.label,
        created_ms=cause.at_ms,
        api_key_id=api_key_id,
        secret=sealer.seal(wanted.scope, text.encode("ascii"), row=key_id, column="keys.secret"),
        secret_hash=written_hash(sealer, secret_hash(text)),
    )


@dataclass(frozen=True, slots=True)
class _Addition:
    """Records over one text. fresh: the key id is to be nobody's yet."""

    records: tuple[KeyRecord, ...]
    cause: Cause
    fresh: bool


@one_by_one
def _insert(tx: Transaction, item: _Addition) -> None:
    """Change: add a secret to a credential that has room for it."""
    first, cause = item.records[0], item.cause
    bump_config(tx)
    if tx.row("SELECT 1 FROM accounts WHERE id = ?", (first.scope.account_id,)) is None:
        raise NotFoundError("account_not_found")
    _check_key_id(tx, item)
    _check_text(tx, first, cause)
    check_room(tx, first.scope, cause.at_ms)
    for record in item.records:
        insert_record(tx, record)
        record_change(tx, "key.created", record, cause)
    tell(tx, "key.created", item.records, cause)


def _check_key_id(tx: Transaction, item: _Addition) -> None:
    first = item.records[0]
    held = find_records(tx, "k.api_key_id = ?", (first.api_key_id,))
    if item.fresh and held:
        raise ConflictError("key_exists", "api_key_id")
    if not item.fresh and not any(record.scope == first.scope for record in held):
        raise NotFoundError("key_not_found", "api_key_id")
    live = {record.secret_hash for record in held if record.is_live(item.cause.at_ms)}
    if len(live) >= MAX_SECRETS:
        raise ConflictError("key_limit_reached")


def _check_text(tx: Transaction, record: KeyRecord, cause: Cause) -> None:
    """What others have, or lost, is not told."""
    held = find_records(tx, "k.secret_hash = ? AND k.account_id = ?", (record.secret_hash, record.scope.account_id))
    if any(each.revoke_reason == "secret_exposed" for each in held):
        raise MalformedError("key_denied", "secret")
    if any(each.is_live(cause.at_ms) for each in held):
        raise ConflictError("key_exists", "secret")


@dataclass(frozen=True, slots=True)
class Credential:
    """A key id with all its secrets, oldest first, dead ones too; each is the records over one text."""

    api_key_id: str
    secrets: tuple[tuple[KeyRecord, ...], ...]


def list_credentials(tx: Transaction, scope: Scope) -> list[Credential]:
    """Query: the credentials of an account and environment, oldest first."""
    records = find_records(
        tx, "k.account_id = ? AND k.environment = ? AND k.api_key_id IS NOT NULL", (scope.account_id, scope.environment)
    )
    by_id: dict[str, dict[bytes | None, list[KeyRecord]]] = {}
    for record in records:
        by_id.setdefault(str(record.api_key_id), {}).setdefault(record.secret_hash, []).append(record)
    return [
        Credential(api_key_id, tuple(tuple(over_one) for over_one in texts.values())) for api_key_id, texts in by_id.items()
    ]
