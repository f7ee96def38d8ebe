"""What the commands on key records share: finding one, and telling of it."""

from typing import Any

import msgspec

from accredit.cli.database import ENVIRONMENTS
from accredit.cli.output import print_facts, print_json
from accredit.errors import NotFoundError
from accredit.server.accounts.accounts import list_accounts
from accredit.server.api.key_answers import answer_key
from accredit.server.app import system_clock
from accredit.server.keyring.records import KeyRecord, find_key
from accredit.server.keyring.scope import Scope
from accredit.server.node import Node

# Columns of the records that a table or a list of facts leaves out.
_FOR_PROGRAMS = ("public_jwk", "key_set_id")


def described(record: KeyRecord) -> dict[str, Any]:
    """A key as the API tells of it."""
    told: dict[str, Any] = msgspec.to_builtins(answer_key(record, system_clock()))
    return told


def show_key(record: KeyRecord, as_json: bool, **more: object) -> None:
    """Print a record, and what stands beside it."""
    key = described(record)
    if as_json:
        print_json({"key": key, **more} if more else key)
        return
    print_facts({name: value for name, value in key.items() if value not in (None, "") and name not in _FOR_PROGRAMS} | more)


async def load_key(node: Node, key_id: str) -> KeyRecord:
    """The record of that id, of whatever account and environment. Raises NotFoundError `key_not_found`."""
    for account in await node.store.read(list_accounts, None):
        for environment in ENVIRONMENTS:
            record = await node.store.read(find_key, (Scope(account.account_id, environment), key_id))
            if record is not None:
                return record
    raise NotFoundError("key_not_found")
