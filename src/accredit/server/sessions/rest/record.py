"""The row of a session of the rest door as the rest of the server reads it: its control part, and what is sealed while it is open.

The row is that of every session, joined with its own columns. `revision` counts what was written to an open session, so that of two
who change it at once none loses the other's work.
"""

import hashlib
from functools import lru_cache
from typing import Any, Literal

import msgspec

from accredit.server.integrations.rest import NonceUse, ResponseSignature
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.providers.records import Flow, Loa
from accredit.server.sessions.record import OPEN, Status
from accredit.server.store import Row, Transaction

_OWN = (
    "client_id, control, key_jwk, provider_id, attempt_id, browser_hash, nonce_hash, request_hash, revision, ask_ms, opened_ms,"
    " read_ms, deleted_ms"
)
_SHARED = (
    "id, account_id, environment, integration_id, integration_version, status, reason, sequence, created_ms, updated_ms,"
    " expires_ms, completed_ms, retention_ms, redact_ms, sealed, answer, answer_thumbprint, redacted_ms"
)
COLUMNS = ", ".join([*(f"s.{name}" for name in _SHARED.split(", ")), *(f"r.{name}" for name in _OWN.split(", "))])
TABLES = "sessions s JOIN rest_sessions r ON r.session_id = s.id"


class Callbacks(msgspec.Struct, frozen=True, array_like=True):
    """The addresses that the browser goes to at the end, as the caller gave them."""

    success: str
    abort: str
    error: str


class Protection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How answers are sealed to the caller's key. key_id: of the registered key, None for one that came inline."""

    mode: Literal["jwe", "jws+jwe"] = "jwe"
    enc: str
    pad_to: int = 0
    signing_alg: str = "ES256"
    nonce: str | None = None
    key_id: str | None = None


class Control(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the session was created with and may be read in clear: effective values, and what was taken over from the policy.

    offered: ids of the providers that the person may choose from, in order. named: whether the caller named providers. parents: who
    may frame the page, as sources of Content-Security-Policy. protection: None without a key. jwks_uri: of the
    caller's keys.
    """

    flow: Flow
    requested_attributes: tuple[str, ...] = ()
    callbacks: Callbacks | None = None
    return_url: str | None = None
    offered: tuple[str, ...] = ()
    named: bool = False
    requested_loa: Loa | None = None
    tags: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    language: str | None = None
    theme_id: str | None = None
    external_reference: str | None = None
    usage_reference: str | None = None
    lifetime_s: int
    request_domain: str | None = None
    protection: Protection | None = None
    json_ascii: bool = True
    consent: bool = False
    session_nonce: NonceUse = "embedded"
    require_session_nonce: bool = False
    response_signature: ResponseSignature = "off"
    delete_after_read_s: int | None = None
    jwks_uri: str | None = None


class Environment(msgspec.Struct, frozen=True, omit_defaults=True):
    """The browser that came last. user_agent: at most 512 characters."""

    ip_address: str
    user_agent: str | None = None


class KeptStep(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The latest step of the latest attempt. state: the provider's. screen, values: of a Show. idp_data: of a Waiting."""

    kind: Literal["redirect", "show", "waiting"]
    state: dict[str, Any] = {}
    screen: str | None = None
    values: dict[str, Any] = {}
    idp_data: dict[str, str] = {}


class Open(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is sealed while a session is open, and erased when it ends.

    session_nonce: 22 characters, None where the session has none. consented: the person agreed, where the policy asks.
    """

    prefilled: dict[str, str] = {}
    parameters: dict[str, str] = {}
    session_nonce: str | None = None
    environment: Environment | None = None
    language: str | None = None
    consented: bool = False
    step: KeptStep | None = None


class RestSession(msgspec.Struct, frozen=True, array_like=True):
    """One session, in the order of COLUMNS. key_jwk: the caller's public key as JSON. control: as JSON; `controlled` reads it.

    browser_hash: of the browser that opened the page last. ask_ms: from when the provider of a headless session is asked again.
    opened_ms: when the page was opened first. read_ms: of the first GET after the end. redact_ms: when the answer is to go, and after
    that the row.
    """

    session_id: str
    account_id: str
    environment: str
    integration_id: str
    integration_version: int
    status: Status
    reason: str | None
    sequence: int
    created_ms: int
    updated_ms: int
    expires_ms: int
    completed_ms: int | None
    retention_ms: int | None
    redact_ms: int | None
    sealed: bytes | None
    answer: bytes | None
    thumbprint: str | None
    redacted_ms: int | None
    client_id: str
    control_text: str
    key_jwk: str | None
    provider_id: str | None
    attempt_id: str | None
    browser_hash: bytes | None
    nonce_hash: bytes | None
    request_hash: bytes | None
    revision: int
    ask_ms: int | None
    opened_ms: int | None
    read_ms: int | None
    deleted_ms: int | None

    @property
    def scope(self) -> Scope:
        """The account and environment that it belongs to."""
        return Scope(self.account_id, self.environment)

    @property
    def control(self) -> Control:
        """The control part."""
        return _read_control(self.control_text)

    def status_at(self, now_ms: int) -> Status:
        """The status that every reader sees at that time."""
        return "expired" if self.status in OPEN and now_ms >= self.expires_ms else self.status

    def is_open(self, now_ms: int) -> bool:
        """Whether it has not ended at that time."""
        return self.status_at(now_ms) in OPEN

    def is_redacted(self, now_ms: int) -> bool:
        """Whether its answer is gone at that time, whether it was erased already or not."""
        return self.redacted_ms is not None or (self.redact_ms is not None and now_ms >= self.redact_ms)


_ENCODER = msgspec.json.Encoder()
# One request asks for it several times.
_read_control = lru_cache(maxsize=512)(msgspec.json.Decoder(Control).decode)
_OPEN = msgspec.json.Decoder(Open)


def write_control(control: Control) -> str:
    """The control part as the row keeps it."""
    return _ENCODER.encode(control).decode()


def seal_open(sealer: Sealer, scope: Scope, session_id: str, part: Open) -> bytes:
    """Seal the open part to its row."""
    return sealer.seal(scope, _ENCODER.encode(part), row=session_id, column="sessions.sealed")


def load_open(sealer: Sealer, session: RestSession) -> Open:
    """What is sealed in the row; an empty part once it ended. The sealer is ready. Raises FailureError `sealed_damaged`."""
    if session.sealed is None:
        return Open()
    return _OPEN.decode(sealer.open(session.scope, session.sealed, row=session.session_id, column="sessions.sealed"))


def nonce_hash(nonce: str) -> bytes:
    """What the row keeps of a session nonce: SHA-256, enough for this many random bits."""
    return hashlib.sha256(nonce.encode("utf-8", "replace")).digest()


def read_row(row: Row) -> RestSession:
    """The session of a row that was selected by COLUMNS."""
    return RestSession(*row)


def find_row(tx: Transaction, session_id: str) -> RestSession | None:
    """Query: the session of that id, of whatever account; a deleted one is not there."""
    row = tx.row(f"SELECT {COLUMNS} FROM {TABLES} WHERE s.id = ? AND r.deleted_ms IS NULL", (session_id,))
    return None if row is None else read_row(row)
