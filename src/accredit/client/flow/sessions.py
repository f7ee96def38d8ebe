"""What the flow door answers (protocol-flow.md section 9)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from accredit.client.flow.requests import FlowAddress, FlowIdNumber, FlowName, FlowUser
from accredit.client.wire import Members
from accredit.encoding import Json

FlowStatus = Literal["active", "pending_review", "success", "failed", "expired", "canceled"]
CHECKS = ("kyc_check", "documentary_verification", "selfie_check", "screening", "risk_check", "verify_sms")


@dataclass(frozen=True, slots=True)
class FlowTemplate:
    """Which template a session is of, and which version of its policy it keeps."""

    id: str
    version: int

    @classmethod
    def read(cls, members: Members) -> "FlowTemplate":
        """Raises FailureError `answer_malformed`."""
        return cls(members.text("id"), members.find_number("version") or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSessionItem:
    """A session in a list: nothing of the person.

    The success of a laxer template is not the one that you want: compare `template.id`, `customer_reference` and `environment`.
    """

    id: str
    status: FlowStatus
    customer_reference: str | None = field(repr=False)
    template: FlowTemplate
    environment: str
    admitted_by: str
    steps: Mapping[str, str]
    tags: tuple[str, ...]
    created_at: datetime
    completed_at: datetime | None
    expires_at: datetime | None
    redacted_at: datetime | None
    previous_session_id: str | None
    shareable_url: str | None = field(repr=False)

    @classmethod
    def read(cls, members: Members) -> "FlowSessionItem":
        """Raises FailureError `answer_malformed`."""
        return cls(**_read_item(members))

    @property
    def is_finished(self) -> bool:
        """Whether it has ended, in whatever way; what awaits review has not."""
        return self.status not in ("active", "pending_review")


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSession(FlowSessionItem):
    """A session. checks: what services found, by step, None until the step ended. details: of steps of the template's own.

    unverified: members of user that nobody signed and no step checked. sealed: a finished session's personal members as a JWE, if it
    has a public key; those members are None then. Nothing of the person is in its repr.
    """

    user: FlowUser = field(repr=False)
    checks: Mapping[str, Mapping[str, Json] | None] = field(repr=False)
    details: Mapping[str, Json] = field(repr=False)
    screening_id: str | None
    unverified: tuple[str, ...]
    sealed: str | None = field(repr=False)

    @classmethod
    def read(cls, members: Members) -> "FlowSession":
        """Raises FailureError `answer_malformed`."""
        return cls(
            **_read_item(members),
            user=_read_user(Members(members.raw.get("user"))),
            checks={name: members.find_map(name) for name in CHECKS},
            details=members.find_map("details") or {},
            screening_id=members.find_text("screening_id"),
            unverified=members.texts("unverified"),
            sealed=members.find_text("sealed"),
        )


@dataclass(frozen=True, slots=True)
class FlowSessionPage:
    """A page of a list, newest first. next_cursor: None on the last one."""

    sessions: tuple[FlowSessionItem, ...]
    next_cursor: str | None

    @classmethod
    def read(cls, value: Json) -> "FlowSessionPage":
        """Raises FailureError `answer_malformed`."""
        members = Members(value)
        return cls(members.objects("flow_sessions", FlowSessionItem.read), members.find_text("next_cursor"))


def _read_item(members: Members) -> dict[str, Any]:
    """What lists and single sessions have in common."""
    steps = members.find_map("steps") or {}
    return {
        "id": members.text("id"),
        "status": members.word("status", FlowStatus),
        "customer_reference": members.find_text("customer_reference"),
        "template": FlowTemplate.read(Members(members.raw.get("template"))),
        "environment": members.text("environment"),
        "admitted_by": members.text("admitted_by"),
        "steps": {name: str(word) for name, word in steps.items()},
        "tags": members.texts("tags"),
        "created_at": members.time("created_at"),
        "completed_at": members.find_time("completed_at"),
        "expires_at": members.find_time("expires_at"),
        "redacted_at": members.find_time("redacted_at"),
        "previous_session_id": members.find_text("previous_session_id"),
        "shareable_url": members.find_text("shareable_url"),
    }


def _read_user(members: Members) -> FlowUser:
    return FlowUser(
        email=members.find_text("email"),
        phone=members.find_text("phone"),
        name=members.find_object("name", _read_name),
        date_of_birth=members.find_text("date_of_birth"),
        address=members.find_object("address", _read_address),
        id_number=members.find_object("id_number", _read_id_number),
        ip_address=members.find_text("ip_address"),
    )


def _read_name(members: Members) -> FlowName:
    return FlowName(first=members.text("first"), last=members.text("last"))


def _read_address(members: Members) -> FlowAddress:
    return FlowAddress(
        street=members.text("street"),
        city=members.text("city"),
        country_code=members.text("country_code"),
        street2=members.find_text("street2"),
        subdivision=members.find_text("subdivision"),
        postal_code=members.find_text("postal_code"),
    )


def _read_id_number(members: Members) -> FlowIdNumber:
    return FlowIdNumber(value=members.text("value"), type=members.text("type"), category=members.find_text("category"))
