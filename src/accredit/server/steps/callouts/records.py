"""The row of a call-out, from the step that begins it to its one answer.

`due_ms` says when it is tried next, and while it is tried until when nobody else tries it: a node that dies loses its lease, not the
call-out. What is sent lies sealed until it is not needed any more; the step's answer is kept by the session alone.

    insert_callout(tx, callout)                       # in the transaction that makes the step wait
    claimed = await store.write(claim_callouts, ...)
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.store import Row, Transaction, one_by_one

# What commits of new call-outs announce.
TOPIC = "callouts"
_KEPT_MS = 24 * 3600 * 1000
_AT_ONCE = 1000
_COLUMNS = (
    "id, account_id, environment, session_id, step, attempt, service_id, checks, body, continue_url, tries, due_ms, expires_ms,"
    " closed_ms"
)


@dataclass(frozen=True, slots=True)
class Callout:
    """One call-out as stored. checks: members of `user` that its success vouches for. body, continue_url: sealed.

    tries: how many failed. due_ms: None once the service said that it will answer later, and at the end.
    """

    callout_id: str
    scope: Scope
    session_id: str
    step: str
    attempt: int
    service_id: str
    checks: tuple[str, ...]
    body: bytes | None = field(repr=False)
    continue_url: bytes | None = field(repr=False)
    tries: int
    due_ms: int | None
    expires_ms: int
    closed_ms: int | None = None

    def is_open(self, now_ms: int) -> bool:
        """Whether an answer still counts, as far as the row knows."""
        return self.closed_ms is None and now_ms < self.expires_ms


def seal_part(sealer: Sealer, scope: Scope, callout_id: str, column: str, octets: bytes) -> bytes:
    """`body` or `continue_url` for its row. The sealer is ready."""
    return sealer.seal(scope, octets, row=callout_id, column=f"callouts.{column}")


def open_part(sealer: Sealer, callout: Callout, column: str) -> bytes | None:
    """`body` or `continue_url` of a row, None where there is none. Raises FailureError `sealed_damaged`."""
    sealed: bytes | None = getattr(callout, column)
    if sealed is None:
        return None
    return sealer.open(callout.scope, sealed, row=callout.callout_id, column=f"callouts.{column}")


def insert_callout(tx: Transaction, callout: Callout) -> None:
    """Write a new call-out, and wake who sends it."""
    tx.execute(
        f"INSERT INTO callouts ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(callout.callout_id, callout.scope.account_id, callout.scope.environment, callout.session_id, callout.step),
            *(callout.attempt, callout.service_id, ",".join(callout.checks), callout.body, callout.continue_url),
            *(callout.tries, callout.due_ms, callout.expires_ms, callout.closed_ms),
        ),
    )
    tx.announce(TOPIC)


def find_callout(tx: Transaction, callout_id: str) -> Callout | None:
    """Query: the call-out of that id, of whatever account."""
    row = tx.row(f"SELECT {_COLUMNS} FROM callouts WHERE id = ?", (callout_id,))
    return None if row is None else _read_row(row)


def _read_row(row: Row) -> Callout:
    callout_id, account_id, environment, session_id, step, attempt, service_id, checks, *rest = row
    scope = Scope(account_id, environment)
    return Callout(callout_id, scope, session_id, step, attempt, service_id, tuple(filter(None, checks.split(","))), *rest)


class Claiming(NamedTuple):
    """Whose turn it is. limit: how many at most; but: services that have enough of them under way. lease_ms: for one attempt."""

    now_ms: int
    limit: int
    but: Sequence[str]
    lease_ms: int


@one_by_one
def claim_callouts(tx: Transaction, item: Claiming) -> list[Callout]:
    """Change: take what is due, that longest due first; nobody else tries it until the lease ends."""
    marks = f" AND service_id NOT IN ({','.join('?' * len(item.but))})" if item.but else ""
    lock = " FOR UPDATE SKIP LOCKED" if tx.engine == "postgresql" else ""
    rows = tx.rows(
        f"SELECT {_COLUMNS} FROM callouts WHERE due_ms <= ?{marks} ORDER BY due_ms LIMIT ?{lock}",
        (item.now_ms, *item.but, item.limit),
    )
    until_ms = item.now_ms + item.lease_ms
    for row in rows:
        tx.execute("UPDATE callouts SET due_ms = ? WHERE id = ?", (until_ms, row[0]))
    return [replace(_read_row(row), due_ms=until_ms) for row in rows]


class Failure(NamedTuple):
    """A try that failed. callout: as it was claimed."""

    callout: Callout
    again_ms: int


@one_by_one
def note_failure(tx: Transaction, item: Failure) -> None:
    """Change: try again later, unless the lease went to somebody else meanwhile."""
    callout = item.callout
    tx.execute(
        "UPDATE callouts SET tries = tries + 1, due_ms = ? WHERE id = ? AND due_ms = ? AND closed_ms IS NULL",
        (item.again_ms, callout.callout_id, callout.due_ms),
    )


class Promise(NamedTuple):
    """The service will answer later. continue_url: sealed, None without one."""

    callout_id: str
    continue_url: bytes | None


@one_by_one
def note_promise(tx: Transaction, item: Promise) -> None:
    """Change: nothing more is sent, and what was sent is not kept."""
    tx.execute(
        "UPDATE callouts SET due_ms = NULL, body = NULL, continue_url = ? WHERE id = ? AND closed_ms IS NULL",
        (item.continue_url, item.callout_id),
    )


_CLOSE = "UPDATE callouts SET closed_ms = ?, due_ms = NULL, body = NULL, continue_url = NULL WHERE closed_ms IS NULL AND "


def close_row(tx: Transaction, callout_id: str, now_ms: int) -> None:
    """No answer counts any more, and nothing of the person is kept."""
    tx.execute(f"{_CLOSE}id = ?", (now_ms, callout_id))


def close_rows_of(tx: Transaction, session_id: str, now_ms: int) -> None:
    """The same for all call-outs of a session, at its end."""
    tx.execute(f"{_CLOSE}session_id = ?", (now_ms, session_id))


@one_by_one
def close_callout(tx: Transaction, item: tuple[str, int]) -> None:
    """Change: as `close_row`."""
    callout_id, now_ms = item
    close_row(tx, callout_id, now_ms)


@one_by_one
def forget_callouts(tx: Transaction, now_ms: int) -> int:
    """Change: drop rows a day after the time of their sessions; how many."""
    return tx.execute(
        "DELETE FROM callouts WHERE id IN (SELECT id FROM callouts WHERE expires_ms < ? ORDER BY expires_ms LIMIT ?)",
        (now_ms - _KEPT_MS, _AT_ONCE),
    )
