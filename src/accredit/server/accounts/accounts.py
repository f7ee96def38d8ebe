"""Accounts: the tenants. Everything belongs to an account and one of its environments.

account = await create_account(store, NewAccount(name="Example Ltd"), Cause(now_ms, actor="cli"))
scope = Scope(account.account_id, "live")
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec

from accredit.errors import ConflictError, MalformedError, NotFoundError
from accredit.properties import is_id
from accredit.server import audit
from accredit.server.ids import new_id
from accredit.server.keyring.changes import Cause
from accredit.server.mail import is_address
from accredit.server.providers.defaults import insert_sandbox_providers
from accredit.server.store import Row, Store, Transaction, one_by_one

MAX_NAME, MAX_NOTICE_ADDRESSES = 200, 10
_COLUMNS = "id, name, owner_id, created_ms, notice_addresses"


@dataclass(frozen=True, slots=True)
class Account:
    """One owner organisation. owner_id: its name on the wire. notice_addresses: who gets letters about its keys and endpoints."""

    account_id: str
    name: str
    owner_id: str
    created_ms: int
    notice_addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What is asked for. account_id: made here by default; owner_id: the account's id by default."""

    name: str = ""
    account_id: str | None = None
    owner_id: str | None = None
    notice_addresses: tuple[str, ...] = ()


async def create_account(store: Store, wanted: NewAccount, cause: Cause) -> Account:
    """Create an account; in its sandbox are the providers of `providers.defaults`, nothing else.

    Raises MalformedError `field_invalid`; ConflictError `account_exists` with the member that is taken.
    """
    account_id = wanted.account_id or new_id("acc_")
    owner_id = wanted.owner_id or account_id
    for member, text in (("account_id", account_id), ("owner_id", owner_id)):
        if not is_id(text):
            raise MalformedError("field_invalid", member)
    addresses = check_notice_addresses(wanted.notice_addresses)
    account = Account(account_id, check_name(wanted.name) or account_id, owner_id, cause.at_ms, addresses)
    return await store.write(_create, (account, cause))


def check_name(name: str) -> str:
    """A name as people write it. Raises MalformedError `field_invalid` for one that is too long or not printable."""
    if len(name) > MAX_NAME or not name.isprintable():
        raise MalformedError("field_invalid", "name")
    return name


def check_notice_addresses(addresses: Sequence[str]) -> tuple[str, ...]:
    """Up to 10 addresses, each once. Raises MalformedError `field_invalid`."""
    unique = tuple(dict.fromkeys(addresses))
    if len(unique) > MAX_NOTICE_ADDRESSES or not all(is_address(each) for each in unique):
        raise MalformedError("field_invalid", "notice_addresses")
    return unique


async def change_notice_addresses(store: Store, account_id: str, addresses: Sequence[str], cause: Cause) -> Account:
    """Say who gets an account's letters; nobody where there is no address.

    Raises MalformedError `field_invalid`; NotFoundError `account_not_found`.
    """
    return await store.write(_change_addresses, (account_id, check_notice_addresses(addresses), cause))


@one_by_one
def _create(tx: Transaction, item: tuple[Account, Cause]) -> Account:
    account, cause = item
    addresses = msgspec.json.encode(account.notice_addresses).decode()
    values = (account.account_id, account.name, account.owner_id, account.created_ms, addresses)
    if not tx.execute(f"INSERT INTO accounts ({_COLUMNS}) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", values):
        taken = find_account(tx, account.account_id) is not None
        raise ConflictError("account_exists", "account_id" if taken else "owner_id")
    _record(tx, "account.created", account.account_id, cause)
    insert_sandbox_providers(tx, account.account_id, account.created_ms)
    return account


@one_by_one
def _change_addresses(tx: Transaction, item: tuple[str, tuple[str, ...], Cause]) -> Account:
    account_id, addresses, cause = item
    account = find_account(tx, account_id)
    if account is None:
        raise NotFoundError("account_not_found")
    stored = msgspec.json.encode(addresses).decode()
    tx.execute("UPDATE accounts SET notice_addresses = ? WHERE id = ?", (stored, account_id))
    _record(tx, "account.notices_changed", account_id, cause)
    return replace(account, notice_addresses=addresses)


def _record(tx: Transaction, kind: str, account_id: str, cause: Cause) -> None:
    entry = audit.AuditEntry(
        at_ms=cause.at_ms, kind=kind, account_id=account_id, actor=cause.actor, request_id=cause.request_id
    )
    audit.append(tx, [entry])


def find_account(tx: Transaction, account_id: str) -> Account | None:
    """Query: the account of that id."""
    row = tx.row(f"SELECT {_COLUMNS} FROM accounts WHERE id = ?", (account_id,))
    return None if row is None else _read_row(row)


def list_accounts(tx: Transaction, _: None = None) -> list[Account]:
    """Query: all accounts, in the order of their ids."""
    return [_read_row(row) for row in tx.rows(f"SELECT {_COLUMNS} FROM accounts ORDER BY id")]


def _read_row(row: Row) -> Account:
    account_id, name, owner_id, created_ms, addresses = row
    return Account(account_id, name, owner_id, created_ms, msgspec.json.decode(addresses, type=tuple[str, ...]))
