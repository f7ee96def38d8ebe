"""What a frame's code is exchanged for: who embeds the application, for whom, with which passport.

protocol-embed.md section 9, protocol-boot.md section 8.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, cast

from accredit.client.wire import Members
from accredit.encoding import Json

Door = Literal["embed", "boot"]


@dataclass(frozen=True, slots=True)
class Proof:
    """What held. kind: `deployment` or `identity`. key_id: the deployer's key. version: of an identity signature."""

    kind: str
    key_id: str | None
    single_use: bool | None
    version: int | None

    @classmethod
    def read(cls, members: Members) -> "Proof":
        """Raises FailureError `answer_malformed`."""
        single_use = members.flag("single_use") if "single_use" in members.raw else None
        return cls(members.text("kind"), members.find_text("key_id"), single_use, members.find_number("version"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One visit of an embedded application. Exactly one of uid and anonymous_id is set while it is open.

    trust: how far the values below are vouched for; proof: by what, None for nothing. data_passport: what the deployer sent along;
    server_only: its keys that belong to backends only. unverified: fields of a boot that no signature covers. frame_ancestors: for
    the application's own Content-Security-Policy. Nothing of the person is in its repr.
    """

    session_id: str
    door: Door
    environment: str
    status: str
    owner_id: str
    deployer_id: str | None
    integration_id: str
    uid: str | None = field(repr=False)
    anonymous_id: str | None = field(repr=False)
    view_id: str | None
    locale: str | None
    origin: str | None
    channel: str | None
    data_passport: Mapping[str, Json] = field(repr=False)
    server_only: tuple[str, ...]
    customer_info: Mapping[str, Json] | None = field(repr=False)
    trust: str
    proof: Proof | None
    frame_ancestors: tuple[str, ...]
    renews: str | None
    created_at: datetime
    expires_at: datetime
    app: Mapping[str, Json] | None
    unverified: tuple[str, ...]

    @classmethod
    def read(cls, value: Json) -> "Visit":
        """Read the object. Raises FailureError `answer_malformed`."""
        members = Members(value)
        return cls(
            session_id=members.text("session_id"),
            door=cast("Door", members.word("door", Door)),
            environment=members.text("environment"),
            status=members.text("status"),
            owner_id=members.text("owner_id"),
            deployer_id=members.find_text("deployer_id"),
            integration_id=members.text("integration_id"),
            uid=members.find_text("uid"),
            anonymous_id=members.find_text("anonymous_id"),
            view_id=members.find_text("view_id"),
            locale=members.find_text("locale"),
            origin=members.find_text("origin"),
            channel=members.find_text("channel"),
            data_passport=members.find_map("data_passport") or {},
            server_only=members.texts("server_only"),
            customer_info=members.find_map("customer_info"),
            trust=members.text("trust"),
            proof=members.find_object("proof", Proof.read),
            frame_ancestors=members.texts("frame_ancestors"),
            renews=members.find_text("renews"),
            created_at=members.time("created_at"),
            expires_at=members.time("expires_at"),
            app=members.find_map("app"),
            unverified=members.texts("unverified"),
        )
