"""Who asks a person, and how the pages look that ask: the account's name, and its theme."""

from dataclasses import dataclass

from accredit.server.accounts.accounts import find_account
from accredit.server.keyring.scope import Scope
from accredit.server.node import Node
from accredit.server.store import Transaction
from accredit.server.themes.look import DEFAULT_LOOK, Look
from accredit.server.themes.records import Theme, find_theme_of_session


@dataclass(frozen=True, slots=True)
class PageOwner:
    """The owner as a person's pages show it. logo: its path, None without one."""

    name: str
    look: Look
    logo: str | None


async def load_owner(node: Node, scope: Scope, theme_id: str | None = None) -> PageOwner:
    """The owner of a page. theme_id: None for the account's default theme."""
    name, theme = await node.store.read(_find_owner, (scope, theme_id))
    logo = None if theme is None or theme.logo_digest is None else f"{node.settings.public_path}/logos/{theme.logo_digest}"
    return PageOwner(name, DEFAULT_LOOK if theme is None else theme.look, logo)


def _find_owner(tx: Transaction, wanted: tuple[Scope, str | None]) -> tuple[str, Theme | None]:
    """Query: the name of the account that asks, and the theme of its page."""
    scope, theme_id = wanted
    account = find_account(tx, scope.account_id)
    return scope.account_id if account is None else account.name, find_theme_of_session(tx, (scope, theme_id))
