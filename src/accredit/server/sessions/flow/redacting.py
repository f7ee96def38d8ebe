"""Erasing what tells of a person: by the API, and when the retention is over (protocol-flow.md section 10).

Ids, statuses, times and the keyed hash of the customer stay, so that erasure is never a second attempt.
"""

from dataclasses import dataclass
from functools import partial

from accredit.errors import ConflictError, FailureError
from accredit.server.checklist.recording import forget_reference
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.scope import Scope
from accredit.server.node import Node
from accredit.server.sessions.flow.changing import Draft, change_flow, draft_of, write_draft
from accredit.server.sessions.flow.claims import Claim, Replayed, note, take
from accredit.server.sessions.flow.ending import audit_entry, expire, expire_if_due
from accredit.server.sessions.flow.record import COLUMNS, TABLES, FlowSession, customer_hash, read_row
from accredit.server.store import Transaction, one_by_one

_TRIES = 5


async def redact_flow(node: Node, session: FlowSession, cause: Cause | None, claim: Claim | None = None) -> FlowSession:
    """Erase an ended session; again is the same. cause: None for the retention.

    Raises ConflictError `session_active`; ReplayedError, ConflictError `idempotency_key_reused`.
    """
    session = await expire_if_due(node, session)

    def change(draft: Draft) -> None:
        if not draft.session.has_ended(draft.now_ms):
            raise ConflictError("session_active")
        _redact(draft, cause)
        draft.once(claim)

    return await change_flow(node, session, change)


def _redact(draft: Draft, cause: Cause | None) -> None:
    if draft.session.redacted_ms is not None:
        return
    draft.redact()
    session = draft.session
    draft.writes.append(
        partial(
            forget_reference,
            integration_id=session.integration_id,
            customer_hash=session.customer_hash,
            now_ms=draft.now_ms,
        )
    )
    if cause is not None:
        draft.entries.append(audit_entry(draft.session, "session.redacted", cause))


async def redact_customer(
    node: Node, scope: Scope, customer_reference: str, cause: Cause, claim: Claim | None
) -> list[FlowSession] | Replayed:
    """Erase all sessions of a customer in all templates, open ones cancelled first, in one transaction; newest first.

    Raises ConflictError `idempotency_key_reused`.
    """
    await node.sealer.ready(scope)
    wanted = (customer_hash(node.sealer, scope, customer_reference), scope)
    for _ in range(_TRIES):
        drafts = [_erase(node, each, cause) for each in await node.store.read(_find_of_customer, wanted)]
        erasing = _Erasing([(draft, draft.sealed()) for draft in drafts], claim)
        try:
            return await node.store.write(_write, erasing)
        except ConflictError as error:
            if error.code != "session_changed":
                raise
    raise FailureError("service_unavailable")


def _erase(node: Node, session: FlowSession, cause: Cause) -> Draft:
    draft = draft_of(node, session, node.clock())
    expire(draft)
    if not draft.session.has_ended(draft.now_ms):
        draft.end("cancelled")
    _redact(draft, cause)
    return draft


def _find_of_customer(tx: Transaction, wanted: tuple[bytes, Scope]) -> list[FlowSession]:
    hashed, scope = wanted
    rows = tx.rows(
        f"SELECT {COLUMNS} FROM {TABLES} WHERE f.customer_hash = ? AND s.account_id = ? AND s.environment = ? ORDER BY s.id DESC",
        (hashed, scope.account_id, scope.environment),
    )
    return [read_row(row) for row in rows]


@dataclass(frozen=True, slots=True)
class _Erasing:
    drafts: list[tuple[Draft, FlowSession]]
    claim: Claim | None


@one_by_one
def _write(tx: Transaction, item: _Erasing) -> list[FlowSession] | Replayed:
    """Change: all of them or none. Raises ConflictError `session_changed`."""
    replayed = take(tx, item.claim)
    if replayed is not None:
        return replayed
    erased: list[FlowSession] = []
    for draft, session in item.drafts:
        written = write_draft(tx, draft, session) if draft.is_changed else session
        if written is None:
            raise ConflictError("session_changed")
        erased.append(written)
    note(tx, item.claim, 200, None)
    return erased
