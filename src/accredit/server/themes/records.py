"""Theme records of an account and environment. The one named `default` is for sessions that name none, or one that is not there.

theme = await create_theme(store, NewTheme(scope, "winter", "Winter", look, logo, cause))
theme = await store.read(find_theme_of_session, (scope, theme_id))
"""

from dataclasses import dataclass

import msgspec

from accredit.errors import ConflictError, NotFoundError
from accredit.server import audit
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.scope import Scope
from accredit.server.store import Row, Store, Transaction, one_by_one
from accredit.server.themes.logo import Logo
from accredit.server.themes.look import Look

DEFAULT_ID = "default"
_COLUMNS = "id, name, look, logo_digest, created_ms, updated_ms"
_OURS = "account_id = ? AND environment = ?"


@dataclass(frozen=True, slots=True)
class Theme:
    """A theme as pages need it. logo_digest: the name of its logo in public addresses, None without one."""

    theme_id: str
    name: str
    look: Look
    logo_digest: str | None
    created_ms: int
    updated_ms: int


@dataclass(frozen=True, slots=True)
class NewTheme:
    """A theme to create. look: checked."""

    scope: Scope
    theme_id: str
    name: str
    look: Look
    logo: Logo | None
    cause: Cause


@dataclass(frozen=True, slots=True)
class ThemeChange:
    """What to put in the place of what is there; UNSET leaves it. logo: None takes it away. members: of Look, checked by type."""

    scope: Scope
    theme_id: str
    name: str | msgspec.UnsetType
    members: dict[str, object]
    logo: Logo | msgspec.UnsetType | None
    cause: Cause


@dataclass(frozen=True, slots=True)
class ThemeRemoval:
    """A theme to delete."""

    scope: Scope
    theme_id: str
    cause: Cause


async def create_theme(store: Store, new: NewTheme) -> Theme:
    """Create a theme. Raises MalformedError `contrast_too_low`; ConflictError `theme_exists`."""
    new.look.check()
    return await store.write(_create, new)


async def change_theme(store: Store, change: ThemeChange) -> Theme:
    """Change a theme. Raises MalformedError `contrast_too_low`; NotFoundError `theme_not_found`."""
    return await store.write(_change, change)


async def delete_theme(store: Store, removal: ThemeRemoval) -> None:
    """Delete a theme; sessions that name it are shown the default one. Raises NotFoundError `theme_not_found`."""
    await store.write(_delete, removal)


@one_by_one
def _create(tx: Transaction, new: NewTheme) -> Theme:
    at_ms, logo = new.cause.at_ms, new.logo
    inserted = tx.execute(
        f"INSERT INTO themes (account_id, environment, {_COLUMNS}, logo_type, logo) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (
            *(new.scope.account_id, new.scope.environment, new.theme_id, new.name, _encode(new.look)),
            *(None if logo is None else logo.digest, at_ms, at_ms),
            *((None, None) if logo is None else (logo.media_type, logo.octets)),
        ),
    )
    if not inserted:
        raise ConflictError("theme_exists", "theme_id")
    _record(tx, "theme.created", new.scope, new.theme_id, new.cause)
    return Theme(new.theme_id, new.name, new.look, None if logo is None else logo.digest, at_ms, at_ms)


@one_by_one
def _change(tx: Transaction, change: ThemeChange) -> Theme:
    known = find_theme(tx, (change.scope, change.theme_id))
    if known is None:
        raise NotFoundError("theme_not_found")
    look = msgspec.structs.replace(known.look, **change.members)
    look.check()
    name = known.name if change.name is msgspec.UNSET else change.name
    digest = known.logo_digest
    where = (change.scope.account_id, change.scope.environment, change.theme_id)
    if change.logo is not msgspec.UNSET:
        logo = change.logo
        digest, media_type, octets = (None, None, None) if logo is None else (logo.digest, logo.media_type, logo.octets)
        tx.execute(
            f"UPDATE themes SET logo_digest = ?, logo_type = ?, logo = ? WHERE {_OURS} AND id = ?",
            (digest, media_type, octets, *where),
        )
    tx.execute(
        f"UPDATE themes SET name = ?, look = ?, updated_ms = ? WHERE {_OURS} AND id = ?",
        (name, _encode(look), change.cause.at_ms, *where),
    )
    _record(tx, "theme.changed", change.scope, change.theme_id, change.cause)
    return Theme(change.theme_id, name, look, digest, known.created_ms, change.cause.at_ms)


@one_by_one
def _delete(tx: Transaction, removal: ThemeRemoval) -> None:
    where = (removal.scope.account_id, removal.scope.environment, removal.theme_id)
    if not tx.execute(f"DELETE FROM themes WHERE {_OURS} AND id = ?", where):
        raise NotFoundError("theme_not_found")
    _record(tx, "theme.deleted", removal.scope, removal.theme_id, removal.cause)


def _record(tx: Transaction, kind: str, scope: Scope, theme_id: str, cause: Cause) -> None:
    entry = audit.AuditEntry(
        at_ms=cause.at_ms,
        kind=kind,
        account_id=scope.account_id,
        environment=scope.environment,
        actor=cause.actor,
        request_id=cause.request_id,
        detail={"theme_id": theme_id},
    )
    audit.append(tx, [entry])


def find_theme(tx: Transaction, wanted: tuple[Scope, str]) -> Theme | None:
    """Query: the theme of that id."""
    scope, theme_id = wanted
    where = (scope.account_id, scope.environment, theme_id)
    row = tx.row(f"SELECT {_COLUMNS} FROM themes WHERE {_OURS} AND id = ?", where)
    return None if row is None else _read_row(row)


def find_theme_of_session(tx: Transaction, wanted: tuple[Scope, str | None]) -> Theme | None:
    """Query: the theme that a session names, else the account's default, else None."""
    scope, theme_id = wanted
    # A text that no theme could be called is not looked up: not every engine takes all of them.
    named = None if theme_id is None or "\0" in theme_id else find_theme(tx, (scope, theme_id))
    return named or find_theme(tx, (scope, DEFAULT_ID))


def list_themes(tx: Transaction, wanted: tuple[Scope, str, int]) -> list[Theme]:
    """Query: up to that many themes of the scope, in the order of their ids, behind the one named."""
    scope, after, limit = wanted
    rows = tx.rows(
        f"SELECT {_COLUMNS} FROM themes WHERE {_OURS} AND id > ? ORDER BY id LIMIT ?",
        (scope.account_id, scope.environment, after, limit),
    )
    return [_read_row(row) for row in rows]


def find_logo(tx: Transaction, digest: str) -> Logo | None:
    """Query: the image of that digest, of whatever account; it says nothing of who uses it."""
    row = tx.row("SELECT logo_type, logo FROM themes WHERE logo_digest = ? LIMIT 1", (digest,))
    return None if row is None else Logo(row[0], row[1], digest)


_ENCODER, _DECODER = msgspec.json.Encoder(), msgspec.json.Decoder(Look)


def _encode(look: Look) -> str:
    return _ENCODER.encode(look).decode()


def _read_row(row: Row) -> Theme:
    theme_id, name, look, *rest = row
    return Theme(theme_id, name, _DECODER.decode(look), *rest)
