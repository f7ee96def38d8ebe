"""Making a new session, for whoever makes it: a page, the API, a retry. It is inserted in the transaction that decides about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from accredit.encoding import Json
from accredit.errors import Refused
from accredit.server.events.outbox import Event, append
from accredit.server.gate.flow import AdmittedBy
from accredit.server.ids import new_id
from accredit.server.integrations.integration import FlowIntegration
from accredit.server.node import Node
from accredit.server.sessions.flow.changing import flow_event
from accredit.server.sessions.flow.record import (
    Control,
    FlowPerson,
    FlowSession,
    Simulation,
    customer_hash,
    make_own_key,
    seal_person,
    write_json,
)
from accredit.server.sessions.flow.running import begin, told_of
from accredit.server.sessions.listing import searched_text
from accredit.server.store import Transaction, Value

_SHARED = (
    "id", "account_id", "environment", "door", "integration_id", "integration_version", "status", "sequence", "created_ms",
    "updated_ms", "expires_ms", "completed_ms", "request_id", "origin", "trust", "proof_kind", "proof_key_id", "single_use",
    "replay_key", "anonymous", "locale", "lifetime_ms", "retention_ms", "warnings", "sealed", "answer",
)  # fmt: skip
_OWN = (
    "session_id", "integration_id", "customer_hash", "superseded", "signed", "control", "tags", "steps", "link",
    "previous_session_id", "wake_ms", "revision",
)  # fmt: skip
_INSERT_SHARED = f"INSERT INTO sessions ({', '.join(_SHARED)}) VALUES ({','.join('?' * len(_SHARED))}) ON CONFLICT DO NOTHING"
_INSERT_OWN = f"INSERT INTO flow_sessions ({', '.join(_OWN)}) VALUES ({','.join('?' * len(_OWN))}) ON CONFLICT DO NOTHING"


@dataclass(frozen=True, slots=True)
class Making:
    """What a new session is made of. person: its reference included. replay_key: of the token that opens it.

    encryption_key: the caller's own, in place of the template's. skipped, called, attempts: as `running.begin` takes them.
    """

    integration: FlowIntegration
    admitted_by: AdmittedBy
    person: FlowPerson
    request_id: str
    now_ms: int
    signed: bool = False
    key_id: str | None = None
    replay_key: bytes | None = None
    origin: str | None = None
    locale: str | None = None
    shareable: bool = False
    tags: tuple[str, ...] = ()
    encryption_key: str | None = None
    simulation: Simulation | None = None
    previous_session_id: str | None = None
    skipped: Mapping[str, bool] = field(default_factory=dict)
    called: frozenset[str] = frozenset()
    attempts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MadeSession:
    """A session ready to be inserted, with both of its rows and the events that tell of it."""

    session: FlowSession
    shared: tuple[Value, ...]
    own: tuple[Value, ...]
    events: tuple[Event, ...]


def make_session(node: Node, making: Making) -> MadeSession:
    """Make a session; nothing is written yet. The sealer is ready for the template's scope."""
    sealer, scope, person = node.sealer, making.integration.scope, making.person
    session_id = new_id("flwses_")
    own_key = make_own_key(sealer, scope, session_id)
    customer = customer_hash(sealer, scope, str(person.customer_reference))
    row = _row(making, session_id, customer)
    row = msgspec.structs.replace(row, sealed=seal_person(sealer, scope, session_id, own_key, person), own_key=own_key)
    session, events = _told(row, making)
    return MadeSession(session, _shared_row(session, making), _own_row(session), events)


def _row(making: Making, session_id: str, customer: bytes) -> FlowSession:
    """The row without what is sealed, with the first step due."""
    integration, scope, now_ms = making.integration, making.integration.scope, making.now_ms
    rules, control = integration.rules, _control(making)
    course = begin(rules.steps, now_ms, skipped=making.skipped, called=making.called, attempts=making.attempts)
    return FlowSession(
        session_id=session_id,
        account_id=scope.account_id,
        environment=scope.environment,
        integration_id=integration.integration_id,
        integration_version=integration.version,
        status="created",
        reason=None,
        sequence=1,
        created_ms=now_ms,
        updated_ms=now_ms,
        expires_ms=now_ms + rules.session_ttl_ms,
        completed_ms=None,
        origin=making.origin,
        proof_kind=making.admitted_by,
        proof_key_id=making.key_id,
        locale=making.locale,
        retention_ms=rules.retention_ms,
        sealed=None,
        answer=None,
        redacted_ms=None,
        customer_hash=customer,
        superseded=0,
        signed=int(making.signed),
        control_text=write_json(control),
        steps_text=write_json(course.steps),
        link=int(making.shareable),
        previous_session_id=making.previous_session_id,
        # Without a person the steps run by themselves; without a step to run the end comes by itself.
        wake_ms=now_ms if control.headless or course.status is not None else None,
        revision=0,
        own_key=None,
    )


def _control(making: Making) -> Control:
    rules = making.integration.rules
    return Control(
        rules=rules.steps,
        hosted_key_in=rules.hosted_key_in,
        encryption_key=making.encryption_key or rules.encryption_key,
        key_given=making.encryption_key is not None,
        tags=making.tags,
        simulation=making.simulation,
    )


def _told(session: FlowSession, making: Making) -> tuple[FlowSession, tuple[Event, ...]]:
    """The event of its beginning, and those of the steps that have begun or are skipped."""
    retried, previous = making.previous_session_id is not None, making.previous_session_id
    data: dict[str, Json] = {"previous_session_id": previous} if retried else {}
    events = [flow_event(session, "session.retried" if retried else "session.created", making.now_ms, data)]
    for step, status in told_of({}, session.steps):
        session = msgspec.structs.replace(session, sequence=session.sequence + 1)
        events.append(flow_event(session, "session.step_updated", making.now_ms, {"step": step, "step_status": status}))
    return session, tuple(events)


def _shared_row(session: FlowSession, making: Making) -> tuple[Value, ...]:
    trust = "signed" if making.signed or making.admitted_by == "api" else "origin"
    return (
        session.session_id, session.account_id, session.environment, "flow", session.integration_id, session.integration_version,
        session.status, session.sequence, session.created_ms, session.updated_ms, session.expires_ms, session.completed_ms,
        making.request_id, session.origin, trust, session.proof_kind, session.proof_key_id, int(making.replay_key is not None),
        making.replay_key, 0, session.locale, session.expires_ms - session.created_ms, session.retention_ms, "[]", session.sealed,
        session.answer,
    )  # fmt: skip


def _own_row(session: FlowSession) -> tuple[Value, ...]:
    return (
        session.session_id, session.integration_id, session.customer_hash, 0, session.signed, session.control_text,
        searched_text(*session.control.tags), session.steps_text, session.link, session.previous_session_id, session.wake_ms,
        session.revision,
    )  # fmt: skip


def customer_of(made: MadeSession) -> tuple[str, bytes]:
    """Whose session it is, as rows are locked in their order."""
    return made.session.integration_id, made.session.customer_hash


def insert_session(tx: Transaction, made: MadeSession) -> bool:
    """Insert a session with its events; False if the customer has a newest one already, whatever node made it.

    Another transaction that is inserting one is waited for. Raises Refused `token_replayed` where its token opened another before.
    """
    if not tx.execute(_INSERT_OWN, made.own):
        return False
    if not tx.execute(_INSERT_SHARED, made.shared):
        raise Refused("token_replayed")
    tx.execute("INSERT INTO flow_keys (session_id, own_key) VALUES (?, ?)", (made.session.session_id, made.session.own_key))
    append(tx, made.events)
    return True
