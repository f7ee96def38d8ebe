"""The audit trail as its account reads it: who did what, and why somebody was refused."""

from typing import Annotated, Any

import msgspec

from accredit.server import audit
from accredit.server.api.bodies import DEFAULT_LIMIT, Cursor, Limit
from accredit.server.api.operations import Call, operation
from accredit.server.api.replies import Reply, json_reply
from accredit.server.times import wire_time

_Word = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_.]{1,64}\Z")]
_RequestId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}\Z")]


class AuditQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which entries, and which page. request_id: the `X-Request-Id` of an answer."""

    request_id: _RequestId | None = None
    kind: _Word | None = None
    code: _Word | None = None
    cursor: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT


class AuditEntryAnswer(msgspec.Struct, frozen=True):
    """One entry. code: the precise reason. address_hash: equal for equal networks, and tells nothing else of them."""

    seq: int
    at: str
    kind: str
    code: str | None
    actor: str | None
    integration_id: str | None
    key_id: str | None
    session_id: str | None
    request_id: str | None
    address_hash: str | None
    detail: dict[str, Any]


class AuditPageAnswer(msgspec.Struct, frozen=True):
    """Newest first. next_cursor: null on the last page."""

    entries: list[AuditEntryAnswer]
    next_cursor: str | None


@operation("GET", "/v1/audit", answer=AuditPageAnswer, codes=("cursor_invalid",))
async def list_audit(call: Call, query: AuditQuery) -> Reply:
    """List what was done and refused in the caller's account and environment, newest first."""
    search = audit.AuditSearch(call.scope, query.request_id, query.kind, query.code)
    page = await audit.find(call.node.store, call.node.sealer, search, cursor=query.cursor, limit=query.limit)
    return json_reply(call.request_id, AuditPageAnswer([_answer(each) for each in page.records], page.next_cursor))


def _answer(record: audit.AuditRecord) -> AuditEntryAnswer:
    entry = record.entry
    return AuditEntryAnswer(
        seq=record.seq,
        at=wire_time(entry.at_ms),
        kind=entry.kind,
        code=entry.code,
        actor=entry.actor,
        integration_id=entry.integration_id,
        key_id=entry.key_id,
        session_id=entry.session_id,
        request_id=entry.request_id,
        address_hash=None if entry.address_hash is None else entry.address_hash.hex(),
        detail=dict(entry.detail),
    )


OPERATIONS = (list_audit,)
