"""Publishable keys: what a page of the flow door names its account and environment by. They are no secrets.

protocol-flow.md section 1. Several live at once, so that pages can be moved from one to the next.

    record = await create_publishable_key(store, scope, "shop", Cause(now_ms, actor=api_key.key_id))
    record.kid                # live_publishable_key_ and 32 hex digits
"""

import secrets

from accredit.errors import ConflictError, NotFoundError
from accredit.server.ids import new_id
from accredit.server.keyring.changes import Cause, add_key
from accredit.server.keyring.records import KeyFilter, KeyRecord, list_keys
from accredit.server.keyring.scope import Scope
from accredit.server.store import Store, Transaction, bump_config, one_by_one

MAX_PUBLISHABLE_KEYS = 10


async def create_publishable_key(store: Store, scope: Scope, label: str, cause: Cause) -> KeyRecord:
    """Make a publishable key, `kid` of its record. Raises NotFoundError `account_not_found`, ConflictError `key_limit_reached`."""
    record = KeyRecord(
        key_id=new_id("key_"),
        scope=scope,
        purpose="publishable",
        label=label,
        created_ms=cause.at_ms,
        kid=f"{scope.environment}_publishable_key_{secrets.token_hex(16)}",
    )
    return await store.write(_add, (record, cause))


@one_by_one
def _add(tx: Transaction, item: tuple[KeyRecord, Cause]) -> KeyRecord:
    """Change: add a publishable key to an account that has room for it."""
    record, cause = item
    bump_config(tx)
    if tx.row("SELECT 1 FROM accounts WHERE id = ?", (record.scope.account_id,)) is None:
        raise NotFoundError("account_not_found")
    held = list_keys(tx, KeyFilter(scope=record.scope, purpose="publishable"))
    if sum(each.is_live(cause.at_ms) for each in held) >= MAX_PUBLISHABLE_KEYS:
        raise ConflictError("key_limit_reached")
    return add_key(tx, record, cause)
