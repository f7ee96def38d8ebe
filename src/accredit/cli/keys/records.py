"""What the commands on key records share: finding one, and telling of it."""

import re
from typing import Any

import click
import msgspec

from accredit.cli.database import ENVIRONMENTS
from accredit.cli.output import print_facts, print_json
from accredit.errors import NotFoundError
from accredit.server.accounts.accounts import list_accounts
from accredit.server.api.key_answers import answer_key
from accredit.server.app import system_clock
from accredit.server.keyring.records import KeyFilter, KeyRecord, find_key, list_keys
from accredit.server.keyring.scope import SERVER, Scope
from accredit.server.node import Node

# Columns of the records that a table or a list of facts leaves out.
_FOR_PROGRAMS = ("public_jwk", "key_set_id", "endpoint_id")
_LOOKS_LIKE_OPTIONS = re.compile(r"-[A-Za-z0-9_-]{42}")


whole_secret_option = click.option(
    "--whole-secret", is_flag=True, help="Also the other keys over the same secret, as an API credential's."
)


class KeyCommand(click.Command):
    """A command on one key. One thumbprint in 64 begins with a hyphen, as base64url may; no option is as long."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments; such a thumbprint is none but the key."""
        thumbprints = [text for text in args if _LOOKS_LIKE_OPTIONS.fullmatch(text)]
        if thumbprints and "--" not in args:
            args = [*(text for text in args if text not in thumbprints), "--", *thumbprints]
        return super().parse_args(ctx, args)


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


async def load_key(node: Node, named: str) -> KeyRecord:
    """The record of that id, or of the one live key with that thumbprint, of whatever account and environment, or the server's own.

    Raises NotFoundError `key_not_found`; UsageError where several accounts have a key with that thumbprint.
    """
    accounts = await node.store.read(list_accounts, None)
    found: list[KeyRecord] = []
    for scope in (SERVER, *(Scope(account.account_id, environment) for account in accounts for environment in ENVIRONMENTS)):
        record = await node.store.read(find_key, (scope, named))
        if record is not None:
            return record
        held = await node.store.read(list_keys, KeyFilter(scope=scope))
        found += [each for each in held if _is_named(each, named) and each.is_live(node.clock())]
    if len(found) > 1:
        raise click.UsageError(f"Several keys are called so; name one of {', '.join(each.key_id for each in found)}.")
    if not found:
        raise NotFoundError("key_not_found")
    return found[0]


def _is_named(record: KeyRecord, named: str) -> bool:
    """Whether a key of others, or one of a registered caller's, is meant by its thumbprint or its key id."""
    if record.purpose == "encryption":
        return named in (record.kid, record.thumbprint)
    return record.purpose == "deployment" and named == record.thumbprint
