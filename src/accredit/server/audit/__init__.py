"""The audit trail: who did what, numbered and chained, so that whoever can write the database cannot rewrite the past unseen.

    await audit.ready(store, sealer)            # once, when a process starts
    audit.append(tx, [AuditEntry(now_ms, "key.revoked", account_id, "live", actor=api_key_id, key_id=key_id)])
    report = await audit.verify(store, sealer)  # raises AuditBrokenError at the first entry that does not hold

Entries hold ids, codes, names of members and counts; never a value, a secret, a uid, an e-mail address or a raw address.
"""

from .chain import AuditBrokenError, AuditHead, append, ready, record_entries
from .entry import AuditEntry
from .search import AuditPage, AuditRecord, AuditSearch, find
from .verification import AuditReport, verify

__all__ = [
    "AuditBrokenError",
    "AuditEntry",
    "AuditHead",
    "AuditPage",
    "AuditRecord",
    "AuditReport",
    "AuditSearch",
    "append",
    "find",
    "ready",
    "record_entries",
    "verify",
]
