"""Renewal: the open session that a new admission of the same frame follows (protocol-embed.md section 3)."""

from dataclasses import dataclass

from accredit.errors import Refused
from accredit.server.gate import Admission
from accredit.server.keyring.sealing import Sealer
from accredit.server.sessions.record import COLUMNS, Session, open_person, read_row
from accredit.server.store import Store, Transaction


@dataclass(frozen=True, slots=True)
class Renewal:
    """An admission that means to go on where a session of this channel stands."""

    admission: Admission
    channel: str | None
    now_ms: int


async def find_renewed(store: Store, sealer: Sealer, renewal: Renewal) -> tuple[str, str | None]:
    """The session to renew, and its anonymous id if it has one.

    Raises Refused `renewal_mismatch` unless an open session of that channel, integration and origin exists, of the same user or
    anonymous like this one.
    """
    session = await store.read(_find_open, renewal) if renewal.channel is not None else None
    if session is None:
        raise Refused("renewal_mismatch")
    person = open_person(sealer, session)
    if person.uid != renewal.admission.uid:
        raise Refused("renewal_mismatch")
    return session.session_id, person.anonymous_id


def _find_open(tx: Transaction, renewal: Renewal) -> Session | None:
    row = tx.row(
        f"SELECT {COLUMNS} FROM sessions WHERE channel = ? AND status IN ('created', 'waiting') AND integration_id = ?"
        " AND origin = ? AND expires_ms > ? ORDER BY id DESC LIMIT 1",
        (renewal.channel, renewal.admission.integration.integration_id, renewal.admission.origin, renewal.now_ms),
    )
    return None if row is None else read_row(row)
