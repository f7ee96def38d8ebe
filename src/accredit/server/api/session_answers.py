"""A session as the owner's backend reads it (protocol-embed.md section 9): in full while it is open, later without personal data."""

from typing import Any, Literal, cast

import msgspec

from accredit.server.accounts.accounts import find_account
from accredit.server.gate import App
from accredit.server.integrations.integration import Door, Integration
from accredit.server.integrations.policy import Trust
from accredit.server.node import Node
from accredit.server.sessions.record import Person, Session, Status, open_person
from accredit.server.times import wire_time

_NOBODY = Person()


class ProofAnswer(msgspec.Struct, frozen=True):
    """What held. key_id: the deployer's key. single_use: a token that cannot come again. version: of an identity signature."""

    kind: Literal["deployment", "identity"]
    key_id: str | None
    single_use: bool | msgspec.UnsetType = msgspec.UNSET
    version: Literal[1, 2] | msgspec.UnsetType = msgspec.UNSET


class SessionAnswer(msgspec.Struct, frozen=True):
    """One session. Exactly one of uid and anonymous_id is set while it is open. server_only: passport keys for backends only.

    frame_ancestors: what belongs into the application's own Content-Security-Policy. app, unverified: at the boot door only;
    unverified names the fields that no signature covers.
    """

    session_id: str
    door: str
    environment: str
    status: Status
    owner_id: str
    deployer_id: str | None
    integration_id: str
    uid: str | None
    anonymous_id: str | None
    view_id: str | None
    locale: str | None
    origin: str | None
    channel: str | None
    data_passport: dict[str, str | int | float | bool]
    server_only: tuple[str, ...]
    customer_info: dict[str, Any] | None
    trust: Trust
    proof: ProofAnswer | None
    frame_ancestors: list[str]
    renews: str | None
    created_at: str
    expires_at: str
    app: App | msgspec.UnsetType | None = msgspec.UNSET
    unverified: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET


class SessionItem(msgspec.Struct, frozen=True):
    """One session in a list: nothing personal. reason: a code that tells why it ended.

    warnings: what passed though it was not as it should be, as codes with names of members.
    """

    session_id: str
    door: str
    environment: str
    status: Status
    reason: str | None
    deployer_id: str | None
    integration_id: str
    integration_version: int
    view_id: str | None
    origin: str | None
    trust: Trust
    proof: ProofAnswer | None
    renews: str | None
    created_at: str
    updated_at: str
    expires_at: str
    completed_at: str | None
    warnings: list[str]


async def answer_session(node: Node, session: Session, now_ms: int) -> SessionAnswer:
    """The answer about one session. Raises FailureError `sealed_damaged`."""
    integration = await node.catalog.find(cast(Door, session.door), session.integration_id)
    person = open_person(node.sealer, session) if session.is_open(now_ms) else _NOBODY
    return SessionAnswer(
        session_id=session.session_id,
        door=session.door,
        environment=session.environment,
        status=session.status_at(now_ms),
        owner_id=await _find_owner_id(node, session, integration),
        deployer_id=session.deployer_id,
        integration_id=session.integration_id,
        uid=person.uid,
        anonymous_id=person.anonymous_id,
        view_id=session.view_id,
        locale=session.locale,
        origin=session.origin,
        channel=session.channel,
        data_passport=person.data_passport,
        server_only=person.server_only,
        customer_info=person.customer_info,
        trust=session.trust,
        proof=_proof(session),
        frame_ancestors=_ancestors(integration),
        renews=session.renews,
        created_at=wire_time(session.created_ms),
        expires_at=wire_time(session.expires_ms),
        app=person.app if session.door == "boot" else msgspec.UNSET,
        unverified=person.unverified if session.door == "boot" else msgspec.UNSET,
    )


def item_of(session: Session, now_ms: int) -> SessionItem:
    """The session as it stands in a list."""
    return SessionItem(
        session_id=session.session_id,
        door=session.door,
        environment=session.environment,
        status=session.status_at(now_ms),
        reason=session.reason,
        deployer_id=session.deployer_id,
        integration_id=session.integration_id,
        integration_version=session.integration_version,
        view_id=session.view_id,
        origin=session.origin,
        trust=session.trust,
        proof=_proof(session),
        renews=session.renews,
        created_at=wire_time(session.created_ms),
        updated_at=wire_time(session.updated_ms),
        expires_at=wire_time(session.expires_ms),
        completed_at=None if session.completed_ms is None else wire_time(session.completed_ms),
        warnings=msgspec.json.decode(session.warnings, type=list[str]),
    )


def _proof(session: Session) -> ProofAnswer | None:
    if session.proof_kind is None:
        return None
    if session.proof_kind == "deployment":
        return ProofAnswer("deployment", session.proof_key_id, single_use=bool(session.single_use))
    return ProofAnswer("identity", session.proof_key_id, version=1 if session.proof_kind == "identity_v1" else 2)


def _ancestors(integration: Integration | None) -> list[str]:
    """The integration's list as CSP sources; one that was deleted meanwhile is to be framed nowhere."""
    return ["'none'"] if integration is None else integration.origins.frame_ancestors.split(" ")


async def _find_owner_id(node: Node, session: Session, integration: Integration | None) -> str:
    if integration is not None:
        return integration.owner_id
    account = await node.store.read(find_account, session.account_id)
    return session.account_id if account is None else account.owner_id
