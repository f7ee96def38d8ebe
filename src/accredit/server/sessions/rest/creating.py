"""Creating a session from an admission: one transaction holds the row, the `Idempotency-Key`, the quota and the event.

protocol-rest.md sections 5 (steps 8 and 9) and 15. Many creations share one commit and few statements; one that replays, or is over
its quota, never harms its neighbours.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from accredit.encoding import b64url_encode, compact_json
from accredit.errors import ConflictError, FailureError, Refused
from accredit.sealing import EncryptionKey
from accredit.server.events.outbox import Event, append
from accredit.server.gate.rest import RestAdmission
from accredit.server.ids import new_session_id
from accredit.server.keyring.scope import Scope
from accredit.server.node import Node
from accredit.server.sessions.listing import searched_text
from accredit.server.sessions.quota import count_opened, find_over_quota, quota_day
from accredit.server.sessions.rest.callbacks import has_nonce
from accredit.server.sessions.rest.changing import rest_event
from accredit.server.sessions.rest.reading import find_any
from accredit.server.sessions.rest.record import (
    Callbacks,
    Control,
    Open,
    Protection,
    RestSession,
    nonce_hash,
    seal_open,
    write_control,
)
from accredit.server.store import Transaction, Value

_NONCE_BYTES = 16
# From creation, or from a claim: by then a headless session has been started, or whoever was to start it is gone.
START_WITHIN_MS = 6_000
_SHARED = (
    "id", "account_id", "environment", "door", "integration_id", "integration_version", "status", "created_ms", "updated_ms",
    "expires_ms", "request_id", "trust", "single_use", "anonymous", "lifetime_ms", "retention_ms", "warnings", "sealed",
    "answer_thumbprint",
)  # fmt: skip
_OWN = (
    "session_id", "client_id", "control", "key_jwk", "tags", "external_reference", "idempotency_key", "request_hash", "nonce_hash",
    "ask_ms",
)  # fmt: skip
_INSERT_SHARED = f"INSERT INTO sessions ({', '.join(_SHARED)}) VALUES"
_INSERT_OWN = f"INSERT INTO rest_sessions ({', '.join(_OWN)}) VALUES"
_CANONICAL = msgspec.json.Encoder(order="sorted")


@dataclass(frozen=True, slots=True)
class Asking:
    """What stands beside an admission. key: judged, with its key id if it is registered. idempotency_key: as it was sent."""

    key: EncryptionKey | None
    key_id: str | None
    idempotency_key: str | None
    request_id: str
    now_ms: int


@dataclass(frozen=True, slots=True)
class Created:
    """A durable session. replayed: it was there before, by the same Idempotency-Key."""

    session: RestSession
    part: Open
    replayed: bool = False


async def create_session(node: Node, admission: RestAdmission, asking: Asking) -> Created:
    """Create a session and return when it is durable; or the one that the same request created before.

    Raises Refused `quota_exceeded`; ConflictError `idempotency_key_reused`.
    """
    await node.sealer.ready(admission.integration.scope)
    creation, part = _prepare(node, admission, asking)
    outcome = await node.store.write(insert_creations, creation)
    if outcome is None:
        return Created(creation.session, part)
    if isinstance(outcome, str):
        raise Refused(outcome)
    # The hash goes with the answer, when nobody can be told anything of the request any more.
    if outcome.request_hash not in (None, creation.session.request_hash):
        raise ConflictError("idempotency_key_reused", "Idempotency-Key")
    found = await find_any(node, outcome.session_id)
    if found is None:
        raise FailureError("service_unavailable")
    return Created(found, part, replayed=True)


class Creation(msgspec.Struct, frozen=True):
    """One session to insert, with both of its rows."""

    session: RestSession
    shared: tuple[Value, ...]
    own: tuple[Value, ...]
    idempotency_key: bytes | None
    day: str
    quota: int | None
    event: Event

    @property
    def session_id(self) -> str:
        """The id of the session."""
        return self.session.session_id

    @property
    def integration_id(self) -> str:
        """Whose quota counts."""
        return self.session.integration_id


class Holder(msgspec.Struct, frozen=True):
    """Which session holds an Idempotency-Key, and by which request it was created."""

    session_id: str
    request_hash: bytes | None


def _prepare(node: Node, admission: RestAdmission, asking: Asking) -> tuple[Creation, Open]:
    integration, request, now_ms = admission.integration, admission.request, asking.now_ms
    scope, session_id = integration.scope, new_session_id()
    control = build_control(admission, asking)
    nonce = b64url_encode(secrets.token_bytes(_NONCE_BYTES)) if has_nonce(control) else None
    part = Open(prefilled=request.prefilled, parameters=request.parameters, session_nonce=nonce)
    sealed, control_text = seal_open(node.sealer, scope, session_id, part), write_control(control)
    key_jwk = None if asking.key is None else compact_json(asking.key.public_jwk).decode()
    thumbprint = None if asking.key is None else asking.key.thumbprint
    expires_ms = now_ms + control.lifetime_s * 1000
    # Whoever reads a headless session starts it, should the process die between this commit and its start.
    ask_ms = now_ms + START_WITHIN_MS if control.flow == "headless" else None
    held = None if asking.idempotency_key is None else _held_key(node, admission.client_id, asking.idempotency_key)
    session = RestSession(
        session_id, scope.account_id, scope.environment, integration.integration_id, integration.version, "created", None, 1,
        now_ms, now_ms, expires_ms, None, integration.retention_ms, None, sealed, None, thumbprint, None,
        admission.client_id, control_text, key_jwk, None, None, None, None if nonce is None else nonce_hash(nonce),
        None if held is None else _request_hash(node, scope, admission), 0, ask_ms, None, None, None,
    )  # fmt: skip
    shared = (
        session_id, scope.account_id, scope.environment, "rest", integration.integration_id, integration.version, "created",
        now_ms, now_ms, expires_ms, asking.request_id, "signed", 0, 1, control.lifetime_s * 1000, integration.retention_ms, "[]",
        sealed, thumbprint,
    )  # fmt: skip
    own = (
        session_id, admission.client_id, control_text, key_jwk, searched_text(*control.tags),
        None if control.external_reference is None else searched_text(control.external_reference), held, session.request_hash,
        session.nonce_hash, ask_ms,
    )  # fmt: skip
    event = rest_event(session, control, now_ms)
    return Creation(session, shared, own, held, quota_day(now_ms), integration.quota_per_day, event), part


def build_control(admission: RestAdmission, asking: Asking) -> Control:
    """The control part: what was asked for, as far as it goes, and what the policy says to the rest."""
    rules, request = admission.integration.rules, admission.request
    return Control(
        flow=request.flow,
        requested_attributes=request.requested_attributes,
        callbacks=None if request.callbacks is None else Callbacks(*request.callbacks),
        return_url=request.return_url,
        offered=admission.offered,
        named=request.allowed_providers is not None,
        requested_loa=request.requested_loa,
        tags=request.tags,
        parents=request.parents,
        language=request.language,
        theme_id=request.theme_id,
        external_reference=request.external_reference,
        usage_reference=request.usage_reference,
        lifetime_s=request.lifetime_s,
        request_domain=request.request_domain,
        protection=None if asking.key is None else _protection(admission, asking),
        json_ascii=rules.json_ascii,
        consent=rules.consent,
        session_nonce=rules.session_nonce,
        require_session_nonce=rules.require_session_nonce,
        response_signature=rules.response_signature,
        delete_after_read_s=rules.delete_after_read_s,
        jwks_uri=None if asking.key_id is None else rules.encryption_jwks_uri,
    )


def _protection(admission: RestAdmission, asking: Asking) -> Protection:
    rules, asked = admission.integration.rules, admission.request.protection
    nested = asked.mode == "jws+jwe" or rules.protection == "jws+jwe"
    return Protection(
        mode="jws+jwe" if nested else "jwe",
        enc=asked.enc or rules.response_enc,
        pad_to=rules.pad_to if asked.pad_to is None else asked.pad_to,
        signing_alg=asked.signing_alg or "ES256",
        nonce=asked.nonce,
        key_id=asking.key_id,
    )


def _held_key(node: Node, client_id: str, idempotency_key: str) -> bytes:
    """What makes an Idempotency-Key unique per client."""
    return node.sealer.server_mac("idempotency_key", msgspec.msgpack.encode((client_id, idempotency_key)))


def _request_hash(node: Node, scope: Scope, admission: RestAdmission) -> bytes:
    """Equal for equal requests of one account, however they were encrypted or spelled."""
    return node.sealer.lookup_hash(scope, "rest_request", _CANONICAL.encode(admission.request).decode())


def insert_creations(tx: Transaction, creations: Sequence[Creation]) -> list[Holder | str | None]:
    """Change: insert the sessions of one commit group; None for each that was created, else who holds its key, or a refusal."""
    held = _find_holders(tx, creations)
    fresh = [each for each in creations if each.idempotency_key not in held]
    refusals = find_over_quota(tx, fresh)
    # In the order of their keys, so that two nodes never wait for each other.
    rest = sorted((each for each in fresh if each.session_id not in refusals), key=lambda each: each.idempotency_key or b"")
    inserted = tx.insert_many(_INSERT_OWN, len(_OWN), [each.own for each in rest], "ON CONFLICT DO NOTHING")
    if inserted != len(rest):
        # Of two with one key, in this group or on another node, the first is created and the other replays it.
        held |= {key: holder for key, holder in _find_holders(tx, rest).items() if key is not None}
        rest = [
            each for each in rest if each.idempotency_key is None or held[each.idempotency_key].session_id == each.session_id
        ]
    tx.insert_many(_INSERT_SHARED, len(_SHARED), [each.shared for each in rest])
    count_opened(tx, rest)
    append(tx, [each.event for each in rest])
    created = {each.session_id for each in rest}
    return [
        None if each.session_id in created else refusals.get(each.session_id) or held[each.idempotency_key or b""]
        for each in creations
    ]


def _find_holders(tx: Transaction, creations: Sequence[Creation]) -> dict[bytes | None, Holder]:
    """Which sessions hold the keys that these bring."""
    keys = sorted({each.idempotency_key for each in creations if each.idempotency_key is not None})
    if not keys:
        return {}
    marks = ",".join("?" * len(keys))
    rows = tx.rows(
        f"SELECT idempotency_key, session_id, request_hash FROM rest_sessions WHERE idempotency_key IN ({marks})", keys
    )
    return {bytes(key): Holder(session_id, request_hash) for key, session_id, request_hash in rows}
