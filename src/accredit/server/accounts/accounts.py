"""Accounts: the tenants. Everything belongs to an account and one of its environments.

account = await create_account(store, NewAccount(name="Example Ltd"), Cause(now_ms, actor="cli"))
scope = Scope(account.account_id, "live")
"""

from dataclasses import dataclass

from accredit.errors import ConflictError, MalformedError
from accredit.properties import is_id
from accredit.server import audit
from accredit.server.ids import new_id
from accredit.server.keyring.changes import Cause
from accredit.server.providers.defaults import insert_sandbox_providers
from accredit.server.store import Row, Store, Transaction, one_by_one

MAX_NAME = 200
_COLUMNS = "id, name, owner_id, created_ms"


@dataclass(frozen=True, slots=True)
class Account:
    """One owner organisation. owner_id: its name on the wire."""

    account_id: str
    name: str
    owner_id: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What is asked for. account_id: made here by default; owner_id: the account's id by default."""

    name: str = ""
    account_id: str | None = None
    owner_id: str | None = None


async def create_account(store: Store, wanted: NewAccount, cause: Cause) -> Account:
    """Create an account; in its sandbox are the providers of `providers.defaults`, nothing else.

    Raises MalformedError `field_invalid`; ConflictError `account_exists` with the member that is taken.
    """
    account_id = wanted.account_id or new_id("acc_")
    owner_id = wanted.owner_id or account_id
    for member, text in (("account_id", account_id), ("owner_id", owner_id)):
        if not is_id(text):
            raise MalformedError("field_invalid", member)
    account = Account(account_id, check_name(wanted.name) or account_id, owner_id, cause.at_ms)
    return await store.write(_create, (account, cause))


def check_name(name: str) -> str:
    """A name as people write it. Raises MalformedError `field_invalid` for one that is too long or not printable."""
    if len(name) > MAX_NAME or not name.isprintable():
        raise MalformedError("field_invalid", "name")
    return name


@one_by_one
def _create(tx: Transaction, item: tuple[Account, Cause]) -> Account:
    account, cause = item
    values = (account.account_id, account.name, account.owner_id, account.created_ms)
    if not tx.execute(f"INSERT INTO accounts ({_COLUMNS}) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", values):
        taken = find_account(tx, account.account_id) is not None
        raise ConflictError("account_exists", "account_id" if taken else "owner_id")
    entry = audit.AuditEntry(
        at_ms=cause.at_ms,
        kind="account.created",
        account_id=account.account_id,
        actor=cause.actor,
        request_id=cause.request_id,
    )
    audit.append(tx, [entry])
    insert_sandbox_providers(tx, account.account_id, account.created_ms)
    return account


def find_account(tx: Transaction, account_id: str) -> Account | None:
    """Query: the account of that id."""
    row = tx.row(f"SELECT {_COLUMNS} FROM accounts WHERE id = ?", (account_id,))
    return None if row is None else _read_row(row)


def list_accounts(tx: Transaction, _: None = None) -> list[Account]:
    """Query: all accounts, in the order of their ids."""
    return [_read_row(row) for row in tx.rows(f"SELECT {_COLUMNS} FROM accounts ORDER BY id")]


def _read_row(row: Row) -> Account:
    return Account(*row)
