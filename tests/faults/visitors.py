"""Visitors who keep coming, one after another on several connections, whatever happens to the server."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from ..doors.conftest import Owner
from ..program import Program

ORIGIN = "https://shop.example"
_HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Origin": ORIGIN}
PATIENCE_S = 20.0


@dataclass(frozen=True)
class Answer:
    """What a visitor got. code: of an admission."""

    status: int
    request_id: str
    body: str
    code: str | None


class Visitors:
    """Visitors of one server, from `with` on. answers: what was answered in full; what was not is nobody's claim."""

    def __init__(
        self, program: Program, fields_of: Callable[[int], dict[str, str]], *, connections: int = 8, pace_s: float = 0.005
    ) -> None:
        self.answers: list[Answer] = []
        self._fields_of = fields_of
        self._pace_s = pace_s
        self._address = ("127.0.0.1", program.port)
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._come, args=(number,)) for number in range(connections)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Let nobody come any more, and wait for those who are there."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    @property
    def codes(self) -> list[str]:
        """The codes of all admissions."""
        return [answer.code for answer in self.answers if answer.code is not None]

    def until(self, status: int, times: int) -> None:
        """Wait until that status was answered so many times more."""
        enough = self._count(status) + times
        deadline = time.monotonic() + PATIENCE_S
        while self._count(status) < enough:
            assert time.monotonic() < deadline, f"no more answers with status {status}; the last were {self.answers[-3:]}"
            time.sleep(0.005)

    def _count(self, status: int) -> int:
        return sum(answer.status == status for answer in self.answers)

    def _come(self, number: int) -> None:
        visits = 0
        connection = HTTPConnection(*self._address, timeout=PATIENCE_S)
        while not self._stopped.wait(self._pace_s):
            visits += 1
            try:
                self.answers.append(visit(connection, self._fields_of(number * 1_000_000 + visits)))
            except (OSError, HTTPException):
                connection.close()
                self._stopped.wait(0.01)
        connection.close()


def visit(connection: HTTPConnection, fields: dict[str, str]) -> Answer:
    """One visit."""
    connection.request("POST", "/embed", urlencode(fields), _HEADERS)
    answer = connection.getresponse()
    body = answer.read().decode()
    query = parse_qs(urlsplit(answer.headers["Location"] or "").query)
    return Answer(answer.status, answer.headers["X-Request-Id"], body, query.get("code", [None])[0])


def redeem(owner: Owner, codes: list[str]) -> list[dict[str, Any]]:
    """The sessions of codes, each of which must be good."""
    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(lambda code: owner.call("POST", "/v1/exchange", 200, {"code": code}), codes))
