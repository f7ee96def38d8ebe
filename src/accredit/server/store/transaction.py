"""What a change and a query see of the database: one transaction, in one SQL that both engines read.

The SQL is what SQLite and PostgreSQL share: placeholders are `?`, values are int, str, bytes, float and None, JSON is
text, a truth value is 0 or 1. PostgreSQL takes the type of a placeholder from where it stands, so where nothing
stands beside it say it: `CAST(? AS TEXT) IS NULL`. SUM of a BIGINT is a NUMERIC there: say `CAST(SUM(n) AS BIGINT)`.

A change may be run more than once until one run is committed, so it does nothing but SQL. A batch change that updates
several rows does it in the order of their keys, so that two nodes never wait for each other. A StatementError spends
the transaction, or the savepoint around it: let it out.

    def record(tx: Transaction, items: Sequence[Visit]) -> Sequence[bool]:
        return [tx.execute("INSERT INTO visits (id) VALUES (?) ON CONFLICT DO NOTHING", (v.id,)) == 1 for v in items]

    @one_by_one
    def finish(tx: Transaction, item: Finish) -> int:
        if not tx.execute("UPDATE sessions SET status = 'success' WHERE id = ? AND status = 'created'", (item.id,)):
            raise ConflictError("session_not_active")
        return item.now_ms
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain
from typing import Any, Literal, Protocol, TypeVar, cast

from accredit.errors import FailureError

Value = int | str | bytes | float | None
Row = tuple[Any, ...]
Engine = Literal["sqlite", "postgresql"]
Item = TypeVar("Item")
Result = TypeVar("Result")

# Values bound by one statement of insert_many, and rows: beyond this a longer statement is no faster.
_VALUES_AT_ONCE = 8192
_ROWS_AT_ONCE = 128


class Unavailable(FailureError):
    """The database is out of reach, full or locked; the cause says which. The connection it happened on is given up."""

    def __init__(self) -> None:
        super().__init__("service_unavailable")


class StatementError(Exception):
    """The database refused a statement. Says which and why, without any value that it held.

    transient: the same transaction may succeed when it is run again (deadlock, serialization).
    """

    def __init__(self, reason: str, sql: str, *, transient: bool = False) -> None:
        super().__init__(f"{reason}: {sql}")
        self.transient = transient


class Connection(Protocol):
    """One connection of one engine, used by one thread. What the database has against a call is Unavailable or StatementError."""

    @property
    def engine(self) -> Engine: ...
    def begin(self, *, write: bool) -> None: ...
    def commit(self) -> None: ...
    def rollback(self) -> None: ...
    def execute(self, sql: str, params: Sequence[Value]) -> int: ...
    def execute_all(self, statements: Sequence[tuple[str, Sequence[Value]]]) -> int:
        """Runs statements one after another; the number of rows that they changed."""

    def rows(self, sql: str, params: Sequence[Value]) -> list[Row]: ...
    def queue(self, sql: str) -> None:
        """Runs a statement whose outcome nobody waits for; it goes out with the next one at the latest."""

    def listen(self) -> int | None:
        """Starts to hear of config changes; the file descriptor that becomes readable then, if the engine has one."""

    def close(self) -> None: ...


class Transaction:
    """One transaction under way. Valid only inside the change or query that it was handed to."""

    __slots__ = ("_connection", "announced", "committed", "config_bumped", "engine")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.engine: Engine = connection.engine
        self.config_bumped = False
        self.announced: set[str] = set()
        self.committed: list[Callable[[], object]] = []

    def announce(self, topic: str) -> None:
        """Whoever listens for this topic on this node is told, once the transaction is durable; see Store.on_commit."""
        self.announced.add(topic)

    def after_commit(self, call: Callable[[], object]) -> None:
        """Calls it once the transaction is durable, on the writer's thread: for counters. It must not raise."""
        self.committed.append(call)

    def execute(self, sql: str, params: Sequence[Value] = ()) -> int:
        """Runs one statement; the number of rows that it changed."""
        return self._connection.execute(sql, params)

    def rows(self, sql: str, params: Sequence[Value] = ()) -> list[Row]:
        """All rows of a SELECT or of a RETURNING."""
        return self._connection.rows(sql, params)

    def row(self, sql: str, params: Sequence[Value] = ()) -> Row | None:
        """The first row, or None."""
        found = self._connection.rows(sql, params)
        return found[0] if found else None

    def insert_many(self, prefix: str, width: int, rows: Sequence[Sequence[Value]], suffix: str = "") -> int:
        """Inserts rows of `width` values each with as few statements as possible; the number of rows inserted.

        prefix: the statement up to and with VALUES. suffix: what follows the rows, such as ON CONFLICT DO NOTHING.
        """
        statements = []
        start = 0
        for count in _powers_of_two(len(rows), width):
            values = list(chain.from_iterable(rows[start : start + count]))
            statements.append((_insert_text(prefix, width, count, suffix), values))
            start += count
        return self._connection.execute_all(statements) if statements else 0

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What the block did is undone when it raises; the rest of the transaction goes on."""
        self._connection.queue("SAVEPOINT item")
        before = len(self.committed)
        try:
            yield
        except Unavailable:
            raise
        except BaseException:
            del self.committed[before:]
            self._connection.queue("ROLLBACK TO SAVEPOINT item")
            self._connection.queue("RELEASE SAVEPOINT item")
            raise
        self._connection.queue("RELEASE SAVEPOINT item")


Change = Callable[[Transaction, Sequence[Item]], Sequence[Result]]
Query = Callable[[Transaction, Item], Result]


class Raised:
    """Stands among the results for an item that ended in an exception."""

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        # A future does not take StopIteration, and one caller's mistake must not keep the others from their results.
        self.error = RuntimeError("StopIteration") if isinstance(error, StopIteration) else error


def one_by_one(run: Callable[[Transaction, Item], Result]) -> Change[Item, Result]:
    """Makes a change of a function of one item: each item runs under a savepoint of its own.

    An item that raises leaves nothing behind, its caller gets the exception, and its neighbours go on.
    """

    def change(tx: Transaction, items: Sequence[Item]) -> Sequence[Result]:
        return cast("Sequence[Result]", [_attempt(tx, run, item) for item in items])

    change.__name__, change.__doc__, change.__wrapped__ = run.__name__, run.__doc__, run  # type: ignore[attr-defined]
    return change


def in_order(key: Callable[[Item], Any]) -> Callable[[Callable[[Transaction, Item], Result]], Change[Item, Result]]:
    """As `one_by_one`, with the items of a group in the order of their keys: so that two nodes never wait for each other."""

    def decorate(run: Callable[[Transaction, Item], Result]) -> Change[Item, Result]:
        def change(tx: Transaction, items: Sequence[Item]) -> Sequence[Result]:
            outcomes: list[Any] = [None] * len(items)
            for index in sorted(range(len(items)), key=lambda index: key(items[index])):
                outcomes[index] = _attempt(tx, run, items[index])
            return outcomes

        change.__name__, change.__doc__, change.__wrapped__ = run.__name__, run.__doc__, run  # type: ignore[attr-defined]
        return change

    return decorate


def _attempt(tx: Transaction, run: Callable[[Transaction, Item], Result], item: Item) -> Result | Raised:
    try:
        with tx.savepoint():
            return run(tx, item)
    except Unavailable:
        raise
    except StatementError as error:
        if error.transient:
            # Two nodes have waited for each other: it is nobody's mistake, and the writer runs each item alone.
            raise
        return Raised(error)
    except Exception as error:  # noqa: BLE001 - belongs to the caller, who waits on another thread.
        return Raised(error)


@lru_cache(maxsize=256)
def _insert_text(prefix: str, width: int, count: int, suffix: str) -> str:
    row = f"({','.join('?' * width)})"
    return f"{prefix} {','.join([row] * count)} {suffix}"


def _powers_of_two(count: int, width: int) -> Iterator[int]:
    """Splits a count into powers of two, so that few statement texts serve every group and stay prepared."""
    largest = min(_ROWS_AT_ONCE, 1 << (_VALUES_AT_ONCE // width).bit_length() - 1)
    while count:
        part = min(largest, 1 << count.bit_length() - 1)
        yield part
        count -= part
