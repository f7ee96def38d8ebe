"""Does the chain hold? Recomputed from the first entry to the head."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from accredit.server.keyring.scope import SERVER
from accredit.server.keyring.sealing import Sealer
from accredit.server.store import Row, Store, Transaction

from .chain import BEGINNING, FIND_HEAD, AuditBrokenError, AuditHead, entry_mac, read_head
from .entry import COLUMNS

_PAGE = 1000
_LOWEST = -(2**63)


@dataclass(frozen=True, slots=True)
class AuditReport:
    """A chain that holds. count: its entries."""

    count: int
    head: AuditHead


async def verify(store: Store, sealer: Sealer, *, expect_head: AuditHead | None = None) -> AuditReport:
    """Recomputes the whole chain, page by page; what is appended meanwhile is left for the next time.

    expect_head: a head that was noted earlier; the chain must lead through it. Raises AuditBrokenError, which tells where.
    """
    await sealer.ready(SERVER)
    keyed = sealer.audit_hmac()
    # 1. Head and last number, as they were at one moment.
    head_text, last = await store.read(_find_ends, None)
    # 2. Every entry up to there, in order.
    held = BEGINNING
    expected_met = expect_head in (None, held)
    while page := await store.read(_find_page, (held.seq, last)):
        for row in page:
            held = _step(keyed, held, row)
            expected_met = expected_met or held == expect_head
    # 3. The head stands where the entries end. 4. The expected one was among them.
    _check_head(keyed, head_text, held)
    if not expected_met:
        raise AuditBrokenError("unexpected", held)
    return AuditReport(held.seq, held)


def _step(keyed: hmac.HMAC, held: AuditHead, row: Row) -> AuditHead:
    """One entry further. A number that comes too late means that those before it are gone."""
    seq, mac = row[0], row[-1]
    if seq > held.seq + 1:
        raise AuditBrokenError("missing", held)
    if not hmac.compare_digest(entry_mac(keyed, held.mac, row[:-1]), mac):
        raise AuditBrokenError("altered", held)
    return AuditHead(seq, mac)


def _check_head(keyed: hmac.HMAC, text: str | None, held: AuditHead) -> None:
    if text is None:
        raise AuditBrokenError("head_missing", held)
    head = read_head(keyed, text, held)
    if head != held:
        raise AuditBrokenError("cut_off" if head.seq > held.seq else "head_differs", held)


def _find_ends(tx: Transaction, _: None) -> tuple[str | None, int]:
    head = tx.row(FIND_HEAD)
    last = tx.row("SELECT seq FROM audit ORDER BY seq DESC LIMIT 1")
    return head[0] if head else None, last[0] if last else 0


def _find_page(tx: Transaction, bounds: tuple[int, int]) -> Sequence[Row]:
    held, last = bounds
    # The first page begins at the lowest number that there can be: what was put in front of number 1 is not overlooked.
    after = held or _LOWEST
    return tx.rows(f"SELECT {COLUMNS} FROM audit WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT {_PAGE}", (after, last))
