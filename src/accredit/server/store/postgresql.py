"""PostgreSQL: the engine for several processes and nodes, spoken to through libpq in pipeline mode.

psycopg connects; statements then go straight through its documented libpq wrapper (psycopg.pq), because its cursors
cost eight times as much for the thousands of values that one group of sessions binds. Our five types make that short:
every placeholder is untyped, so that the server takes its type from the column and one prepared statement serves
every mixture of values and NULLs.

A *round* is everything queued since the last one and one answer for it. BEGIN, SAVEPOINT and RELEASE are only queued,
so that they travel with the statement after them: a group costs one round for each of its statements and one for
COMMIT.
Source: https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
"""

import select
from collections.abc import Sequence
from typing import Any, NoReturn

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from accredit.errors import FailureError

from .transaction import Engine, Row, StatementError, Unavailable, Value
from .wire import DECODERS, encoded, numbered

CHANNEL = "accredit_config"

_DEFAULTS = {"application_name": "accredit", "connect_timeout": "5"}
_ANSWER_MS = 60_000
_STATEMENTS = 512
_BINARY = 1
_SUCCEEDED = (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK)

# lock_timeout: a group waits for another node's row lock no longer than its callers would. synchronous_commit: an
# answered write is durable whatever the server's default is; a stricter default stays.
_SETTINGS = """
SELECT set_config('lock_timeout', '5s', false), set_config('statement_timeout', '30s', false),
    set_config('idle_in_transaction_session_timeout', '60s', false), set_config('jit', 'off', false),
    CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', false) END
"""
_BEGIN_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED"
# One snapshot for all of a query, as SQLite gives it.
_BEGIN_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

# SQLSTATE classes (appendix A of the manual) that tell of the server's state: connection, resources, operator,
# system; a standby that does not write, and a prepared statement that a pooler or a migration took away.
_OUT_OF_ORDER = ("08", "53", "57P", "58", "25006", "26000")
# Deadlock and serialization, and what took too long: a lock and a statement.
_TRANSIENT = ("40", "55P03", "57014")


class PostgresConnection:
    """One connection to the server."""

    engine: Engine = "postgresql"

    def __init__(self, url: str) -> None:
        self._session = connect(url)
        self._pg = self._session.pgconn
        self._statements: dict[str, bytes] = {}
        self._named = 0
        self._queued: list[tuple[str, bool]] = []  # What the next round answers: each statement, whether it is prepared by it.
        self._readable = select.poll()
        self._readable.register(self._pg.socket, select.POLLIN)
        self._pg.enter_pipeline_mode()
        self._pg.nonblocking = 1
        try:
            self.execute(_SETTINGS, ())
        except BaseException:
            self.close()
            raise

    def begin(self, *, write: bool) -> None:
        self.queue(_BEGIN_WRITE if write else _BEGIN_READ)

    def commit(self) -> None:
        # A transaction that failed answers COMMIT with ROLLBACK, and no error.
        if self._round("COMMIT", ())[-1].command_status != b"COMMIT":
            raise StatementError("rolled back", "COMMIT")

    def rollback(self) -> None:
        try:
            self._round("ROLLBACK", ())
        except StatementError:
            # Something that was queued before it failed, so that the server left out the rest of the round.
            self._round("ROLLBACK", ())

    def execute(self, sql: str, params: Sequence[Value]) -> int:
        return self._round(sql, params)[-1].command_tuples or 0

    def execute_all(self, statements: Sequence[tuple[str, Sequence[Value]]]) -> int:
        for sql, params in statements[:-1]:
            self._send(sql, params)
        return sum(result.command_tuples or 0 for result in self._round(*statements[-1]))

    def rows(self, sql: str, params: Sequence[Value]) -> list[Row]:
        result = self._round(sql, params)[-1]
        try:
            columns = [(index, DECODERS[result.ftype(index)]) for index in range(result.nfields)]
        except KeyError as error:
            raise StatementError("a column of a type that the store does not read", sql) from error
        take = result.get_value
        return [
            tuple([None if (value := take(row, index)) is None else decode(value) for index, decode in columns])
            for row in range(result.ntuples)
        ]

    def queue(self, sql: str) -> None:
        self._send(sql, ())

    def listen(self) -> int:
        self.execute(f"LISTEN {CHANNEL}", ())
        return self._pg.socket

    def close(self) -> None:
        self._session.close()

    def _send(self, sql: str, params: Sequence[Value]) -> None:
        values, formats = encoded(params)
        try:
            name = self._statements.get(sql) or self._prepare(sql)
            self._pg.send_query_prepared(name, values, formats, _BINARY)
        except psycopg.OperationalError as error:
            raise Unavailable from error
        self._queued.append((sql, False))

    def _prepare(self, sql: str) -> bytes:
        if len(self._statements) >= _STATEMENTS:
            self._statements.clear()
            self._pg.send_query_params(b"DEALLOCATE ALL", None)
            self._queued.append(("DEALLOCATE ALL", False))
        self._named += 1
        name = self._statements[sql] = b"s%d" % self._named
        self._pg.send_prepare(name, numbered(sql).encode())
        self._queued.append((sql, True))
        return name

    def _round(self, sql: str, params: Sequence[Value]) -> "list[pq.abc.PGresult]":
        """The results of everything queued and of this statement. The first that failed is raised, after all were taken."""
        self._send(sql, params)
        try:
            self._pg.pipeline_sync()
            results = self._results()
        except psycopg.OperationalError as error:
            raise Unavailable from error
        queued, self._queued = self._queued, []
        failed = [
            (result, text, prepared)
            for (text, prepared), result in zip(queued, results, strict=True)
            if result.status not in _SUCCEEDED
        ]
        for _, text, prepared in failed:
            if prepared:
                self._statements.pop(text, None)
        if failed:
            result, text, _ = failed[0]
            _refuse(result, text)
        return results

    def _results(self) -> "list[pq.abc.PGresult]":
        results: list[pq.abc.PGresult] = []
        while True:
            self._wait()
            result = self._pg.get_result()
            if result is None:  # Stands between the results of two statements, and after the last one of a lost connection.
                if self._pg.status == pq.ConnStatus.BAD:
                    raise Unavailable from ConnectionError("the connection was lost")
            elif result.status == pq.ExecStatus.PIPELINE_SYNC:
                return results
            else:
                results.append(result)

    def _wait(self) -> None:
        """Until a result can be taken without blocking: libpq would block while it holds the interpreter's lock."""
        while self._pg.flush():
            self._readable.modify(self._pg.socket, select.POLLIN | select.POLLOUT)
            self._answered()
            self._readable.modify(self._pg.socket, select.POLLIN)
        while self._pg.is_busy():
            self._answered()

    def _answered(self) -> None:
        if not self._readable.poll(_ANSWER_MS):
            raise Unavailable from TimeoutError(f"no answer within {_ANSWER_MS} ms")
        self._pg.consume_input()


def connect(url: str, *, autocommit: bool = True) -> psycopg.Connection[tuple[Any, ...]]:
    """Opens a session. Raises FailureError database_url_invalid, or Unavailable."""
    try:
        given = conninfo_to_dict(url)
        defaults = {name: value for name, value in _DEFAULTS.items() if name not in given}
        address = make_conninfo(url, client_encoding="UTF8", **defaults)
    except psycopg.ProgrammingError:
        # The message may quote the address, and with it the password.
        raise FailureError("database_url_invalid") from None
    try:
        return psycopg.connect(address, autocommit=autocommit)
    except psycopg.OperationalError as error:
        raise Unavailable from error


def _refuse(result: "pq.abc.PGresult", sql: str) -> NoReturn:
    # Without a code it is libpq that speaks, of a connection that is gone.
    code = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"08006").decode()
    constraint = (result.error_field(pq.DiagnosticField.CONSTRAINT_NAME) or b"").decode()
    # The server's own message may quote values, so it is left out.
    error = StatementError(f"{code} {constraint}".rstrip(), sql, transient=code.startswith(_TRANSIENT))
    if code.startswith(_OUT_OF_ORDER):
        raise Unavailable from error
    raise error
