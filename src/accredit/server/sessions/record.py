"""The session row as the rest of the server reads it, and the one list of its columns.

Expiry is a fact of the clock: `status_at` says `expired` from `expires_ms` on, whether a sweeper wrote it down or not.
"""

from typing import Any, Literal

import msgspec

from accredit.server.gate import App
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.store import Row, Transaction

Status = Literal["created", "waiting", "pending_review", "success", "failed", "aborted", "error", "cancelled", "expired"]
OPEN: tuple[Status, ...] = ("created", "waiting", "pending_review")

# Sessions of the other doors have rows of their own beside this one, an API of their own, and ends of their own.
OF_FRAMED_DOORS = "door NOT IN ('rest', 'flow')"

COLUMNS = (
    "id, account_id, environment, door, integration_id, integration_version, status, reason, sequence, created_ms, updated_ms,"
    " expires_ms, completed_ms, deployer_id, origin, trust, proof_kind, proof_key_id, single_use, subject_hash, anonymous,"
    " view_id, locale, channel, renews, lifetime_ms, retention_ms, sealed, redacted_ms, warnings"
)


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """The sealed part: who visits and what the deployer sent along. server_only: passport keys that reach a backend only.

    unverified: names of fields that nobody signed.
    """

    uid: str | None = None
    anonymous_id: str | None = None
    data_passport: dict[str, str | int | float | bool] = {}
    server_only: tuple[str, ...] = ()
    customer_info: dict[str, Any] | None = None
    app: App | None = None
    unverified: tuple[str, ...] = ()


class Session(msgspec.Struct, frozen=True, array_like=True):
    """The control part of a session, in the order of COLUMNS, and its sealed part as stored. warnings: JSON list of codes."""

    session_id: str
    account_id: str
    environment: str
    door: str
    integration_id: str
    integration_version: int
    status: Status
    reason: str | None
    sequence: int
    created_ms: int
    updated_ms: int
    expires_ms: int
    completed_ms: int | None
    deployer_id: str | None
    origin: str | None
    trust: Literal["unverified", "origin", "signed"]
    proof_kind: str | None
    proof_key_id: str | None
    single_use: int
    subject_hash: bytes | None
    anonymous: int
    view_id: str | None
    locale: str | None
    channel: str | None
    renews: str | None
    lifetime_ms: int
    retention_ms: int | None
    sealed: bytes | None
    redacted_ms: int | None
    warnings: str

    @property
    def scope(self) -> Scope:
        """The account and environment that it belongs to."""
        return Scope(self.account_id, self.environment)

    def status_at(self, now_ms: int) -> Status:
        """The status that every reader sees at that time."""
        return "expired" if self.status in OPEN and now_ms >= self.expires_ms else self.status

    def is_open(self, now_ms: int) -> bool:
        """Whether it has not ended at that time."""
        return self.status_at(now_ms) in OPEN


def read_row(row: Row) -> Session:
    """The session of a row that was selected by COLUMNS."""
    return Session(*row)


def find_session(tx: Transaction, wanted: tuple[str, Scope]) -> Session | None:
    """Query: the session of a framed door of that id, if it is of that account and environment."""
    session_id, scope = wanted
    row = tx.row(
        f"SELECT {COLUMNS} FROM sessions WHERE id = ? AND account_id = ? AND environment = ? AND {OF_FRAMED_DOORS}",
        (session_id, scope.account_id, scope.environment),
    )
    return None if row is None else read_row(row)


def find_any_session(tx: Transaction, session_id: str) -> Session | None:
    """Query: the session of that id, of whatever account."""
    row = tx.row(f"SELECT {COLUMNS} FROM sessions WHERE id = ?", (session_id,))
    return None if row is None else read_row(row)


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Person)


def seal_person(sealer: Sealer, scope: Scope, session_id: str, person: Person) -> bytes:
    """Seal the personal part to its row."""
    return sealer.seal(scope, _ENCODER.encode(person), row=session_id, column="sessions.sealed")


def open_person(sealer: Sealer, session: Session) -> Person:
    """What is sealed in the row; an empty part where it ended or was redacted. Raises FailureError: `sealed_damaged`."""
    if session.sealed is None:
        return Person()
    return _DECODER.decode(sealer.open(session.scope, session.sealed, row=session.session_id, column="sessions.sealed"))
