"""What the FastAPI peer reads and answers, as pydantic models."""

from datetime import UTC, datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from bench.peers.tables import SessionRow


class Form(BaseModel):
    """The form that a page posts into a frame."""

    model_config = ConfigDict(extra="ignore")

    signed_deployment: str = Field(max_length=65536)
    channel: str | None = Field(None, pattern=r"^[A-Za-z0-9_-]{22}$")
    sdk: str | None = Field(None, max_length=32)


class Code(BaseModel):
    """What a backend redeems."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(pattern=r"^[A-Za-z0-9_-]{43}$")


class Person(BaseModel):
    """The personal part of a session."""

    uid: str
    data_passport: dict[str, str | int | float | bool]


class SessionBody(BaseModel):
    """A session, as a backend reads it."""

    session_id: str
    status: str
    owner_id: str
    deployer_id: str
    integration_id: str
    uid: str
    view_id: str | None
    origin: str | None
    channel: str | None
    data_passport: dict[str, str | int | float | bool]
    trust: str
    key_id: str
    single_use: bool
    frame_ancestors: list[str]
    created_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, row: SessionRow, person: Person, origins: list[str]) -> Self:
        """The answer about a row."""
        return cls(
            session_id=row.id,
            status=row.status,
            owner_id=row.owner_id,
            deployer_id=row.deployer_id,
            integration_id=row.integration_id,
            uid=person.uid,
            view_id=row.view_id,
            origin=row.origin,
            channel=row.channel,
            data_passport=person.data_passport,
            trust="signed",
            key_id=row.key_id,
            single_use=row.jti is not None,
            frame_ancestors=origins,
            created_at=datetime.fromtimestamp(row.created_ms / 1000, UTC),
            expires_at=datetime.fromtimestamp(row.expires_ms / 1000, UTC),
        )
