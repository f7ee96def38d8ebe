"""What the rest door answers (protocol-rest.md sections 7 and 15)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hmac import compare_digest
from typing import Literal, cast

from accredit.client.requests import CallbackUrls, Flow, Loa, Mode
from accredit.client.wire import Members
from accredit.encoding import Json
from accredit.errors import Refused

Status = Literal["CREATED", "WAITING_FOR_USER", "SUCCESS", "ABORT", "ERROR", "INVALID", "CANCELLED", "EXPIRED"]
_OPEN = ("CREATED", "WAITING_FOR_USER")


@dataclass(frozen=True, slots=True)
class Subject:
    """Who the person is. id: the same for the same person at the same provider. idp_id: the provider's own.

    attributes: what was asked for and is known, by the names of the wire (`firstName`, `nin`).
    """

    id: str = field(repr=False)
    idp_id: str = field(repr=False)
    attributes: Mapping[str, Json] = field(repr=False)

    @classmethod
    def read(cls, members: Members) -> "Subject":
        """Raises FailureError `answer_malformed`."""
        others = {name: value for name, value in members.raw.items() if name not in ("id", "idpId")}
        return cls(members.text("id"), members.text("idpId"), others)

    def text(self, name: str) -> str | None:
        """An attribute that is a text, None where there is none."""
        value = self.attributes.get(name)
        return value if isinstance(value, str) else None


@dataclass(frozen=True, slots=True)
class Environment:
    """The browser that came last."""

    ip_address: str | None = field(repr=False)
    user_agent: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class SessionFault:
    """Why a session ended in ERROR or INVALID."""

    code: str
    title: str
    detail: str | None
    type: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session. subject, loa: of SUCCESS only. idp_data: headless, while it waits. session_nonce: told to nobody but the browser
    that finished, and here. protection: how the answer was sealed, None for a plain one.

    Nothing of the person, and no address with a key in it, is in its repr.
    """

    id: str
    account_id: str
    status: Status
    status_detail: str | None
    flow: Flow
    authentication_url: str = field(repr=False)
    status_url: str
    expires_at: datetime
    provider: str | None
    subject: Subject | None = field(repr=False)
    loa: Loa | None
    callback_urls: CallbackUrls | None
    idp_data: Mapping[str, Json] = field(repr=False)
    environment: Environment | None = field(repr=False)
    error: SessionFault | None
    protection: Mode | None
    tags: tuple[str, ...]
    allowed_providers: tuple[str, ...]
    language: str | None
    theme_id: str | None
    requested_attributes: tuple[str, ...]
    external_reference: str | None
    usage_reference: str | None
    session_lifetime: int | None
    request_domain: str | None
    session_nonce: str | None = field(repr=False)
    transaction_id: str | None

    @classmethod
    def read(cls, value: Json) -> "Session":
        """Read the object. Raises FailureError `answer_malformed`."""
        members = Members(value)
        transport = Members(members.find_map("messageTransportProperties") or {})
        return cls(
            id=members.text("id"),
            account_id=members.text("accountId"),
            status=cast("Status", members.word("status", Status)),
            status_detail=members.find_text("statusDetail"),
            flow=cast("Flow", members.word("flow", Flow)),
            authentication_url=members.text("authenticationUrl"),
            status_url=members.text("statusUrl"),
            expires_at=members.time("expiresAt"),
            provider=members.find_text("provider"),
            subject=members.find_object("subject", Subject.read),
            loa=cast("Loa | None", members.find_text("loa")),
            callback_urls=members.find_object("callbackUrls", _read_callbacks),
            idp_data=members.find_map("idpData") or {},
            environment=members.find_object("environment", _read_environment),
            error=members.find_object("error", _read_fault),
            protection=cast("Mode | None", transport.find_text("messageLevelEncryption")),
            tags=members.texts("tags"),
            allowed_providers=members.texts("allowedProviders"),
            language=members.find_text("language"),
            theme_id=members.find_text("themeId"),
            requested_attributes=members.texts("requestedAttributes"),
            external_reference=members.find_text("externalReference"),
            usage_reference=members.find_text("usageReference"),
            session_lifetime=members.find_number("sessionLifetime"),
            request_domain=members.find_text("requestDomain"),
            session_nonce=members.find_text("sessionNonce"),
            transaction_id=members.find_text("transactionId"),
        )

    @property
    def is_finished(self) -> bool:
        """Whether it has ended, in whatever way."""
        return self.status not in _OPEN

    def check_nonce(self, session_nonce: str | None) -> None:
        """Check that the browser which brought this nonce is the one that finished.

        Raises Refused `invalid_session_nonce`, also where the session has none.
        """
        if session_nonce is None or self.session_nonce is None:
            raise Refused("invalid_session_nonce")
        if not compare_digest(session_nonce.encode("utf-8", "surrogatepass"), self.session_nonce.encode()):
            raise Refused("invalid_session_nonce")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionItem:
    """A session in a list: control data, nothing personal."""

    id: str
    account_id: str
    status: Status
    status_detail: str | None
    flow: Flow
    provider: str | None
    tags: tuple[str, ...]
    external_reference: str | None
    usage_reference: str | None
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    redacted_at: datetime | None
    encryption_key_thumbprint: str | None

    @classmethod
    def read(cls, members: Members) -> "SessionItem":
        """Raises FailureError `answer_malformed`."""
        return cls(
            id=members.text("id"),
            account_id=members.text("accountId"),
            status=cast("Status", members.word("status", Status)),
            status_detail=members.find_text("statusDetail"),
            flow=cast("Flow", members.word("flow", Flow)),
            provider=members.find_text("provider"),
            tags=members.texts("tags"),
            external_reference=members.find_text("externalReference"),
            usage_reference=members.find_text("usageReference"),
            created_at=members.time("createdAt"),
            updated_at=members.time("updatedAt"),
            expires_at=members.time("expiresAt"),
            redacted_at=members.find_time("redactedAt"),
            encryption_key_thumbprint=members.find_text("encryptionKeyThumbprint"),
        )


@dataclass(frozen=True, slots=True)
class SessionPage:
    """A page of a list, newest first. next_cursor: None on the last one."""

    sessions: tuple[SessionItem, ...]
    next_cursor: str | None

    @classmethod
    def read(cls, value: Json) -> "SessionPage":
        """Raises FailureError `answer_malformed`."""
        members = Members(value)
        return cls(members.objects("sessions", SessionItem.read), members.find_text("nextCursor"))


def _read_callbacks(members: Members) -> CallbackUrls:
    return CallbackUrls(success=members.text("success"), abort=members.text("abort"), error=members.text("error"))


def _read_environment(members: Members) -> Environment:
    return Environment(members.find_text("ipAddress"), members.find_text("userAgent"))


def _read_fault(members: Members) -> SessionFault:
    return SessionFault(members.text("code"), members.text("title"), members.find_text("detail"), members.find_text("type"))
