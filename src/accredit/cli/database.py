"""Commands on the configured database: opening it, and choosing the account and environment that they act in."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TypeVar

import click

from accredit.errors import FailureError, MalformedError, NotFoundError
from accredit.server.accounts.accounts import Account, list_accounts
from accredit.server.app import open_node, system_clock
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.scope import Scope
from accredit.server.node import Node
from accredit.server.settings import Settings, read_settings

# Who did it, in the audit record.
ACTOR = "cli"
ENVIRONMENTS = ("live", "sandbox")

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Database:
    """Which database a command works on: the environment's settings, unless an option names another."""

    settings: Settings

    def run(self, work: Callable[[Node], Awaitable[Result]], *, create: bool = False, exclusive: bool = False) -> Result:
        """What the work on an open node answers.

        create: an embedded database that does not exist yet is made. exclusive: no server may run beside. Raises FailureError
        `database_missing`, and as `open_node`.
        """
        if not create and not self.settings.database_url and not (self.settings.data_dir / "accredit.sqlite").exists():
            raise FailureError("database_missing")
        check_data_dir(self.settings)

        async def opened() -> Result:
            async with open_node(self.settings, exclusive=exclusive) as node:
                return await work(node)

        return asyncio.run(opened())


def check_data_dir(settings: Settings) -> None:
    """Make the data directory of an embedded database. Raises MalformedError `settings_invalid` where that cannot be."""
    if settings.database_url:
        return
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise MalformedError("settings_invalid", "ACCREDIT_DATA_DIR") from error
    if not os.access(settings.data_dir, os.W_OK | os.X_OK):
        raise MalformedError("settings_invalid", "ACCREDIT_DATA_DIR")


def database_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds `--data-dir` and `--database-url`; the command gets a Database as `database`."""

    @click.option("--data-dir", type=click.Path(path_type=Path, file_okay=False), help="ACCREDIT_DATA_DIR for this command.")
    @click.option("--database-url", metavar="URL", help="ACCREDIT_DATABASE_URL for this command.")
    @wraps(command)
    def with_database(*args: object, data_dir: Path | None, database_url: str | None, **kwargs: object) -> None:
        database = Database(read_settings(os.environ, data_dir=data_dir, database_url=database_url))
        command(*args, database=database, **kwargs)

    return with_database


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose records a command acts on, as it was asked: an account by its id or owner_id, by default the only one."""

    account: str | None
    environment: str

    async def find(self, node: Node) -> Scope:
        """The scope. Raises NotFoundError `account_not_found`; UsageError where it must be named."""
        accounts = await node.store.read(list_accounts, None)
        return Scope(self._choose(accounts).account_id, self.environment)

    def _choose(self, accounts: list[Account]) -> Account:
        if self.account is not None:
            for account in accounts:
                if self.account in (account.account_id, account.owner_id):
                    return account
            raise NotFoundError("account_not_found", "--account")
        if len(accounts) == 1:
            return accounts[0]
        if not accounts:
            raise click.UsageError("There is no account yet; create one with `accredit account create`.")
        raise click.UsageError("There are several accounts; name one with --account (see `accredit account list`).")


def scope_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds `--account` and `--environment`; the command gets them as `whose`."""

    @click.option("--account", metavar="ID", help="Account id or owner_id; by default the only account.")
    @click.option("--environment", type=click.Choice(ENVIRONMENTS), default="live", show_default=True, help="Which of them.")
    @wraps(command)
    def with_scope(*args: object, account: str | None, environment: str, **kwargs: object) -> None:
        command(*args, whose=Whose(account, environment), **kwargs)

    return with_scope


def cause() -> Cause:
    """Now, by the operator of this machine."""
    return Cause(system_clock(), actor=ACTOR)
