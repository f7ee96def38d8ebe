"""`/v1` as somebody's backend calls it: one API key, and the server's errors as what they are in Python too."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from accredit.errors import CODES, AccreditError, FailureError


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is no error. body: the JSON members, empty without a body."""

    status: int
    headers: Mapping[str, str]
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class BackendApi:
    """A backend's way to Accredit. key: its API key."""

    http: aiohttp.ClientSession
    url: str
    key: str = field(repr=False)

    async def call(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """One call. headers: names with underscores. Raises the AccreditError that the problem document names."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()} | {"Authorization": f"Bearer {self.key}"}
        async with self.http.request(method, f"{self.url}{path}", json=body, headers=sent) as response:
            told: dict[str, Any] = await response.json(content_type=None) if response.content_length else {}
        if response.status >= 400:
            raise problem_error(told)
        return Answer(response.status, response.headers, told)


def problem_error(problem: Mapping[str, Any]) -> AccreditError:
    """A problem document (RFC 9457) as the error of the tree that it tells of."""
    code = CODES.get(str(problem.get("code")))
    if code is None:
        return FailureError("internal_error")
    return code.family(problem["code"], problem.get("member"))
