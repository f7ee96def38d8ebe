"""Fills a SQLite database with sessions that ended over the past year: as many rows as the server would have written, but fast.

The rows are those of one real session under other ids, times and users. Indexes are made afterwards, from sorted rows, which gives
what years of inserting give, without the years.
"""

import hashlib
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

_YEAR_MS = 365 * 86_400_000
_VISITS_OF_A_USER = 4
_ROWS_AT_ONCE = 20_000
# Any odd number: multiplied by it, the numbers of sessions become 62 bits that look random, and can be found again.
_SCATTER = 0x9E3779B97F4A7C15
_LIFETIME_MS = 300_000


class Population:
    """Ended sessions, by number, spread evenly over a year. Their ids are UUIDv7 and can be told without asking the database."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._first_ms = time.time_ns() // 1_000_000 - _YEAR_MS

    def session_id(self, number: int) -> str:
        """The id of a session."""
        random = (number * _SCATTER) & (2**62 - 1)
        text = f"{self._created_ms(number) << 80 | 7 << 76 | (random & 0xFFF) << 64 | 2 << 62 | random:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def fill(self, path: Path) -> None:
        """Insert them all beside the one session that the database has, which is what they are made after."""
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            indexes = connection.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'sessions' AND sql IS NOT NULL"
            ).fetchall()
            # Nothing here has to survive the machine, and only what is measured afterwards is durable again.
            for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -1000000", "temp_store = FILE"):
                connection.execute(f"PRAGMA {pragma}")
            for name, _ in indexes:
                connection.execute(f"DROP INDEX {name}")
            self._insert(connection)
            for _, sql in indexes:
                connection.execute(sql)
            connection.execute("PRAGMA journal_mode = WAL")

    def _insert(self, connection: sqlite3.Connection) -> None:
        found = connection.execute("SELECT * FROM sessions LIMIT 1")
        names = [column[0] for column in found.description]
        model = dict(zip(names, found.fetchone(), strict=True))
        insert = f"INSERT INTO sessions ({', '.join(names)}) VALUES ({','.join('?' * len(names))})"
        rows = self._rows(model)
        while several := list(islice(rows, _ROWS_AT_ONCE)):
            connection.execute("BEGIN")
            connection.executemany(insert, several)
            connection.execute("COMMIT")

    def _rows(self, model: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
        for number in range(self.count):
            created_ms = self._created_ms(number)
            user = hashlib.sha256(b"%d" % (number // _VISITS_OF_A_USER)).digest()
            ended_ms = created_ms + _LIFETIME_MS
            row = model | {"id": self.session_id(number), "status": "success", "sequence": 3, "created_ms": created_ms}
            row |= {"updated_ms": ended_ms, "expires_ms": ended_ms, "completed_ms": ended_ms, "subject_hash": user}
            row |= {"code_hash": None, "sealed": None}
            yield tuple(row.values())

    def _created_ms(self, number: int) -> int:
        return self._first_ms + number * _YEAR_MS // self.count
