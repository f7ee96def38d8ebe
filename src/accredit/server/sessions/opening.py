"""Opening a session from an admission: steps 7 and 8 of the gate's order, in one transaction.

Replay protection is a unique column of the row itself; the daily quota is counted in the same transaction. Many openings share
one commit and one statement; a replayed proof among them never harms its neighbours.
"""

import hashlib
import secrets
from collections.abc import Sequence

import msgspec

from accredit.encoding import compact_json
from accredit.errors import Refused
from accredit.server.events.outbox import Event, append
from accredit.server.gate import Admission
from accredit.server.ids import new_session_id
from accredit.server.integrations.integration import Integration
from accredit.server.keyring.sealing import Sealer
from accredit.server.sessions.codes import LIFETIME_MS, code_hash, code_text, issue_code
from accredit.server.sessions.quota import count_opened, find_over_quota, quota_day
from accredit.server.sessions.record import Person, seal_person
from accredit.server.store import Store, Transaction, Value

_REPLAYED = {"deployment": "token_replayed", "identity_v1": "nonce_replayed", "identity_v2": "nonce_replayed", None: ""}
_MAX_WARNINGS = 50

COLUMNS = (
    "id", "account_id", "environment", "door", "integration_id", "integration_version", "status", "sequence", "created_ms",
    "updated_ms", "expires_ms", "deployer_id", "request_id", "origin", "trust", "proof_kind", "proof_key_id", "single_use",
    "replay_key", "subject_hash", "anonymous", "view_id", "locale", "channel", "renews", "lifetime_ms", "retention_ms",
    "code_hash", "warnings", "sealed",
)  # fmt: skip
_INSERT = f"INSERT INTO sessions ({', '.join(COLUMNS)}) VALUES"


class Visitor(msgspec.Struct, frozen=True):
    """What a door tells about the visit besides the admission. anonymous_id: kept from the session that this one renews."""

    request_id: str
    channel: str | None = None
    locale: str | None = None
    renews: str | None = None
    anonymous_id: str | None = None
    warnings: tuple[str, ...] = ()


class OpenedSession(msgspec.Struct, frozen=True):
    """A durable session. code: 43 base64url characters for the application's backend, None for the hosted page."""

    session_id: str
    code: str | None
    person: Person
    expires_ms: int


class Opening(msgspec.Struct, frozen=True):
    """One row to insert. replayed: what is said if its replay key is taken, None without one.

    quota: sessions that the integration may open that day.
    """

    row: tuple[Value, ...]
    session_id: str
    integration_id: str
    replayed: str | None
    day: str
    quota: int | None
    event: Event


async def open_session(
    store: Store,
    sealer: Sealer,
    admission: Admission,
    visitor: Visitor,
    *,
    now_ms: int,
    with_code: bool,
    code_lifetime_ms: int = LIFETIME_MS,
) -> OpenedSession:
    """Open a session and return when it is durable.

    with_code: the frame goes to the application, whose backend redeems a code in time; until then the session is `created`.
    Without, it is `waiting` for its whole lifetime. Raises Refused: `quota_exceeded`, `token_replayed`, `nonce_replayed`.
    """
    session_id = new_session_id()
    code = issue_code(sealer, session_id) if with_code else None
    expires_ms = now_ms + (code_lifetime_ms if with_code else admission.integration.lifetime_ms)
    customer = admission.customer
    person = Person(
        uid=admission.uid,
        anonymous_id=None if admission.uid is not None else visitor.anonymous_id or f"anon_{secrets.token_hex(16)}",
        data_passport=dict(admission.passport.values),
        server_only=admission.passport.server_only,
        customer_info=None if customer is None else customer.info,
        app=None if customer is None else customer.app,
        unverified=() if customer is None else customer.unverified,
    )
    opening = _prepare(sealer, admission, visitor, session_id, code, person, now_ms, expires_ms)
    refusal = await store.write(insert_openings, opening)
    if refusal is not None:
        raise Refused(refusal)
    return OpenedSession(session_id, None if code is None else code_text(code), person, expires_ms)


def _prepare(
    sealer: Sealer,
    admission: Admission,
    visitor: Visitor,
    session_id: str,
    code: bytes | None,
    person: Person,
    now_ms: int,
    expires_ms: int,
) -> Opening:
    integration = admission.integration
    scope, integration_id = integration.scope, integration.integration_id
    subject = subject_hash(sealer, integration, person.uid, visitor.channel)
    replay = None if admission.replay_id is None else replay_key(admission.replay_id)
    row = (
        session_id, scope.account_id, scope.environment, integration.door, integration_id, integration.version,
        "waiting" if code is None else "created", 1, now_ms,
        now_ms, expires_ms, integration.deployer_id, visitor.request_id, admission.origin, admission.trust,
        admission.proof_kind, admission.proof_key_id, int(admission.replay_id is not None),
        replay, subject, int(person.uid is None), admission.view_id, visitor.locale,
        visitor.channel, visitor.renews, integration.lifetime_ms, integration.retention_ms,
        None if code is None else code_hash(code),
        _warnings(admission.warnings + visitor.warnings),
        seal_person(sealer, scope, session_id, person),
    )  # fmt: skip
    event = Event("session.created", scope, now_ms, session_id, integration_id, 1, {"door": integration.door, "status": row[6]})
    return Opening(
        row,
        session_id,
        integration_id,
        _REPLAYED[admission.proof_kind] if replay else None,
        quota_day(now_ms),
        integration.quota_per_day,
        event,
    )


def replay_key(jti: str) -> bytes:
    """What makes a proof's single-use id unique per integration."""
    return hashlib.sha256(jti.encode()).digest()


def _warnings(warnings: tuple[str, ...]) -> str:
    return compact_json(list(warnings[:_MAX_WARNINGS])).decode() if warnings else "[]"


def subject_hash(sealer: Sealer, integration: Integration, uid: str | None, channel: str | None) -> bytes | None:
    """How a visitor is found again, per integration: by the user id, or, being anonymous, by nothing but the frame's channel."""
    if uid is None:
        return (
            None if channel is None else sealer.lookup_hash(integration.scope, f"channel:{integration.integration_id}", channel)
        )
    return sealer.lookup_hash(integration.scope, f"user:{integration.integration_id}", uid)


def insert_openings(tx: Transaction, openings: Sequence[Opening]) -> list[str | None]:
    """Change: insert the sessions of one commit group; None for each that was opened, else the refusal's code."""
    refusals = find_over_quota(tx, openings)
    rest = [opening for opening in openings if opening.session_id not in refusals]
    inserted = tx.insert_many(_INSERT, len(COLUMNS), [opening.row for opening in rest], "ON CONFLICT DO NOTHING")
    if inserted != len(rest):
        refusals |= _missing(tx, rest)
    opened = [opening for opening in rest if opening.session_id not in refusals] if refusals else rest
    count_opened(tx, opened)
    append(tx, [opening.event for opening in opened])
    return [refusals.get(opening.session_id) for opening in openings]


def _missing(tx: Transaction, openings: Sequence[Opening]) -> dict[str, str]:
    """The sessions that a conflict kept out: only a replay key can conflict."""
    wanted = {opening.session_id: opening.replayed for opening in openings if opening.replayed is not None}
    marks = ",".join("?" * len(wanted))
    found = {row[0] for row in tx.rows(f"SELECT id FROM sessions WHERE id IN ({marks})", list(wanted))}
    return {session_id: code for session_id, code in wanted.items() if session_id not in found}
