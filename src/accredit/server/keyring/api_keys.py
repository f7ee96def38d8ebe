"""API keys: what an owner's backend calls with. The text is shown once; the record keeps its hash only.

design.md section 7: `accredit_{live|sandbox}_api_`, 43 base64url characters of 256 random bits, and a check.

    made = await create_api_key(store, scope, "checkout backend", Cause(now_ms, actor="operator"))
    made.secret_text          # accredit_live_api_...
"""

from dataclasses import dataclass, field

from accredit.errors import NotFoundError
from accredit.keys import generate_secret, secret_hash
from accredit.server.ids import new_id
from accredit.server.keyring.changes import Cause, add_key
from accredit.server.keyring.records import KeyRecord
from accredit.server.keyring.scope import Scope
from accredit.server.store import Store, Transaction, bump_config, one_by_one


@dataclass(frozen=True, slots=True)
class MadeApiKey:
    """A fresh API key: its record, and the text, which nobody keeps."""

    record: KeyRecord
    secret_text: str = field(repr=False)


async def create_api_key(
    store: Store, scope: Scope, label: str, cause: Cause, *, integration_ids: tuple[str, ...] | None = None
) -> MadeApiKey:
    """Make an API key for an account and environment, or for some of its integrations only.

    Raises NotFoundError: account_not_found, integration_not_found.
    """
    secret_text = generate_secret(scope.environment, "api")
    record = KeyRecord(
        key_id=new_id("key_"),
        scope=scope,
        purpose="api",
        label=label,
        created_ms=cause.at_ms,
        secret_hash=secret_hash(secret_text),
        integration_ids=integration_ids,
    )
    return MadeApiKey(await store.write(add_api_key, (record, cause)), secret_text)


@one_by_one
def add_api_key(tx: Transaction, item: tuple[KeyRecord, Cause]) -> KeyRecord:
    """Change: add an API key to an account that exists."""
    record, cause = item
    bump_config(tx)
    if tx.row("SELECT 1 FROM accounts WHERE id = ?", (record.scope.account_id,)) is None:
        raise NotFoundError("account_not_found")
    for integration_id in record.integration_ids or ():
        found = tx.row(
            "SELECT 1 FROM integrations WHERE id = ? AND account_id = ? AND environment = ? AND deleted_ms IS NULL",
            (integration_id, record.scope.account_id, record.scope.environment),
        )
        if found is None:
            raise NotFoundError("integration_not_found", "integration_ids")
    return add_key(tx, record, cause)
