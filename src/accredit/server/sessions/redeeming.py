"""Redeeming a code: the application's backend learns who embeds it, for whom, with what (protocol-embed.md section 9).

A code is 256 random bits, kept as SHA-256, good once within 60 s. All codes of a commit group are redeemed by a few statements.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from accredit.encoding import b64url_decode
from accredit.errors import MalformedError, NotFoundError
from accredit.server.keyring.scope import Scope
from accredit.server.sessions.record import COLUMNS, Session, read_row
from accredit.server.store import Store, Transaction


@dataclass(frozen=True, slots=True)
class Redemption:
    """One try. integration_ids: those that the key may ask for, None for all of its scope."""

    code_hash: bytes
    scope: Scope
    integration_ids: frozenset[str] | None
    now_ms: int


async def redeem_code(store: Store, code: str, scope: Scope, integration_ids: frozenset[str] | None, *, now_ms: int) -> Session:
    """The session that a code stands for; from now on it is `waiting` for its lifetime.

    Raises MalformedError `field_invalid`; NotFoundError `code_unknown`: unknown, used, expired, or another's. The wrong key does
    not burn a code.
    """
    try:
        octets = b64url_decode(code)
    except ValueError as error:
        raise MalformedError("field_invalid", "code") from error
    if len(octets) != 32:
        raise MalformedError("field_invalid", "code")
    redemption = Redemption(hashlib.sha256(octets).digest(), scope, integration_ids, now_ms)
    session = await store.write(redeem_codes, redemption)
    if session is None:
        raise NotFoundError("code_unknown", "code")
    return session


def redeem_codes(tx: Transaction, redemptions: Sequence[Redemption]) -> list[Session | None]:
    """Change: the session of each code that holds. The same code twice in one group is redeemed by the first."""
    sessions = dict(_find(tx, list({redemption.code_hash for redemption in redemptions})))
    results: list[Session | None] = [None] * len(redemptions)
    for code_hash, session in sessions.items():
        # Whoever asks with the right key in this group gets it, though a wrong key asked before.
        for position, redemption in enumerate(redemptions):
            if redemption.code_hash == code_hash and _holds(session, redemption):
                results[position] = _redeem(tx, session, redemption.now_ms)
                break
    return results


def _find(tx: Transaction, hashes: list[bytes]) -> list[tuple[bytes, Session]]:
    marks = ",".join("?" * len(hashes))
    rows = tx.rows(f"SELECT code_hash, {COLUMNS} FROM sessions WHERE code_hash IN ({marks})", hashes)
    return [(bytes(row[0]), read_row(row[1:])) for row in rows]


def _holds(session: Session, redemption: Redemption) -> bool:
    return (
        session.scope == redemption.scope
        and (redemption.integration_ids is None or session.integration_id in redemption.integration_ids)
        and session.status_at(redemption.now_ms) == "created"
    )


def _redeem(tx: Transaction, session: Session, now_ms: int) -> Session | None:
    row = tx.row(
        "UPDATE sessions SET status = 'waiting', code_hash = NULL, updated_ms = ?, expires_ms = ?,"
        f" sequence = sequence + 1 WHERE id = ? AND status = 'created' AND code_hash IS NOT NULL RETURNING {COLUMNS}",
        (now_ms, now_ms + session.lifetime_ms, session.session_id),
    )
    if row is None:
        return None
    if session.renews is not None:
        tx.execute(
            "UPDATE sessions SET status = 'success', reason = 'renewed', completed_ms = ?, updated_ms = ?, sealed = NULL,"
            " sequence = sequence + 1, redact_ms = CAST(? AS BIGINT) + retention_ms"
            " WHERE id = ? AND status IN ('created', 'waiting')",
            (now_ms, now_ms, now_ms, session.renews),
        )
    return read_row(row)
