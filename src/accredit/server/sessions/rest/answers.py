"""The session object, and how it is sealed (protocol-rest.md sections 7 and 8).

The object is compact JSON in the order of the table; absent members are left out. With a key every answer is one JWE to it. While a
session is open each answer is made anew; at its end one is made and kept.
"""

import json
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from accredit.encoding import Json
from accredit.errors import CODES
from accredit.sealing import AnswerSignature, EncryptionKey, parse_encryption_key, seal_response
from accredit.server.ids import new_session_id
from accredit.server.node import Node
from accredit.server.sessions.record import Status
from accredit.server.sessions.rest.callbacks import shown_callbacks
from accredit.server.sessions.rest.links import authentication_url
from accredit.server.sessions.rest.record import Control, Open, RestSession
from accredit.server.sessions.rest.statuses import WIRE, WITH_ERROR
from accredit.server.times import wire_time


@dataclass(frozen=True, slots=True)
class Standing:
    """How a session stands in one answer. detail: the reason's code. subject, loa: of a success.

    bare: nothing of the browser is said. created: it is the answer to create, which tells no nonce.
    """

    status: Status
    detail: str | None = None
    subject: dict[str, Json] | None = None
    loa: str | None = None
    bare: bool = False
    created: bool = False


def standing_of(session: RestSession, now_ms: int, *, created: bool = False) -> Standing:
    """How an open session stands."""
    return Standing(session.status_at(now_ms), session.reason, created=created)


def answer_body(node: Node, session: RestSession, part: Open, standing: Standing) -> bytes:
    """The plain answer. part: what is sealed in the row. Raises ValueError for a subject that has no form in JSON."""
    control, base = session.control, node.settings.public_url
    members: dict[str, object] = {
        "id": session.session_id,
        "accountId": session.account_id,
        "authenticationUrl": authentication_url(node.sealer, session.scope, base, session.session_id),
        "statusUrl": f"{base}/auth/rest/sessions/{session.session_id}",
        "status": WIRE[standing.status],
        "statusDetail": standing.detail,
        "provider": session.provider_id,
        "subject": standing.subject,
        "loa": standing.loa,
        "callbackUrls": shown_callbacks(session.session_id, control),
        "idpData": _idp_data(part, standing),
        "environment": None if standing.bare else _environment(part),
        "error": _error(standing, base),
        **_asked(control),
        "expiresAt": offset_time(session.expires_ms),
        "sessionNonce": None if standing.created else part.session_nonce,
        "transactionId": session.attempt_id,
    }
    present = {name: value for name, value in members.items() if value is not None}
    return json.dumps(present, ensure_ascii=control.json_ascii, allow_nan=False, separators=(",", ":")).encode("utf-8")


def _asked(control: Control) -> dict[str, object]:
    """The part of the object that the request decides."""
    protection = control.protection
    transport = {} if protection is None else {"messageLevelEncryption": protection.mode, "requireHsmSigning": False}
    return {
        "messageTransportProperties": transport or None,
        "tags": control.tags or None,
        "allowedProviders": control.offered if control.named else None,
        "language": control.language,
        "flow": control.flow,
        "themeId": control.theme_id,
        "requestedAttributes": control.requested_attributes,
        "externalReference": control.external_reference,
        "usageReference": control.usage_reference,
        "sessionLifetime": control.lifetime_s,
        "requestDomain": control.request_domain,
    }


def _idp_data(part: Open, standing: Standing) -> dict[str, str] | None:
    """What a headless caller draws, while there is something to wait for."""
    if part.step is None or standing.status != "waiting" or part.step.kind != "waiting":
        return None
    return part.step.idp_data


def _environment(part: Open) -> dict[str, str] | None:
    found = part.environment
    if found is None:
        return None
    agent = {} if found.user_agent is None else {"userAgent": found.user_agent}
    return {"ipAddress": found.ip_address, **agent}


def _error(standing: Standing, base: str) -> dict[str, str] | None:
    if standing.status not in WITH_ERROR or standing.detail is None:
        return None
    code, title = standing.detail, CODES[standing.detail].title
    return {"type": f"{base}/docs/errors#{code}", "title": title, "detail": title, "code": code}


def offset_time(ms: int) -> str:
    """A time as this door writes it: `2026-01-05T12:00:00.000+00:00`."""
    return f"{wire_time(ms)[:-1]}+00:00"


async def seal_answer(node: Node, session: RestSession, body: bytes, *, now_ms: int, until_ms: int) -> bytes:
    """The answer as it is sent: sealed to the session's key if it has one, signed inside if it is nested.

    until_ms: how long a signature is good for.
    """
    protection = session.control.protection
    if session.key_jwk is None or protection is None:
        return body
    signature = None
    if protection.mode == "jws+jwe":
        signature = AnswerSignature(
            key=await node.server_keys.signing(protection.signing_alg, now_ms),
            issuer=f"{node.settings.public_url}/auth/open",
            audience=session.account_id,
            client_id=session.client_id,
            session_id=session.session_id,
            issued=now_ms // 1000,
            expires=until_ms // 1000,
            jti=new_session_id(),
            nonce=protection.nonce,
        )
    key = parsed_key(session.key_jwk)
    return seal_response(body, key, enc=protection.enc, pad_to=protection.pad_to, signature=signature)


@lru_cache(maxsize=4096)
def parsed_key(key_jwk: str) -> EncryptionKey:
    """A key that was judged before, from its row. Parsing it costs more than sealing to it, so it is remembered."""
    return parse_encryption_key(msgspec.json.decode(key_jwk))


def keep_answer(node: Node, session: RestSession, answer: bytes) -> bytes:
    """The answer as the row keeps it: what is sealed to a key as it is, the rest under the data key."""
    if session.key_jwk is not None:
        return answer
    return node.sealer.seal(session.scope, answer, row=session.session_id, column="sessions.answer")


def kept_answer(node: Node, session: RestSession) -> bytes:
    """The one answer of a session that ended, as it was sent first. Raises FailureError `sealed_damaged`."""
    assert session.answer is not None
    if session.key_jwk is not None:
        return session.answer
    return node.sealer.open(session.scope, session.answer, row=session.session_id, column="sessions.answer")
