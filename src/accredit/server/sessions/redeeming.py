"""Redeeming a code: the application's backend learns who embeds it, for whom, with what (protocol-embed.md section 9).

All codes of a commit group are looked up by one statement. The wrong key does not burn a code.
"""

from collections.abc import Sequence
from hmac import compare_digest

import msgspec

from accredit.errors import NotFoundError
from accredit.server.events.outbox import append
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.sessions.codes import code_hash, parse_code, peek_session_id
from accredit.server.sessions.lifecycle import close, transition
from accredit.server.sessions.record import COLUMNS, Session, read_row
from accredit.server.store import Store, Transaction


class Redemption(msgspec.Struct, frozen=True):
    """One try. integration_ids: those that the key may ask for, None for all of its scope."""

    session_id: str
    code_hash: bytes
    scope: Scope
    integration_ids: frozenset[str] | None
    now_ms: int


async def redeem_code(
    store: Store, sealer: Sealer, code: str, scope: Scope, integration_ids: frozenset[str] | None, *, now_ms: int
) -> Session:
    """The session that a code stands for; from now on it is `waiting` for its lifetime.

    Raises MalformedError `field_invalid`; NotFoundError `code_unknown`: unknown, used, expired, or another's.
    """
    octets = parse_code(code)
    redemption = Redemption(peek_session_id(sealer, octets), code_hash(octets), scope, integration_ids, now_ms)
    session = await store.write(redeem_codes, redemption)
    if session is None:
        raise NotFoundError("code_unknown", "code")
    return session


def redeem_codes(tx: Transaction, redemptions: Sequence[Redemption]) -> list[Session | None]:
    """Change: the session of each code that holds. Of the same code twice in one group the first is redeemed."""
    found = _find(tx, sorted({redemption.session_id for redemption in redemptions}))
    results: list[Session | None] = []
    for redemption in redemptions:
        stored = found.get(redemption.session_id)
        if stored is not None and _holds(*stored, redemption):
            del found[redemption.session_id]
            results.append(_redeem(tx, stored[1], redemption.now_ms))
        else:
            results.append(None)
    return results


def _find(tx: Transaction, ids: list[str]) -> dict[str, tuple[bytes, Session]]:
    """The sessions whose code is not redeemed yet, in the order of their ids, so that two nodes never wait for each other."""
    marks = ",".join("?" * len(ids))
    rows = tx.rows(f"SELECT code_hash, {COLUMNS} FROM sessions WHERE id IN ({marks}) AND code_hash IS NOT NULL", ids)
    return {row[1]: (bytes(row[0]), read_row(row[1:])) for row in rows}


def _holds(stored_hash: bytes, session: Session, redemption: Redemption) -> bool:
    return (
        compare_digest(stored_hash, redemption.code_hash)
        and session.scope == redemption.scope
        and (redemption.integration_ids is None or session.integration_id in redemption.integration_ids)
        and session.status_at(redemption.now_ms) == "created"
    )


def _redeem(tx: Transaction, session: Session, now_ms: int) -> Session | None:
    row = tx.row(
        "UPDATE sessions SET status = 'waiting', code_hash = NULL, updated_ms = ?, expires_ms = ?, sequence = sequence + 1"
        f" WHERE id = ? AND status = 'created' AND code_hash IS NOT NULL RETURNING {COLUMNS}",
        (now_ms, now_ms + session.lifetime_ms, session.session_id),
    )
    if row is None:
        return None
    if session.renews is not None:
        close(tx, [session.renews], "success", now_ms, reason="renewed")
    redeemed = read_row(row)
    append(tx, [transition(redeemed)])
    return redeemed
