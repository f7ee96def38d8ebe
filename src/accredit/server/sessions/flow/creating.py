"""Creating a session by the API, and returning the newest one where the customer has it (protocol-flow.md section 9)."""

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import msgspec

from accredit.encoding import compact_json
from accredit.errors import ConflictError, FailureError, MalformedError
from accredit.sealing import ENCRYPTION_ALGORITHMS, EncryptionKeyError
from accredit.server.checklist.observations import SeenOpening
from accredit.server.gate.faults import Fault, FaultyRequestError, fault
from accredit.server.gate.flow.bodies import CreateCall
from accredit.server.integrations.integration import FlowIntegration
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.encryption_keys import check_inline_key
from accredit.server.node import Node
from accredit.server.origins import read_origin
from accredit.server.sessions.flow.claims import Claim, Replayed, note, take
from accredit.server.sessions.flow.ending import expire_if_due
from accredit.server.sessions.flow.making import MadeSession, Making, customer_of, insert_session, make_session
from accredit.server.sessions.flow.record import FlowPerson, FlowSession, Simulation, find_newest
from accredit.server.store import Transaction, in_order


@dataclass(frozen=True, slots=True)
class Creation:
    """A call to create. idempotent: whether a session that exists is the answer. key_id: of the key record that signed."""

    integration: FlowIntegration
    call: CreateCall
    idempotent: bool
    key_id: str | None
    request_id: str


@dataclass(frozen=True, slots=True)
class CreatedFlow:
    """A durable session. existed: it was there before."""

    session: FlowSession
    existed: bool


async def create_by_api(node: Node, creation: Creation, claim: Claim | None) -> CreatedFlow | Replayed:
    """Create a session and return when it is durable, or the newest one of the customer, or what the same request did before.

    Raises MalformedError `sandbox_only`; FaultyRequestError `validation_failed` for what the template does not allow; ConflictError
    `session_already_exists`, `idempotency_key_reused`.
    """
    await node.sealer.ready(creation.integration.scope)
    making = _read(node, creation)
    if creation.call.encryption_key is not None:
        making = replace(making, encryption_key=await _judge_key(node, creation))
    made = make_session(node, making)
    adds_link = creation.idempotent and creation.call.shareable is True
    found = await node.store.write(_create, _Creating(made, creation.idempotent, adds_link, claim))
    if isinstance(found, Replayed):
        return found
    reference, template_id = creation.call.customer_reference, found.integration_id
    node.observations.note_opening(
        SeenOpening(found.scope, template_id, found.customer_hash, reference, making.admitted_by, making.now_ms)
    )
    return CreatedFlow(await expire_if_due(node, found), existed=found.session_id != made.session.session_id)


def _read(node: Node, creation: Creation) -> Making:
    call, integration = creation.call, creation.integration
    if call.forced is not None and integration.scope.environment == "live":
        raise MalformedError("sandbox_only", "simulate")
    if call.return_url is not None:
        _check_return_url(call.return_url, integration)
    consented = call.consent and any(rule.step == "accept_tos" for rule in integration.rules.steps)
    return Making(
        integration=integration,
        admitted_by="api",
        person=FlowPerson(
            customer_reference=call.customer_reference,
            user=call.user,
            signed=call.user.known(),
            return_url=call.return_url,
        ),
        request_id=creation.request_id,
        now_ms=node.clock(),
        key_id=creation.key_id,
        locale=call.locale,
        shareable=call.shareable is True,
        tags=call.tags,
        simulation=None if call.forced is None else Simulation(steps=call.forced, run=call.headless),
        skipped={"accept_tos": True} if consented else {},
    )


async def _judge_key(node: Node, creation: Creation) -> str:
    """The public key as the row keeps it. A whole pair that came along is burnt."""
    cause = Cause(node.clock(), actor=creation.key_id, request_id=creation.request_id)
    try:
        key = await check_inline_key(
            node,
            creation.integration.scope,
            creation.call.encryption_key,
            registered_only=False,
            allowed_alg=ENCRYPTION_ALGORITHMS,
            cause=cause,
        )
    except EncryptionKeyError as error:
        raise FaultyRequestError([Fault("encryption_public_key", error.reason, error.code)], "validation_failed") from error
    return compact_json(key.public_jwk).decode()


def _check_return_url(url: str, integration: FlowIntegration) -> None:
    """A page of an allowed origin, over https."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise _not_allowed() from error
    origin = read_origin(f"{parts.scheme}://{parts.netloc}".lower())
    if parts.scheme != "https" or origin is None or not integration.admits_origin(origin):
        raise _not_allowed()


def _not_allowed() -> FaultyRequestError:
    return FaultyRequestError([fault("return_url", "not_allowed")], "validation_failed")


@dataclass(frozen=True, slots=True)
class _Creating:
    made: MadeSession
    idempotent: bool
    adds_link: bool
    claim: Claim | None


def _customer(item: _Creating) -> tuple[str, bytes]:
    return customer_of(item.made)


@in_order(_customer)
def _create(tx: Transaction, item: _Creating) -> FlowSession | Replayed:
    """Change: the new session or the newest; or what came of the same request before."""
    replayed = take(tx, item.claim)
    if replayed is not None:
        return replayed
    made = item.made.session
    if insert_session(tx, item.made):
        note(tx, item.claim, 201, made.session_id)
        return made
    if not item.idempotent:
        raise ConflictError("session_already_exists")
    newest = find_newest(tx, customer_of(item.made))
    if newest is None:
        raise FailureError("service_unavailable")
    if item.adds_link and not newest.link and newest.redacted_ms is None:
        tx.execute("UPDATE flow_sessions SET link = 1, revision = revision + 1 WHERE session_id = ?", (newest.session_id,))
        newest = msgspec.structs.replace(newest, link=1, revision=newest.revision + 1)
    note(tx, item.claim, 200, newest.session_id)
    return newest
