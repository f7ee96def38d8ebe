"""What makes a signed request take effect once: claims, taken in the transaction of the effect (protocol-flow.md section 8, step 6).

A signature is claimed for 35 minutes, longer than its date is good for; an `Idempotency-Key` for 24 hours of a key id, method and
path, whatever signs it. Both are rows under a hash, so that they hold between nodes. Whatever refuses the effect raises, in a change
of one item: with its savepoint the claim is gone too, and the same request may come again.

    @one_by_one
    def change(tx: Transaction, item: Retry) -> FlowSession | Replayed:
        replayed = take(tx, item.claim)
        if replayed is not None:
            return replayed
        ...
        note(tx, item.claim, 201, session_id)
"""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from accredit.errors import ConflictError
from accredit.server.keyring.sealing import Sealer
from accredit.server.store import Transaction, one_by_one

SIGNATURE_KEPT_MS, IDEMPOTENCY_KEPT_MS = 35 * 60_000, 24 * 3_600_000
_AT_ONCE = 1000
# One that is past its time is taken over, whether it was swept or not.
_TAKE = (
    "INSERT INTO request_claims (claim, digest, expires_ms) VALUES (?, ?, ?)"
    " ON CONFLICT (claim) DO UPDATE SET digest = excluded.digest, expires_ms = excluded.expires_ms, status = NULL,"
    " session_id = NULL WHERE request_claims.expires_ms <= ?"
)


@dataclass(frozen=True, slots=True)
class Claim:
    """One signed request, as what it may do once. signature, idempotency: hashes; None without an `Idempotency-Key`.

    digest: SHA-256 of the body. now_ms: when it came.
    """

    signature: bytes
    idempotency: bytes | None
    digest: bytes
    now_ms: int


@dataclass(frozen=True, slots=True)
class Replayed:
    """The effect was there before. status: of the first answer. session_id: what that told of; None for none or several."""

    status: int
    session_id: str | None


def make_claim(
    sealer: Sealer,
    key_id: str,
    signature: str,
    digest: bytes,
    *,
    idempotent: tuple[str, str, str] | None,
    now_ms: int,
) -> Claim:
    """The claim of a verified request.

    signature: base64, as it was verified. digest: SHA-256 of the body. idempotent: method, path and `Idempotency-Key`, which is
    hashed under a key of the server: clients have put personal data into it.
    """
    return Claim(
        signature=sealer.server_mac("request_signature", msgspec.msgpack.encode((key_id, signature))),
        idempotency=None
        if idempotent is None
        else sealer.server_mac("request_idempotency", msgspec.msgpack.encode((key_id, *idempotent))),
        digest=digest,
        now_ms=now_ms,
    )


def take(tx: Transaction, claim: Claim | None) -> Replayed | None:
    """Take the claim inside the effect's transaction, before its first write; what came of the request if it was taken before.

    claim: None where nothing was signed. Another node that holds it uncommitted is waited for. Who gets None goes on, and ends with
    `note` or by raising. Raises ConflictError `idempotency_key_reused`.
    """
    if claim is None:
        return None
    # The signature comes first: whoever sends a request again that was taken down can change the header that it does not cover.
    held = _take_one(tx, claim.signature, claim, SIGNATURE_KEPT_MS)
    if held is not None or claim.idempotency is None:
        return None if held is None else held[0]
    held = _take_one(tx, claim.idempotency, claim, IDEMPOTENCY_KEPT_MS)
    if held is None:
        return None
    replayed, digest = held
    _check_digest(claim, digest)
    note(tx, claim, replayed.status, replayed.session_id)
    return replayed


def note(tx: Transaction, claim: Claim | None, status: int, session_id: str | None) -> None:
    """Write down what came of a claim that was taken in this transaction. session_id: what the answer tells of."""
    if claim is not None:
        tx.execute(
            "UPDATE request_claims SET status = ?, session_id = ? WHERE claim IN (?, ?)",
            (status, session_id, claim.signature, claim.idempotency or claim.signature),
        )


class ReplayedError(Exception):
    """Raised inside a change whose request took effect before: nothing of the change lasts. replayed: what came of it then."""

    def __init__(self, replayed: Replayed) -> None:
        super().__init__("replayed")
        self.replayed = replayed


def claiming(claim: Claim | None, session_id: str, status: int = 200) -> Callable[[Transaction], None]:
    """What a change of one session writes beside its own, so that its request has that effect once. It raises ReplayedError.

    status, session_id: of the answer, as `note`.
    """

    def write(tx: Transaction) -> None:
        replayed = take(tx, claim)
        if replayed is not None:
            raise ReplayedError(replayed)
        note(tx, claim, status, session_id)

    return write


def find_replayed(tx: Transaction, claim: Claim) -> Replayed | None:
    """Query: what came of the request before, if anything did. That nothing did is certain only when `take` says so.

    It comes before whatever else is asked of the present state, which the effect itself has changed. Raises as `take`.
    """
    rows = {
        bytes(held): (Replayed(status, session_id), bytes(digest))
        for held, status, session_id, digest in tx.rows(
            "SELECT claim, status, session_id, digest FROM request_claims WHERE claim IN (?, ?) AND expires_ms > ?",
            (claim.signature, claim.idempotency or claim.signature, claim.now_ms),
        )
    }
    if claim.signature in rows:
        return rows[claim.signature][0]
    if claim.idempotency is None or claim.idempotency not in rows:
        return None
    replayed, digest = rows[claim.idempotency]
    _check_digest(claim, digest)
    return replayed


@one_by_one
def forget_request_claims(tx: Transaction, now_ms: int) -> int:
    """Change: drop the claims that are past their time, some at a time; how many."""
    return tx.execute(
        "DELETE FROM request_claims WHERE claim IN"
        " (SELECT claim FROM request_claims WHERE expires_ms <= ? ORDER BY expires_ms LIMIT ?)",
        (now_ms, _AT_ONCE),
    )


def _take_one(tx: Transaction, hashed: bytes, claim: Claim, kept_ms: int) -> tuple[Replayed, bytes] | None:
    """None when it is taken now, else what came of it, and the digest of that request's body."""
    if tx.execute(_TAKE, (hashed, claim.digest, claim.now_ms + kept_ms, claim.now_ms)):
        return None
    row = tx.row("SELECT status, session_id, digest FROM request_claims WHERE claim = ?", (hashed,))
    # The conflict has locked the row, so that no sweep of another node can be faster.
    assert row is not None
    return Replayed(row[0], row[1]), bytes(row[2])


def _check_digest(claim: Claim, digest: bytes) -> None:
    if digest != claim.digest:
        raise ConflictError("idempotency_key_reused", "Idempotency-Key")
