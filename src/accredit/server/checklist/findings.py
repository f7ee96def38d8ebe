"""What was observed of a template, as its checklist reads it: numbers of the last 30 days."""

from dataclasses import dataclass

from accredit.server.checklist.recording import DAY_MS, EXPOSED_DAYS, OBSERVED_DAYS, ORACLE, ORIGIN
from accredit.server.keyring.scope import Scope
from accredit.server.store import Transaction


@dataclass(frozen=True, slots=True)
class Findings:
    """unsigned, legacy, v2: openings by pages. by_api: by backends. origins: those that a page was opened from.

    oracle: the most signed references of one client in 24 hours, from 20 on. emails, phones, varying, crowded: references.
    """

    unsigned: int
    legacy: int
    v2: int
    by_api: int
    origins: frozenset[str]
    oracle: int
    emails: int
    phones: int
    varying: int
    crowded: int

    @property
    def opened(self) -> int:
        """Openings of any kind."""
        return self.unsigned + self.legacy + self.v2 + self.by_api


@dataclass(frozen=True, slots=True)
class StepFinding:
    """When what a step stands on last did what it is there for, and when it last did not, with the reason."""

    answered_ms: int | None
    failed_ms: int | None
    reason: str | None


def find_findings(tx: Transaction, wanted: tuple[str, int]) -> Findings:
    """Query: what was observed of a template up to that time."""
    integration_id, now_ms = wanted
    since = now_ms // DAY_MS - OBSERVED_DAYS
    rows = tx.rows(
        "SELECT what, CAST(SUM(n) AS BIGINT), MAX(n) FROM flow_tallies WHERE integration_id = ? AND day > ? GROUP BY what",
        (integration_id, since),
    )
    sums = {row[0]: row[1] for row in rows}
    emails, phones, varying, crowded = _count_faulty(tx, integration_id, since)
    return Findings(
        unsigned=sums.get("unsigned", 0),
        legacy=sums.get("legacy", 0),
        v2=sums.get("v2", 0),
        by_api=sums.get("api", 0),
        origins=frozenset(what.removeprefix(ORIGIN) for what in sums if what.startswith(ORIGIN)),
        oracle=next((row[2] for row in rows if row[0] == ORACLE), 0),
        emails=emails,
        phones=phones,
        varying=varying,
        crowded=crowded,
    )


def _count_faulty(tx: Transaction, integration_id: str, since: int) -> tuple[int, int, int, int]:
    """References that look like e-mail addresses and like phone numbers, that vary, and that had too many clients."""
    row = tx.row(
        "SELECT COUNT(CASE WHEN r.likeness = 'email' THEN 1 END), COUNT(CASE WHEN r.likeness = 'phone' THEN 1 END),"
        # The other spelling may not have come for so long that it is forgotten.
        " COUNT(CASE WHEN r.varies = 1 AND EXISTS (SELECT 1 FROM flow_references o WHERE o.integration_id = r.integration_id"
        " AND o.folded_hash = r.folded_hash AND o.customer_hash <> r.customer_hash AND o.day > ?) THEN 1 END),"
        " COUNT(CASE WHEN r.crowded_day > ? THEN 1 END)"
        " FROM flow_references r WHERE r.integration_id = ? AND r.day > ?"
        " AND (r.likeness IS NOT NULL OR r.varies = 1 OR r.crowded_day IS NOT NULL)",
        (since, since, integration_id, since),
    )
    return (0, 0, 0, 0) if row is None else (row[0], row[1], row[2], row[3])


def find_step_findings(tx: Transaction, integration_id: str) -> dict[str, StepFinding]:
    """Query: what was observed of a template's steps, by their names."""
    rows = tx.rows("SELECT step, answered_ms, failed_ms, reason FROM step_tries WHERE integration_id = ?", (integration_id,))
    return {row[0]: StepFinding(*row[1:]) for row in rows}


def count_exposures(tx: Transaction, wanted: tuple[Scope, int]) -> int:
    """Query: how often within 90 days a browser showed a secret of an account and environment."""
    scope, now_ms = wanted
    row = tx.row(
        "SELECT CAST(SUM(n) AS BIGINT) FROM exposures WHERE account_id = ? AND environment = ? AND day > ?",
        (scope.account_id, scope.environment, now_ms // DAY_MS - EXPOSED_DAYS),
    )
    return 0 if row is None or row[0] is None else int(row[0])
