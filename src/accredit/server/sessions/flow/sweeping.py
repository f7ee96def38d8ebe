"""Writing down what the clock has decided, and going on where nobody is there to ask: expiry, retention, steps that wait.

Every reader sees expiry before; the sweep only makes the rows say so, and tells of it. A step that was begun on a node that died is
asked again by the next sweep, on whatever node.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from accredit.errors import AccreditError, ConflictError
from accredit.server import telemetry
from accredit.server.keyring.scope import Scope
from accredit.server.node import Node
from accredit.server.sessions.flow.changing import START_GRACE_MS, Draft, change_flow
from accredit.server.sessions.flow.ending import expire_if_due
from accredit.server.sessions.flow.quota import forget_creations
from accredit.server.sessions.flow.reading import load_any
from accredit.server.sessions.flow.record import FlowSession
from accredit.server.sessions.flow.redacting import redact_flow
from accredit.server.sessions.flow.stepping import look_again
from accredit.server.sessions.flow.tokens import forget_tokens
from accredit.server.store import Transaction, one_by_one

_AT_ONCE, _TOGETHER = 500, 50
Work = Callable[[Node, FlowSession], Awaitable[FlowSession]]


async def sweep_flow(node: Node) -> tuple[int, int]:
    """Expire and erase what is due, some at a time; how many of both there were."""
    expired = await _all(node, await node.store.read(_find_expired, node.clock()), expire_if_due)
    erased = await _all(node, await node.store.read(_find_to_redact, node.clock()), _retire)
    await node.store.write(forget_tokens, node.clock())
    await node.store.write(forget_creations, node.clock())
    return expired, erased


async def wake_flow(node: Node) -> int:
    """Ask the steps again whose time has come; how many. Of several nodes one asks."""
    due = await node.store.read(_find_to_wake, node.clock())
    claimed = await asyncio.gather(*(node.store.write(_claim, (each, node.clock())) for each in due))
    return await _all(node, [each for each, ours in zip(due, claimed, strict=True) if ours], look_again)


async def cancel_flow_of_key(node: Node, scope: Scope, key_id: str) -> int:
    """Cancel the open sessions that a key's signature opened; how many there were. The key is revoked before."""
    return await _all(node, await node.store.read(_find_of_key, (scope, key_id)), _cancel)


async def _retire(node: Node, session: FlowSession) -> FlowSession:
    return await redact_flow(node, session, None)


async def _cancel(node: Node, session: FlowSession) -> FlowSession:
    def change(draft: Draft) -> None:
        if draft.session.has_ended(draft.now_ms):
            raise ConflictError("session_not_active")
        draft.end("cancelled", reason="key_revoked")

    return await change_flow(node, session, change)


async def _all(node: Node, ids: Sequence[str], work: Work) -> int:
    """Do the work for all of them, which share their commits; for how many it was done."""
    done = 0
    for start in range(0, len(ids), _TOGETHER):
        done += sum(await asyncio.gather(*(_each(node, each, work) for each in ids[start : start + _TOGETHER])))
    return done


async def _each(node: Node, session_id: str, work: Work) -> bool:
    """Whether the work was done; a session that fails does not keep the others from it."""
    try:
        session = await load_any(node, session_id)
        if session is not None:
            await work(node, session)
    except AccreditError as error:
        telemetry.log.warning("sweep_failed", extra={"fields": {"session_id": session_id, "code": error.code}})
        return False
    return session is not None


def _find_expired(tx: Transaction, now_ms: int) -> list[str]:
    """Query: ids of sessions past their time, those of longest ago first; what awaits review has a time that never comes."""
    rows = tx.rows(
        "SELECT id FROM sessions WHERE status IN ('created', 'waiting', 'pending_review') AND door = 'flow' AND expires_ms <= ?"
        f" ORDER BY expires_ms LIMIT {_AT_ONCE}",
        (now_ms,),
    )
    return [row[0] for row in rows]


def _find_to_redact(tx: Transaction, now_ms: int) -> list[str]:
    rows = tx.rows(
        f"SELECT id FROM sessions WHERE door = 'flow' AND redact_ms <= ? ORDER BY redact_ms LIMIT {_AT_ONCE}", (now_ms,)
    )
    return [row[0] for row in rows]


def _find_to_wake(tx: Transaction, now_ms: int) -> list[str]:
    rows = tx.rows(
        f"SELECT session_id FROM flow_sessions WHERE wake_ms <= ? ORDER BY wake_ms LIMIT {_AT_ONCE}",
        (now_ms,),
    )
    return [row[0] for row in rows]


def _find_of_key(tx: Transaction, wanted: tuple[Scope, str]) -> list[str]:
    scope, key_id = wanted
    rows = tx.rows(
        "SELECT id FROM sessions WHERE proof_key_id = ? AND account_id = ? AND environment = ? AND door = 'flow'"
        " AND status IN ('created', 'waiting', 'pending_review') ORDER BY id",
        (key_id, scope.account_id, scope.environment),
    )
    return [row[0] for row in rows]


@one_by_one
def _claim(tx: Transaction, item: tuple[str, int]) -> bool:
    """Change: one node asks; another may when that one has not said anything for a while."""
    session_id, now_ms = item
    return bool(
        tx.execute(
            "UPDATE flow_sessions SET wake_ms = ? WHERE session_id = ? AND wake_ms <= ?",
            (now_ms + START_GRACE_MS, session_id, now_ms),
        )
    )
