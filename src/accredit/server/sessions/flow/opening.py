"""Opening a session by a page: step 8 of protocol-flow.md section 5, in one transaction.

A customer has one newest session for a template. It is resumed while it is active, and shows its end afterwards; who has none gets
one, and of two that come at once one resumes, whatever node they come to.
"""

import hashlib
from dataclasses import dataclass, field

from accredit.errors import FailureError, Refused
from accredit.server.checklist.observations import SeenOpening
from accredit.server.gate.flow import FlowAdmission, User
from accredit.server.limits import network_of
from accredit.server.node import Node
from accredit.server.sessions.flow.ending import expire_if_due
from accredit.server.sessions.flow.making import MadeSession, Making, customer_of, insert_session, make_session
from accredit.server.sessions.flow.quota import PageCreation, count_creation, lock_count
from accredit.server.sessions.flow.record import FlowPerson, FlowSession, find_newest
from accredit.server.sessions.flow.tokens import FrameToken, insert_token, new_token, revoke_frames
from accredit.server.store import Transaction, in_order


@dataclass(frozen=True, slots=True)
class FlowVisitor:
    """What the door tells about the visit besides the admission. key_id: of the key record that signed. locale: of the page."""

    request_id: str
    address: str = field(repr=False)
    key_id: str | None = None
    locale: str | None = None


@dataclass(frozen=True, slots=True)
class OpenedFlow:
    """A durable session. token: of the frame, 43 base64url characters. resumed: it was there before."""

    session: FlowSession
    token: str = field(repr=False)
    resumed: bool


async def open_by_page(node: Node, admission: FlowAdmission, visitor: FlowVisitor) -> OpenedFlow:
    """Open the customer's session, or go on with the newest one, and return when that is durable.

    Raises Refused: `token_session_mismatch`, `token_replayed`, `signature_required` for a session that was admitted with one,
    `rate_limited`, `unsigned_session_limit_reached`.
    """
    await node.sealer.ready(admission.integration.scope)
    opening = _prepare(node, admission, visitor)
    session, resumed = await node.store.write(_open, opening)
    node.observations.note_opening(_seen(admission, session, opening.creation.now_ms, visitor.address))
    return OpenedFlow(await expire_if_due(node, session), opening.token, resumed)


def _seen(admission: FlowAdmission, session: FlowSession, at_ms: int, address: str) -> SeenOpening:
    return SeenOpening(
        scope=session.scope,
        integration_id=session.integration_id,
        customer_hash=session.customer_hash,
        customer_reference=admission.customer_reference,
        admitted_by=admission.admitted_by,
        at_ms=at_ms,
        origin=admission.origin,
        address=address,
    )


@dataclass(frozen=True, slots=True)
class _Opening:
    admission: FlowAdmission
    made: MadeSession
    replay_key: bytes | None
    creation: PageCreation
    token: str
    locale: str | None

    @property
    def signed(self) -> bool:
        return self.admission.admitted_by != "unsigned"


def _prepare(node: Node, admission: FlowAdmission, visitor: FlowVisitor) -> _Opening:
    integration, now_ms, signed = admission.integration, node.clock(), admission.admitted_by != "unsigned"
    replay_key = None if admission.jti is None else hashlib.sha256(admission.jti.encode()).digest()
    making = Making(
        integration=integration,
        admitted_by=admission.admitted_by,
        person=FlowPerson(
            customer_reference=admission.customer_reference,
            user=User(email=admission.email).merged(admission.user),
            signed=admission.user.known(),
            ip_address=visitor.address,
        ),
        request_id=visitor.request_id,
        now_ms=now_ms,
        signed=signed,
        key_id=visitor.key_id,
        replay_key=replay_key,
        origin=admission.origin,
        locale=visitor.locale,
    )
    network = None if signed else node.sealer.server_mac("address", network_of(visitor.address).encode())[:16]
    optional = integration.rules.signature_policy == "optional"
    creation = PageCreation(integration.scope, integration.integration_id, optional, network, now_ms)
    return _Opening(admission, make_session(node, making), replay_key, creation, new_token(), visitor.locale)


def _customer(item: _Opening) -> tuple[str, bytes]:
    return customer_of(item.made)


@in_order(_customer)
def _open(tx: Transaction, item: _Opening) -> tuple[FlowSession, bool]:
    """Change: the customer's newest session with a token for it, and whether it was there before."""
    made = item.made.session
    customer = customer_of(item.made)
    newest = find_newest(tx, customer)
    created = _create(tx, item) if newest is None else None
    if created is None and newest is None:
        # Another node has inserted one since it was looked for, and that is committed.
        newest = find_newest(tx, customer)
    session = created if newest is None else _resume(tx, item, newest)
    if session is None:
        raise FailureError("service_unavailable")
    resumed = newest is not None
    insert_token(tx, item.token, FrameToken(session.session_id, made.origin, item.locale, resumed), made.created_ms)
    return session, resumed


def _create(tx: Transaction, item: _Opening) -> FlowSession | None:
    """The new session, None where the customer has one. What refuses it undoes the insertion."""
    if item.admission.session_id is not None:
        raise Refused("token_session_mismatch", "sid")
    lock_count(tx, item.creation)
    if not insert_session(tx, item.made):
        return None
    count_creation(tx, item.creation)
    return item.made.session


def _resume(tx: Transaction, item: _Opening, newest: FlowSession) -> FlowSession:
    """Go on with a session, if what opens it now is no less than what opened it first, and may open it at all."""
    if item.admission.session_id not in (None, newest.session_id):
        raise Refused("token_session_mismatch", "sid")
    if item.replay_key is not None and _opened_by(tx, newest, item.replay_key) not in (None, newest.session_id):
        raise Refused("token_replayed", "jti")
    if newest.signed and not item.signed:
        raise Refused("signature_required", "signature")
    if newest.signed or not item.signed:
        return newest
    # From now on it takes a signature, and who sits in a frame that opened without one need not be this person. Whoever changes the
    # session at this moment begins anew.
    tx.execute("UPDATE flow_sessions SET signed = 1, revision = revision + 1 WHERE session_id = ?", (newest.session_id,))
    revoke_frames(tx, newest.session_id)
    return find_newest(tx, (newest.integration_id, newest.customer_hash)) or newest


def _opened_by(tx: Transaction, newest: FlowSession, replay_key: bytes) -> str | None:
    row = tx.row("SELECT id FROM sessions WHERE integration_id = ? AND replay_key = ?", (newest.integration_id, replay_key))
    return None if row is None else str(row[0])
