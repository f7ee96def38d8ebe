"""The chain of the audit trail: what makes an altered, removed, inserted or reordered entry show.

Entry n carries HMAC-SHA-256(audit key, MAC of entry n - 1 || entry n as a MessagePack array of its columns); before the first
stand 32 zero bytes. The *head*, number and MAC of the last entry, lies in `meta` under a MAC of its own, so that a cut-off end
shows too. An old copy of the whole database shows only against a head that was noted elsewhere.

The audit key is a data key of the server, so it outlives a rotation of the root key, and the database's holder does not have it.
"""

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

import msgspec

from accredit.errors import FailureError, MalformedError
from accredit.server.keyring.scope import SERVER
from accredit.server.keyring.sealing import Sealer
from accredit.server.store import Store, Transaction, Value, one_by_one

from .entry import COLUMNS, WIDTH, AuditEntry, columns_of

Fault = Literal[
    "missing",  # A number is left out.
    "altered",  # The MAC does not hold: the entry, its place or its predecessor was changed, or it was never ours.
    "cut_off",  # The head tells of entries that are not there.
    "head_missing",
    "head_damaged",  # The head is not one that this server wrote.
    "head_differs",  # The head is of another time, or of another history.
    "unexpected",  # The chain does not lead through the head that the caller expects.
]

FIND_HEAD = "SELECT value FROM meta WHERE name = 'audit_head'"
# Nodes append one after the other: the head's row stays locked until the commit; on SQLite there is one writer anyway. Most changes
# of the configuration append too, so its row is locked first: whichever of both a change comes to first, no two wait for each other.
_TAKE_HEAD = "SELECT name, value FROM meta WHERE name IN ('audit_head', 'config_version') ORDER BY name DESC"
_LOCKING = {"sqlite": "", "postgresql": " FOR UPDATE"}
_PUT_HEAD = "UPDATE meta SET value = ? WHERE name = 'audit_head'"
_INSERT = f"INSERT INTO audit ({COLUMNS}) VALUES"

_NOTED = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")

# A chain's head names its key, and a process knows the keys of the databases that it is ready for.
_KEYED: dict[str, hmac.HMAC] = {}


@dataclass(frozen=True, slots=True)
class AuditHead:
    """Number and MAC of an entry. Its text, `{seq}:{mac in hex}`, is for noting it where the database's holder cannot write."""

    seq: int
    mac: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads the text. Raises MalformedError field_invalid."""
        parts = _NOTED.fullmatch(text.strip())
        if parts is None:
            raise MalformedError("field_invalid", "expect_head")
        return cls(int(parts[1]), bytes.fromhex(parts[2]))

    def __str__(self) -> str:
        return f"{self.seq}:{self.mac.hex()}"


BEGINNING = AuditHead(0, bytes(32))


class AuditBrokenError(FailureError):
    """The chain does not hold. held: the last entry that was seen to hold. seq: the number after it, where the fault is."""

    def __init__(self, fault: Fault, held: AuditHead = BEGINNING) -> None:
        self.fault = fault
        self.held = held
        self.seq = held.seq + 1
        super().__init__("audit_broken", f"{fault} at {self.seq}")


async def ready(store: Store, sealer: Sealer) -> None:
    """Makes `append` possible in this process, and begins the chain of a new database."""
    await sealer.ready(SERVER)
    keyed = sealer.audit_hmac()
    _KEYED[_key_name(keyed)] = keyed
    await store.write(_begin, _head_text(keyed, BEGINNING))


def append(tx: Transaction, entries: Sequence[AuditEntry]) -> None:
    """Adds entries to the chain, in the transaction of what they tell of.

    Other nodes cannot append until it commits, so call it late in a change, and once for many entries. Raises AuditBrokenError
    when the head was tampered with: going on would heal what ought to show.
    """
    if not entries:
        return
    keyed, head = _take_head(tx)
    seq, mac = head.seq, head.mac
    rows = []
    for entry in entries:
        seq += 1
        columns = columns_of(seq, entry)
        mac = entry_mac(keyed, mac, columns)
        rows.append((*columns, mac))
    tx.insert_many(_INSERT, WIDTH, rows)
    tx.execute(_PUT_HEAD, (_head_text(keyed, AuditHead(seq, mac)),))


def record_entries(tx: Transaction, entries: Sequence[AuditEntry]) -> Sequence[None]:
    """The change for entries that stand alone, such as refusals: `await store.write(record_entries, entry)`."""
    append(tx, entries)
    return [None] * len(entries)


def entry_mac(keyed: hmac.HMAC, previous: bytes, columns: Sequence[Value]) -> bytes:
    """The MAC of an entry behind the one of this MAC."""
    return _mac(keyed, previous + msgspec.msgpack.encode(columns))


def read_head(keyed: hmac.HMAC, text: str, held: AuditHead = BEGINNING) -> AuditHead:
    """The head, if this server wrote it. Raises AuditBrokenError head_damaged.

    held: how far the caller has seen the chain to hold, for the error.
    """
    try:
        _, seq, mac, _ = text.split(":")
        head = AuditHead(int(seq), bytes.fromhex(mac))
    except ValueError:
        raise AuditBrokenError("head_damaged", held) from None
    # Written again and compared as a whole: there is one spelling of a head.
    if not hmac.compare_digest(_head_text(keyed, head).encode(), text.encode()):
        raise AuditBrokenError("head_damaged", held)
    return head


@one_by_one
def _begin(tx: Transaction, head: str) -> None:
    # Where entries are there already, a missing head is no beginning: it was taken away, and that is to show.
    tx.execute(
        "INSERT INTO meta (name, value) SELECT 'audit_head', CAST(? AS TEXT) WHERE NOT EXISTS (SELECT 1 FROM audit)"
        " ON CONFLICT DO NOTHING",
        (head,),
    )


def _take_head(tx: Transaction) -> tuple[hmac.HMAC, AuditHead]:
    if not _KEYED:
        raise RuntimeError("audit.ready comes first")
    # The head's name is the first in the alphabet, so its row comes last.
    *_, (name, text) = tx.rows(_TAKE_HEAD + _LOCKING[tx.engine])
    if name != "audit_head":
        raise AuditBrokenError("head_missing")
    keyed = _KEYED.get(text.partition(":")[0])
    if keyed is None:
        raise AuditBrokenError("head_damaged")
    return keyed, read_head(keyed, text)


def _mac(keyed: hmac.HMAC, octets: bytes) -> bytes:
    mac = keyed.copy()
    mac.update(octets)
    return mac.digest()


# Neither of these two can be mistaken for an entry's MAC, which covers 32 bytes of a MAC and then an array.
def _key_name(keyed: hmac.HMAC) -> str:
    return _mac(keyed, b"accredit-audit-key").hex()[:16]


def _head_text(keyed: hmac.HMAC, head: AuditHead) -> str:
    return f"{_key_name(keyed)}:{head}:{_mac(keyed, f'accredit-audit-head:{head}'.encode()).hex()}"
