"""What one entry of the audit trail says, and its columns."""

from collections.abc import Mapping

import msgspec

from accredit.encoding import Json, compact_json
from accredit.server.store import Row, Value

# Number, members in the order of AuditEntry, MAC: the order in which they are authenticated too.
COLUMNS = (
    "seq, at_ms, kind, account_id, environment, code, actor, integration_id, key_id, session_id, request_id, address_hash,"
    " detail, mac"
)
WIDTH = 14


class AuditEntry(msgspec.Struct, frozen=True):
    """kind: what was done or refused (`key.revoked`). code: the precise reason. actor: who did it: the id of an API key or an
    operator, or the name of a part of the server. address_hash: a keyed hash. detail: ids, names of members and counts only."""

    at_ms: int
    kind: str
    account_id: str = ""
    environment: str = ""
    code: str | None = None
    actor: str | None = None
    integration_id: str | None = None
    key_id: str | None = None
    session_id: str | None = None
    request_id: str | None = None
    address_hash: bytes | None = None
    detail: Mapping[str, Json] = {}


def columns_of(seq: int, entry: AuditEntry) -> tuple[Value, ...]:
    """The entry as a row without its MAC."""
    detail = compact_json(dict(entry.detail)).decode() if entry.detail else "{}"
    return (seq, *msgspec.structs.astuple(entry)[:-1], detail)


def read_entry(row: Row) -> AuditEntry:
    """The entry of a row of COLUMNS."""
    members = (*row[1:-2], msgspec.json.decode(row[-2]))
    return AuditEntry(*members)
