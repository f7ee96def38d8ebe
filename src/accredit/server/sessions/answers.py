"""A session as its owner's backend is told of it (protocol-embed.md section 9): in full while it is open, then without its person."""

from typing import Any, Literal

import msgspec

from accredit.encoding import Json
from accredit.server.accounts.accounts import find_account
from accredit.server.gate import App
from accredit.server.integrations.boot import BootPolicy
from accredit.server.integrations.catalog import find_integration
from accredit.server.integrations.embed import EmbedPolicy
from accredit.server.integrations.policy import Trust
from accredit.server.origins import origin_list
from accredit.server.sessions.record import Person, Session, Status
from accredit.server.store import Transaction
from accredit.server.times import wire_time

NOBODY = Person()
NOWHERE: tuple[str, ...] = ("'none'",)
# The ends that events with full payloads tell of (protocol-webhooks.md section 4).
WITH_ANSWER: tuple[Status, ...] = ("success", "failed", "aborted")


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


def describe(
    session: Session, person: Person, *, owner_id: str, frame_ancestors: tuple[str, ...], now_ms: int
) -> SessionAnswer:
    """The answer about one session. person: nobody once it ended. frame_ancestors: the integration's list, as CSP sources."""
    return SessionAnswer(
        session_id=session.session_id,
        door=session.door,
        environment=session.environment,
        status=session.status_at(now_ms),
        owner_id=owner_id,
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
        proof=proof_of(session),
        frame_ancestors=list(frame_ancestors),
        renews=session.renews,
        created_at=wire_time(session.created_ms),
        expires_at=wire_time(session.expires_ms),
        app=person.app if session.door == "boot" else msgspec.UNSET,
        unverified=person.unverified if session.door == "boot" else msgspec.UNSET,
    )


def ended_answer(tx: Transaction, session: Session) -> dict[str, Json]:
    """Query: what is answered about a session that has just ended."""
    found, ancestors = find_integration(tx, session.integration_id), NOWHERE
    if found is not None and isinstance(found.policy, EmbedPolicy | BootPolicy):
        origins = origin_list(found.policy.allowed_origins, required=found.policy.origin_required)
        ancestors = tuple(origins.frame_ancestors.split(" "))
    owner_id = find_owner_id(tx, session.account_id) if found is None else found.owner_id
    described = describe(session, NOBODY, owner_id=owner_id, frame_ancestors=ancestors, now_ms=session.updated_ms)
    answer: dict[str, Json] = msgspec.to_builtins(described)
    return answer


def proof_of(session: Session) -> ProofAnswer | None:
    """What held when the session was opened."""
    if session.proof_kind is None:
        return None
    if session.proof_kind == "deployment":
        return ProofAnswer("deployment", session.proof_key_id, single_use=bool(session.single_use))
    return ProofAnswer("identity", session.proof_key_id, version=1 if session.proof_kind == "identity_v1" else 2)


def find_owner_id(tx: Transaction, account_id: str) -> str:
    """Query: what the account is called on the wire."""
    account = find_account(tx, account_id)
    return account_id if account is None else account.owner_id
