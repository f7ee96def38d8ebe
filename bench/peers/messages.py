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


class Boot(BaseModel):
    """The form of a boot: ids, the signature, and what the page tells of its user."""

    model_config = ConfigDict(extra="ignore")

    cp_id: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,128}$")
    cp_deployment_id: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,128}$")
    signature: str = Field(max_length=256)
    page: str | None = Field(None, pattern=r"^[A-Za-z0-9_.-]{1,128}$")
    channel: str | None = Field(None, pattern=r"^[A-Za-z0-9_-]{22}$")
    email: str = Field("", max_length=255)
    first_name: str | None = Field(None, max_length=255)
    surname: str | None = Field(None, max_length=255)
    gender: str | None = Field(None, max_length=15)
    title: str | None = Field(None, max_length=10)
    building_number: str | None = Field(None, max_length=50)
    address_1: str | None = Field(None, max_length=50)
    town_city: str | None = Field(None, max_length=50)
    postcode: str | None = Field(None, max_length=8)
    dob: str | None = Field(None, max_length=40)

    @property
    def customer(self) -> dict[str, str]:
        """What is told of the user."""
        own = {"cp_id", "cp_deployment_id", "signature", "page", "channel"}
        return self.model_dump(exclude=own, exclude_none=True)


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
