"""What only people can confirm: that they have read the rules of signing, once a year."""

from dataclasses import dataclass

from accredit.server.audit import AuditEntry, append
from accredit.server.checklist.item import Item
from accredit.server.checklist.recording import DAY_MS
from accredit.server.integrations.catalog import IntegrationRecord
from accredit.server.keyring.changes import Cause
from accredit.server.store import Transaction, one_by_one
from accredit.server.times import wire_time

SIGNING_RULES = "signing_rules_read"
_GOOD_FOR_MS = 365 * DAY_MS
_RULES = (
    "Confirm that references are signed on the backend only, that a user gets the signature of its own reference alone, and that"
    " the secret is in the environment of the backend and known to few."
)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Somebody's word for an item. actor: who gave it, as the audit record names people and keys."""

    at_ms: int
    actor: str | None


def find_confirmation(tx: Transaction, integration_id: str) -> Confirmation | None:
    """Query: the last word for the rules of signing."""
    row = tx.row(
        "SELECT at_ms, actor FROM confirmations WHERE integration_id = ? AND item = ?", (integration_id, SIGNING_RULES)
    )
    return None if row is None else Confirmation(*row)


@one_by_one
def confirm_signing_rules(tx: Transaction, item: tuple[IntegrationRecord, Cause]) -> None:
    """Change: keep somebody's word for the rules of signing, in the place of an earlier one."""
    record, cause = item
    tx.execute(
        "INSERT INTO confirmations (integration_id, item, at_ms, actor) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (integration_id, item) DO UPDATE SET at_ms = excluded.at_ms, actor = excluded.actor",
        (record.integration_id, SIGNING_RULES, cause.at_ms, cause.actor),
    )
    entry = AuditEntry(
        at_ms=cause.at_ms,
        kind="checklist.confirmed",
        account_id=record.scope.account_id,
        environment=record.scope.environment,
        actor=cause.actor,
        integration_id=record.integration_id,
        request_id=cause.request_id,
        detail={"item": SIGNING_RULES},
    )
    append(tx, [entry])


def judge_confirmation(given: Confirmation | None, now_ms: int) -> Item:
    """The item: `manual` until somebody gives a word for it, and again after a year."""
    if given is None:
        return Item(SIGNING_RULES, "manual", "Nobody has confirmed it.", _RULES)
    evidence = f"Confirmed at {wire_time(given.at_ms)} by {given.actor or 'somebody'}"
    if now_ms >= given.at_ms + _GOOD_FOR_MS:
        return Item(SIGNING_RULES, "manual", f"{evidence}, over a year ago.", _RULES)
    return Item(SIGNING_RULES, "pass", f"{evidence}.")
