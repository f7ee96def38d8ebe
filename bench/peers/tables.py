"""The database of the FastAPI peer: one table of sessions, by SQLAlchemy's ORM, as durable as ours."""

from typing import Any

from sqlalchemy import BigInteger, LargeBinary, String, UniqueConstraint, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# On SQLite more connections are no faster: its writers wait for each other in sleeps.
_SQLITE_POOL, _POSTGRESQL_POOL = 1, 20


class Table(DeclarativeBase):
    """What is mapped."""


class SessionRow(Table):
    """A session. jti: single-use id of its token. sealed: user and passport, encrypted."""

    __tablename__ = "sessions"
    __table_args__ = (UniqueConstraint("integration_id", "jti"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    integration_id: Mapped[str] = mapped_column(String(128))
    deployer_id: Mapped[str] = mapped_column(String(128))
    owner_id: Mapped[str] = mapped_column(String(128))
    status: Mapped[str] = mapped_column(String(16))
    origin: Mapped[str | None] = mapped_column(String(255))
    view_id: Mapped[str | None] = mapped_column(String(128))
    channel: Mapped[str | None] = mapped_column(String(22))
    request_id: Mapped[str] = mapped_column(String(32))
    key_id: Mapped[str] = mapped_column(String(64))
    jti: Mapped[str | None] = mapped_column(String(128))
    code_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_ms: Mapped[int] = mapped_column(BigInteger)
    expires_ms: Mapped[int] = mapped_column(BigInteger, index=True)


def create_engine(url: str) -> AsyncEngine:
    """An engine for a SQLAlchemy URL."""
    if not url.startswith("sqlite"):
        return create_async_engine(url, pool_size=_POSTGRESQL_POOL, max_overflow=0)
    engine = create_async_engine(url, pool_size=_SQLITE_POOL, max_overflow=0)
    event.listen(engine.sync_engine, "connect", _make_durable)
    return engine


def _make_durable(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
