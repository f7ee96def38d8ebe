"""Renewal: the open session that a new admission of the same frame follows (protocol-embed.md section 3)."""

from dataclasses import dataclass

from accredit.errors import Refused
from accredit.server.gate import Admission
from accredit.server.keyring.sealing import Sealer
from accredit.server.sessions.opening import subject_hash
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
    integration, uid, origin = renewal.admission.integration, renewal.admission.uid, renewal.admission.origin
    if renewal.channel is None or origin is None:
        raise Refused("renewal_mismatch")
    subject = subject_hash(sealer, integration, uid, renewal.channel)
    session = await store.read(_find_open, (integration.integration_id, subject, renewal.channel, origin, renewal.now_ms))
    if session is None:
        raise Refused("renewal_mismatch")
    return session.session_id, open_person(sealer, session).anonymous_id


def _find_open(tx: Transaction, wanted: tuple[str, bytes | None, str, str, int]) -> Session | None:
    row = tx.row(
        f"SELECT {COLUMNS} FROM sessions WHERE integration_id = ? AND subject_hash = ? AND channel = ? AND origin = ?"
        " AND status IN ('created', 'waiting') AND expires_ms > ? ORDER BY id DESC LIMIT 1",
        wanted,
    )
    return None if row is None else read_row(row)
