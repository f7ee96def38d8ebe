"""What a backend is answered: the session, sealed if it has a key, and signed beside the body where the policy asks for it.

protocol-rest.md sections 7, 8 and 15.
"""

import json

from accredit.encoding import Json
from accredit.errors import NotFoundError
from accredit.sealing import DETACHED_HEADER, Exchange, sign_response, sign_response_detached
from accredit.server import headers
from accredit.server.doors.rest.calls import RestCall, RestReply
from accredit.server.integrations.rest import ResponseSignature
from accredit.server.sessions.rest.answers import answer_body, kept_answer, offset_time, seal_answer, standing_of
from accredit.server.sessions.rest.record import Open, RestSession, load_open
from accredit.server.sessions.rest.statuses import WIRE

_JOSE = (b"content-type", b"application/jose")
_SIGNING_ALG = "ES256"


async def session_reply(
    call: RestCall, session: RestSession, *, part: Open | None = None, created: bool = False, replayed: bool = False
) -> RestReply:
    """The session as every reader sees it now; of one that ended the only copy of its answer.

    part: what is sealed in the row, if that is known. Raises NotFoundError `session_redacted`.
    """
    node, now_ms = call.node, call.now_ms
    if session.is_redacted(now_ms):
        raise NotFoundError("session_redacted")
    if session.is_open(now_ms):
        part = load_open(node.sealer, session) if part is None else part
        plain = answer_body(node, session, part, standing_of(session, now_ms, created=created))
        body = await seal_answer(node, session, plain, now_ms=now_ms, until_ms=session.expires_ms)
    else:
        body = kept_answer(node, session)
    lines = [headers.JSON if session.key_jwk is None else _JOSE, *headers.api(call.request_id)]
    if session.key_jwk is not None and session.thumbprint is not None:
        lines.append((b"x-encryption-key-thumbprint", session.thumbprint.encode("ascii")))
    if replayed:
        lines.append((b"idempotent-replayed", b"true"))
    lines += await _signature(call, session.control.response_signature, lines[0][1], body, session.session_id)
    return RestReply(200, lines, body)


async def plain_reply(
    call: RestCall, members: dict[str, Json], form: ResponseSignature, session_id: str | None = None
) -> RestReply:
    """Control data, which is never sealed. form: how the policy has answers signed."""
    body = json.dumps(members, separators=(",", ":")).encode("ascii")
    signature = await _signature(call, form, headers.JSON[1], body, session_id)
    return RestReply(200, [headers.JSON, *headers.api(call.request_id), *signature], body)


async def _signature(
    call: RestCall, form: ResponseSignature, media_type: bytes, body: bytes, session_id: str | None
) -> headers.Headers:
    """The lines that stand beside a body; a detached JWS names its session, so that a list has none."""
    if form == "off" or (form == "jws" and session_id is None):
        return []
    key, now = await call.node.server_keys.signing(_SIGNING_ALG, call.now_ms), call.now_ms // 1000
    if form == "jws":
        detached = sign_response_detached(body, key, session_id=str(session_id), now=now)
        return [(DETACHED_HEADER.lower().encode("ascii"), detached.encode("ascii"))]
    exchange = Exchange(call.asgi["method"], _target_uri(call), 200, media_type.decode("ascii"))
    signed = sign_response(body, exchange, key, now=now)
    return [(name.lower().encode("ascii"), text.encode("ascii")) for name, text in signed.items()]


def _target_uri(call: RestCall) -> str:
    """The whole address, as the client called it."""
    path, query = call.asgi["raw_path"].decode("latin-1"), call.asgi["query_string"].decode("latin-1")
    return f"{call.node.settings.public_url}{path}{'?' if query else ''}{query}"


def item_of(session: RestSession, now_ms: int) -> dict[str, Json]:
    """The session as it stands in a list: plain control data."""
    control = session.control
    redacted_ms = session.redact_ms if session.redacted_ms is None and session.is_redacted(now_ms) else session.redacted_ms
    members: dict[str, Json] = {
        "id": session.session_id,
        "accountId": session.account_id,
        "status": WIRE[session.status_at(now_ms)],
        "statusDetail": session.reason,
        "flow": control.flow,
        "provider": session.provider_id,
        "tags": list(control.tags) or None,
        "externalReference": control.external_reference,
        "usageReference": control.usage_reference,
        "createdAt": offset_time(session.created_ms),
        "updatedAt": offset_time(session.updated_ms),
        "expiresAt": offset_time(session.expires_ms),
        "redactedAt": None if redacted_ms is None else offset_time(redacted_ms),
        "encryptionKeyThumbprint": session.thumbprint,
    }
    return {name: value for name, value in members.items() if value is not None}
