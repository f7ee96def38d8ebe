"""Frame tokens: what a frame or a hosted page of a session calls with (protocol-flow.md sections 5 and 10).

256 random bits, stored hashed. A token is good for one session, for 2 h after its last use; of a session that has ended it shows the
end and changes nothing. Redaction removes it.
"""

import hashlib
import secrets
from dataclasses import dataclass

from accredit.encoding import b64url_encode
from accredit.server.node import Node
from accredit.server.sessions.flow.record import FlowSession
from accredit.server.store import Transaction, one_by_one

LIFETIME_MS = 2 * 3_600_000
_TOKEN_BYTES, _TEXT_LENGTH = 32, 43
# How exact the last use is: a frame that asks every second need not write every second.
_USE_EVERY_MS = 60_000
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class FrameToken:
    """What a token says. origin: of the page around the frame, None for a hosted page. resumed: earlier input is masked."""

    session_id: str
    origin: str | None
    language: str | None
    resumed: bool


def new_token() -> str:
    """A fresh token: 43 base64url characters."""
    return b64url_encode(secrets.token_bytes(_TOKEN_BYTES))


async def issue_token(node: Node, session: FlowSession, *, origin: str | None, language: str | None, resumed: bool) -> str:
    """A token for a session, durable when it returns."""
    text = new_token()
    token = FrameToken(session.session_id, origin, language, resumed)
    await node.store.write(_insert, (text, token, node.clock()))
    return text


@one_by_one
def _insert(tx: Transaction, item: tuple[str, FrameToken, int]) -> None:
    insert_token(tx, *item)


def insert_token(tx: Transaction, text: str, token: FrameToken, now_ms: int) -> None:
    """Insert a token in the caller's transaction."""
    tx.execute(
        "INSERT INTO flow_tokens (token_hash, session_id, origin, language, resumed, used_ms) VALUES (?, ?, ?, ?, ?, ?)",
        (_hash(text), token.session_id, token.origin, token.language, int(token.resumed), now_ms),
    )


async def find_token(node: Node, text: str) -> FrameToken | None:
    """What a token says, None for one that is unknown or past its time. Its use is noted."""
    now_ms = node.clock()
    row = await node.store.read(_find, (_hash(text), now_ms - LIFETIME_MS)) if len(text) == _TEXT_LENGTH else None
    if row is None:
        return None
    token, used_ms = row
    if now_ms - used_ms >= _USE_EVERY_MS:
        await node.store.write(_note_use, (_hash(text), now_ms))
    return token


def _find(tx: Transaction, wanted: tuple[bytes, int]) -> tuple[FrameToken, int] | None:
    row = tx.row(
        "SELECT session_id, origin, language, resumed, used_ms FROM flow_tokens WHERE token_hash = ? AND used_ms > ?", wanted
    )
    return None if row is None else (FrameToken(row[0], row[1], row[2], bool(row[3])), int(row[4]))


@one_by_one
def _note_use(tx: Transaction, item: tuple[bytes, int]) -> None:
    token_hash, now_ms = item
    tx.execute("UPDATE flow_tokens SET used_ms = ? WHERE token_hash = ? AND used_ms < ?", (now_ms, token_hash, now_ms))


def revoke_tokens(tx: Transaction, session_id: str) -> None:
    """Remove all tokens of a session."""
    tx.execute("DELETE FROM flow_tokens WHERE session_id = ?", (session_id,))


def revoke_frames(tx: Transaction, session_id: str) -> None:
    """Remove the tokens of a session's frames; hosted pages, which a link opened, go on."""
    tx.execute("DELETE FROM flow_tokens WHERE session_id = ? AND origin IS NOT NULL", (session_id,))


@one_by_one
def forget_tokens(tx: Transaction, now_ms: int) -> int:
    """Change: remove tokens past their time, some at once; how many."""
    return tx.execute(
        "DELETE FROM flow_tokens WHERE token_hash IN"
        f" (SELECT token_hash FROM flow_tokens WHERE used_ms <= ? ORDER BY used_ms LIMIT {_AT_ONCE})",
        (now_ms - LIFETIME_MS,),
    )


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()
