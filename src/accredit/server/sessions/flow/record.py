"""The row of a session of the flow door as the rest of the server reads it: its control part, its steps, and what is sealed.

The row is that of every session, joined with its own columns. `revision` counts what was written, so that of two who change it at
once none loses the other's work. What tells of the person is sealed under a key of the session's own, itself sealed under the
account's data key. It stands in a table of its own, is written once and deleted once: whatever a database or a backup keeps of older
rows, none of it opens after redaction (docs/decisions/0006-sealing-without-session-keys.md).
"""

import os
from functools import lru_cache
from typing import Any, Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from accredit.errors import FailureError
from accredit.server.gate.flow import AdmittedBy, User
from accredit.server.integrations.flow import HostedKeyIn, StepRule
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.sessions.flow.statuses import UNFINISHED, StepStatus
from accredit.server.sessions.record import Status
from accredit.server.store import Row, Transaction

_SHARED = (
    "id, account_id, environment, integration_id, integration_version, status, reason, sequence, created_ms, updated_ms, expires_ms,"
    " completed_ms, origin, proof_kind, proof_key_id, locale, retention_ms, sealed, answer, redacted_ms"
)
_OWN = "customer_hash, superseded, signed, control, steps, link, previous_session_id, wake_ms, revision"
COLUMNS = ", ".join([*(f"s.{name}" for name in _SHARED.split(", ")), *(f"f.{name}" for name in _OWN.split(", ")), "k.own_key"])
TABLES = "sessions s JOIN flow_sessions f ON f.session_id = s.id LEFT JOIN flow_keys k ON k.session_id = s.id"
# 9999-12-31: what awaits review does not expire.
NO_EXPIRY_MS = 253_402_300_799_000
_KEY_BYTES, _NONCE_BYTES = 32, 12


class StepState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where one step of the template stands. attempt: counts from 1, on through retries. at_ms: of the latest change.

    called: a fallback that a failed step named. passed: what was skipped had passed before.
    """

    status: StepStatus = "waiting_for_prerequisite"
    attempt: int = 1
    at_ms: int = 0
    called: bool = False
    passed: bool = False


class Simulation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the API says of simulators. steps: how they end. run: without a person."""

    steps: dict[str, Literal["success", "failed", "pending_review", "error"]] = {}
    run: bool = False


class Control(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What holds for the session for good and may be read in clear: the policy's snapshot, and what it was created with.

    rules: the template's steps in their order. hosted_key_in: where links have their key. encryption_key: a public JWK as JSON;
    key_given: it is the caller's own, not the template's.
    """

    rules: tuple[StepRule, ...]
    hosted_key_in: HostedKeyIn = "query"
    encryption_key: str | None = None
    key_given: bool = False
    tags: tuple[str, ...] = ()
    simulation: Simulation | None = None

    @property
    def headless(self) -> bool:
        """Whether the steps run without a person."""
        return self.simulation is not None and self.simulation.run


class KeptStep(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the active step said last. kind: of an Ask or a Wait. state: the step's own."""

    step: str
    attempt: int
    kind: Literal["ask", "wait"]
    state: dict[str, Any] = {}
    screen: str | None = None
    values: dict[str, Any] = {}
    continue_url: str | None = None


class FlowPerson(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The sealed part. signed, checked: members of `user` that the owner's backend vouches for, and that a step found true.

    details: of steps that ended, by their names. kept: of the active step.
    """

    customer_reference: str | None = None
    user: User = User()
    signed: tuple[str, ...] = ()
    checked: tuple[str, ...] = ()
    ip_address: str | None = None
    details: dict[str, dict[str, Any]] = {}
    kept: KeptStep | None = None
    return_url: str | None = None


class FlowSession(msgspec.Struct, frozen=True, array_like=True):
    """One session, in the order of COLUMNS. control_text, steps_text: JSON; `control` and `steps` read them.

    proof_kind: `admitted_by`. superseded: 1 after a retry. signed: 1 where a page needs a signature to go on. own_key: sealed. link:
    number of the hosted link, 0 for none. wake_ms: from when the active step is asked again though nobody is there.
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
    origin: str | None
    proof_kind: AdmittedBy
    proof_key_id: str | None
    locale: str | None
    retention_ms: int | None
    sealed: bytes | None
    answer: bytes | None
    redacted_ms: int | None
    customer_hash: bytes
    superseded: int
    signed: int
    control_text: str
    steps_text: str
    link: int
    previous_session_id: str | None
    wake_ms: int | None
    revision: int
    own_key: bytes | None

    @property
    def scope(self) -> Scope:
        """The account and environment that it belongs to."""
        return Scope(self.account_id, self.environment)

    @property
    def control(self) -> Control:
        """The control part."""
        return _read_control(self.control_text)

    @property
    def steps(self) -> dict[str, StepState]:
        """The steps of its template, in their order."""
        return _STEPS.decode(self.steps_text)

    @property
    def active_step(self) -> str | None:
        """The step that is due, None where none is."""
        return next((name for name, state in self.steps.items() if state.status == "active"), None)

    def rule_of(self, step: str) -> StepRule | None:
        """The template's rule of that step."""
        return next((rule for rule in self.control.rules if rule.step == step), None)

    def status_at(self, now_ms: int) -> Status:
        """The status that every reader sees at that time; what awaits review does not expire."""
        return "expired" if self.status in UNFINISHED and now_ms >= self.expires_ms else self.status

    def is_active(self, now_ms: int) -> bool:
        """Whether the person may go on at that time."""
        return self.status_at(now_ms) in UNFINISHED

    def has_ended(self, now_ms: int) -> bool:
        """Whether nothing can change its status any more."""
        return not self.is_active(now_ms) and self.status != "pending_review"


_ENCODER = msgspec.json.Encoder()
_read_control = lru_cache(maxsize=512)(msgspec.json.Decoder(Control).decode)
_STEPS = msgspec.json.Decoder(dict[str, StepState])
_PERSON = msgspec.json.Decoder(FlowPerson)


def write_json(part: Control | dict[str, StepState]) -> str:
    """The control part or the steps as the row keeps them."""
    return _ENCODER.encode(part).decode()


def make_own_key(sealer: Sealer, scope: Scope, session_id: str) -> bytes:
    """A new key for one session, sealed to its row. The sealer is ready."""
    return sealer.seal(scope, os.urandom(_KEY_BYTES), row=session_id, column="flow_keys.own_key")


def destroy_key(tx: Transaction, session_id: str) -> None:
    """Delete a session's own key, so that nothing opens that was sealed with it."""
    tx.execute("DELETE FROM flow_keys WHERE session_id = ?", (session_id,))


def seal_person(sealer: Sealer, scope: Scope, session_id: str, own_key: bytes, person: FlowPerson) -> bytes:
    """Seal the personal part to its row under the session's own key. Raises FailureError `sealed_damaged`."""
    key, nonce = _open_key(sealer, scope, session_id, own_key), os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, _ENCODER.encode(person), _associated(session_id))


def load_person(sealer: Sealer, session: FlowSession) -> FlowPerson:
    """What is sealed in the row; an empty part once it was redacted. The sealer is ready. Raises FailureError `sealed_damaged`."""
    if session.sealed is None or session.own_key is None:
        return FlowPerson()
    key = _open_key(sealer, session.scope, session.session_id, session.own_key)
    nonce, ciphertext = session.sealed[:_NONCE_BYTES], session.sealed[_NONCE_BYTES:]
    try:
        return _PERSON.decode(AESGCM(key).decrypt(nonce, ciphertext, _associated(session.session_id)))
    except (InvalidTag, ValueError) as error:
        raise FailureError("sealed_damaged") from error


def _open_key(sealer: Sealer, scope: Scope, session_id: str, own_key: bytes) -> bytes:
    return sealer.open(scope, own_key, row=session_id, column="flow_keys.own_key")


def _associated(session_id: str) -> bytes:
    return f"sessions.sealed\0{session_id}".encode()


def customer_hash(sealer: Sealer, scope: Scope, customer_reference: str) -> bytes:
    """How a customer is found again within account and environment, in every template. The sealer is ready."""
    return sealer.lookup_hash(scope, "flow_customer", customer_reference)


def read_row(row: Row) -> FlowSession:
    """The session of a row that was selected by COLUMNS."""
    return FlowSession(*row)


def find_row(tx: Transaction, session_id: str) -> FlowSession | None:
    """Query: the session of that id, of whatever account."""
    row = tx.row(f"SELECT {COLUMNS} FROM {TABLES} WHERE s.id = ?", (session_id,))
    return None if row is None else read_row(row)


def find_newest(tx: Transaction, wanted: tuple[str, bytes]) -> FlowSession | None:
    """Query: the newest session of a customer in a template, by the customer's hash."""
    row = tx.row(
        f"SELECT {COLUMNS} FROM {TABLES} WHERE f.integration_id = ? AND f.customer_hash = ? AND f.superseded = 0", wanted
    )
    return None if row is None else read_row(row)
