"""Writing observations down: counters of days, references with what is wrong with them, and clients for two days.

A row of `flow_tallies` counts openings by how they were admitted and by origin; as `oracle` it holds the most signed references that
one client opened within 24 hours, from 20 on.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from accredit.server.integrations.flow import is_local_origin
from accredit.server.keyring.exposed import Exposed
from accredit.server.store import Transaction, Value, one_by_one

DAY_MS = 86_400_000
OBSERVED_DAYS, CLIENT_DAYS, EXPOSED_DAYS = 30, 2, 90
MAX_CLIENTS_A_DAY = 5
ORACLE_REFERENCES = 20
SIGNED = ("legacy", "v2")
ORACLE = "oracle"
# Of a tally that counts an origin.
ORIGIN = "origin "

_COUNT = "INSERT INTO flow_tallies (integration_id, day, what, n) VALUES"
_REFERENCE = "INSERT INTO flow_references (integration_id, customer_hash, folded_hash, likeness, day) VALUES"
_CLIENT = "INSERT INTO flow_clients (integration_id, day, customer_hash, client_hash, signed, at_ms) VALUES"


@dataclass(frozen=True, slots=True)
class Opening:
    """A session that was opened, without anything that tells of whom. client_hash: None where a backend asked."""

    integration_id: str
    customer_hash: bytes
    folded_hash: bytes
    likeness: str | None
    admitted_by: str
    at_ms: int
    origin: str | None
    client_hash: bytes | None

    @property
    def day(self) -> int:
        """The day, counted from 1970."""
        return self.at_ms // DAY_MS


@dataclass(frozen=True, slots=True)
class StepTry:
    """What a step stands on was asked. reason: why that was in vain, None if it was not."""

    integration_id: str
    step: str
    reason: str | None
    at_ms: int


@one_by_one
def record_openings(tx: Transaction, openings: Sequence[Opening]) -> None:
    """Change: count them, remember their references, and for two days which clients opened which."""
    _count(tx, openings)
    erased = _find_erased(tx, openings)
    known = [each for each in openings if (each.integration_id, each.customer_hash) not in erased]
    _remember_references(tx, known)
    of_pages = [each for each in known if each.client_hash is not None]
    _remember_clients(tx, of_pages)
    _mark_crowded(tx, of_pages)
    _count_oracles(tx, [each for each in of_pages if each.admitted_by in SIGNED])


def _count(tx: Transaction, openings: Sequence[Opening]) -> None:
    counted = Counter((each.integration_id, each.day, each.admitted_by) for each in openings)
    counted.update(
        (each.integration_id, each.day, f"{ORIGIN}{each.origin}")
        for each in openings
        # On a person's own machine each program has another port.
        if each.origin is not None and not is_local_origin(each.origin)
    )
    # In the order of their keys, as everything here: so that two nodes never wait for each other.
    rows = [(*key, counted[key]) for key in sorted(counted)]
    tx.insert_many(_COUNT, 4, rows, "ON CONFLICT (integration_id, day, what) DO UPDATE SET n = flow_tallies.n + excluded.n")


def _find_erased(tx: Transaction, openings: Sequence[Opening]) -> set[tuple[str, bytes]]:
    """Customers who were erased before this is written, or came back after it: of them nothing is to be remembered."""
    found: set[tuple[str, bytes]] = set()
    for integration_id, group in _by_integration(openings).items():
        hashes = {each.customer_hash for each in group}
        rows = tx.rows(
            "SELECT f.customer_hash FROM flow_sessions f JOIN sessions s ON s.id = f.session_id WHERE f.integration_id = ?"
            f" AND f.superseded = 0 AND f.customer_hash IN ({_marks(hashes)}) AND s.redacted_ms IS NOT NULL",
            (integration_id, *_filled(hashes)),
        )
        found.update((integration_id, row[0]) for row in rows)
    return found


def _remember_references(tx: Transaction, openings: Sequence[Opening]) -> None:
    latest = {(each.integration_id, each.customer_hash): each for each in openings}
    rows = [(*key, latest[key].folded_hash, latest[key].likeness, latest[key].day) for key in sorted(latest)]
    tx.insert_many(_REFERENCE, 5, rows, "ON CONFLICT (integration_id, customer_hash) DO UPDATE SET day = excluded.day")
    for integration_id, group in _by_integration(openings).items():
        hashes = {each.folded_hash for each in group}
        varying = tx.rows(
            f"SELECT folded_hash FROM flow_references WHERE integration_id = ? AND folded_hash IN ({_marks(hashes)})"
            " GROUP BY folded_hash HAVING COUNT(*) > 1",
            (integration_id, *_filled(hashes)),
        )
        for (folded_hash,) in sorted(varying):
            tx.execute(
                "UPDATE flow_references SET varies = 1 WHERE integration_id = ? AND folded_hash = ? AND varies = 0",
                (integration_id, folded_hash),
            )


def _remember_clients(tx: Transaction, openings: Sequence[Opening]) -> None:
    rows: dict[tuple[str, int, bytes, bytes], tuple[int, int]] = {}
    for each in openings:
        key = (each.integration_id, each.day, each.customer_hash, bytes(each.client_hash or b""))
        rows[key] = (max(int(each.admitted_by in SIGNED), rows.get(key, (0, 0))[0]), each.at_ms)
    suffix = (
        "ON CONFLICT (integration_id, day, customer_hash, client_hash) DO UPDATE SET at_ms = excluded.at_ms,"
        " signed = CASE WHEN excluded.signed = 1 THEN 1 ELSE flow_clients.signed END"
    )
    tx.insert_many(_CLIENT, 6, [(*key, *rows[key]) for key in sorted(rows)], suffix)


def _mark_crowded(tx: Transaction, openings: Sequence[Opening]) -> None:
    for (integration_id, day), group in _by_day(openings).items():
        hashes = {each.customer_hash for each in group}
        crowded = tx.rows(
            f"SELECT customer_hash FROM flow_clients WHERE integration_id = ? AND day = ? AND customer_hash IN ({_marks(hashes)})"
            " GROUP BY customer_hash HAVING COUNT(*) > ?",
            (integration_id, day, *_filled(hashes), MAX_CLIENTS_A_DAY),
        )
        for (customer_hash,) in sorted(crowded):
            tx.execute(
                "UPDATE flow_references SET crowded_day = ? WHERE integration_id = ? AND customer_hash = ?",
                (day, integration_id, customer_hash),
            )


def _count_oracles(tx: Transaction, openings: Sequence[Opening]) -> None:
    for (integration_id, day), group in _by_day(openings).items():
        known = (integration_id, day, ORACLE)
        # Once a day is enough: where all visits come through one address, looking again would be work without an end.
        if tx.row("SELECT 1 FROM flow_tallies WHERE integration_id = ? AND day = ? AND what = ?", known) is not None:
            continue
        hashes = {bytes(each.client_hash or b"") for each in group}
        since_ms = max(each.at_ms for each in group) - DAY_MS
        row = tx.row(
            "SELECT MAX(n) FROM (SELECT COUNT(DISTINCT customer_hash) AS n FROM flow_clients WHERE integration_id = ?"
            f" AND signed = 1 AND at_ms > ? AND client_hash IN ({_marks(hashes)}) GROUP BY client_hash) AS opened",
            (integration_id, since_ms, *_filled(hashes)),
        )
        if row is not None and row[0] is not None and row[0] >= ORACLE_REFERENCES:
            tx.execute(f"{_COUNT} (?, ?, ?, ?) ON CONFLICT DO NOTHING", (*known, row[0]))


def _by_integration(openings: Iterable[Opening]) -> Mapping[str, list[Opening]]:
    ordered = sorted(openings, key=lambda each: each.integration_id)
    return {key: list(group) for key, group in groupby(ordered, lambda each: each.integration_id)}


def _by_day(openings: Iterable[Opening]) -> Mapping[tuple[str, int], list[Opening]]:
    ordered = sorted(openings, key=lambda each: (each.integration_id, each.day))
    return {key: list(group) for key, group in groupby(ordered, lambda each: (each.integration_id, each.day))}


def _filled(values: Collection[bytes]) -> list[Value]:
    """The values in order, as many as the next power of two, so that few statement texts serve every group and stay prepared."""
    ordered: list[Value] = [*sorted(values)]
    return ordered + ordered[:1] * ((1 << (len(ordered) - 1).bit_length()) - len(ordered))


def _marks(values: Collection[bytes]) -> str:
    return ",".join("?" * len(_filled(values)))


@one_by_one
def record_tries(tx: Transaction, tries: Sequence[StepTry]) -> None:
    """Change: when what a step stands on last did what it is there for, and when it last did not."""
    for each in sorted(tries, key=lambda each: (each.integration_id, each.step, each.reason is None)):
        column, values = (
            ("answered_ms", (each.at_ms, None)) if each.reason is None else ("failed_ms", (each.at_ms, each.reason))
        )
        kept = "" if each.reason is None else ", reason = excluded.reason"
        tx.execute(
            f"INSERT INTO step_tries (integration_id, step, {column}, reason) VALUES (?, ?, ?, ?)"
            f" ON CONFLICT (integration_id, step) DO UPDATE SET {column} = excluded.{column}{kept}",
            (each.integration_id, each.step, *values),
        )


@one_by_one
def record_exposure(tx: Transaction, item: tuple[Exposed, int]) -> None:
    """Change: count, for each account, that a browser showed a secret of its, revoked ones too. item: what, and when."""
    exposed, at_ms = item
    for account_id, environment in sorted(find_holders(tx, exposed)):
        tx.execute(
            "INSERT INTO exposures (account_id, environment, day, n) VALUES (?, ?, ?, 1)"
            " ON CONFLICT (account_id, environment, day) DO UPDATE SET n = exposures.n + 1",
            (account_id, environment, at_ms // DAY_MS),
        )


def find_holders(tx: Transaction, exposed: Exposed) -> set[tuple[str, str]]:
    """Query: account and environment of the records over what was exposed, dead ones too."""
    found: set[tuple[str, str]] = set()
    for column, values in (("secret_hash", exposed.secret_hashes), ("thumbprint", exposed.thumbprints)):
        if values:
            marks = ",".join("?" * len(values))
            found.update(
                (row[0], row[1])
                for row in tx.rows(f"SELECT account_id, environment FROM keys WHERE {column} IN ({marks})", tuple(values))
            )
    return found


def forget_reference(tx: Transaction, integration_id: str, customer_hash: bytes, now_ms: int) -> None:
    """Drop what was observed of a customer who is erased."""
    today = now_ms // DAY_MS
    tx.execute("DELETE FROM flow_references WHERE integration_id = ? AND customer_hash = ?", (integration_id, customer_hash))
    for day in range(today - CLIENT_DAYS, today + 1):
        tx.execute(
            "DELETE FROM flow_clients WHERE integration_id = ? AND day = ? AND customer_hash = ?",
            (integration_id, day, customer_hash),
        )


@one_by_one
def forget_observations(tx: Transaction, now_ms: int) -> int:
    """Change: drop what is older than it is kept; how many rows."""
    today = now_ms // DAY_MS
    kept = {
        "flow_tallies": OBSERVED_DAYS,
        "flow_references": OBSERVED_DAYS,
        "flow_clients": CLIENT_DAYS,
        "exposures": EXPOSED_DAYS,
    }
    return sum(tx.execute(f"DELETE FROM {table} WHERE day <= ?", (today - days,)) for table, days in kept.items())
