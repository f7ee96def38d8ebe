"""How calls are made, without making them: each is a generator that says what to do next and is told what came of it.

The two clients drive the same generators, one by waiting, one by awaiting. Steps: Authorize (have a token), Send (a request, whose
answer comes back), Wait (so many seconds).

    work = Calling(configuration).call(HttpRequest("GET", url))
    step = next(work)                                   # Authorize()
    step = work.send(None)                              # Send(HttpRequest(...)), now with a token
"""

import time
from base64 import b64encode
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar
from urllib.parse import quote, urlencode

from accredit.client.configuration import Configuration
from accredit.client.errors import CallError, read_error
from accredit.client.reading import KeySet, read_json
from accredit.client.wire import HttpAnswer, HttpRequest, Members
from accredit.errors import FailureError, MalformedError, Refused

Result = TypeVar("Result")
_KEY_SET_S, _KEY_SET_AGAIN_S = 300, 5
_FIRST_WAIT_S = 0.2
_MARGIN_S = 30


@dataclass(frozen=True, slots=True)
class Authorize:
    """See to it that there is a token: one caller at a time runs `renew`."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send a request, and tell of its answer."""

    request: HttpRequest


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait a while."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No answer came. code: of a FailureError. sent: whether the server may have got the request."""

    code: str
    sent: bool


Told: TypeAlias = HttpAnswer | Unanswered | None
Work: TypeAlias = Generator[Authorize | Send | Wait, Told, Result]


def exchange(request: HttpRequest, retries: int) -> Work[HttpAnswer]:
    """The good answer to a request, sent again where none came and that does no harm.

    Raises CallError; FailureError `connect_failed`, `connect_timeout`, `response_timeout`.
    """
    for attempt in range(retries + 1):
        told = yield Send(request)
        if isinstance(told, HttpAnswer):
            if 200 <= told.status < 300:
                return told
            error = read_error(told)
            # What was deleted by a request whose answer was lost is gone, as was wanted.
            if attempt and request.method == "DELETE" and error.status == 404:
                return told
            # The server is still at work on a request whose answer was lost.
            if attempt == retries or error.code != "request_in_flight":
                raise error
        else:
            assert told is not None
            if attempt == retries or (told.sent and not request.repeatable):
                raise FailureError(told.code)
        yield Wait(_FIRST_WAIT_S * 2**attempt)
    raise AssertionError("unreachable")


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    until_s: float


class Calling:
    """What one client knows from call to call: its token, and the server's key set."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self._token: _Token | None = None
        self._key_set: KeySet = {}
        self._fetched_s: float | None = None

    def call(self, request: HttpRequest, *, api_key: str | None = None) -> Work[HttpAnswer]:
        """The good answer to a request with a credential: the API key, else an access token.

        Raises CallError; FailureError `connect_failed`, `connect_timeout`, `response_timeout`; MalformedError `field_missing`.
        """
        if api_key is not None:
            return (yield from self.exchange(_bearing(request, api_key)))
        for _ in range(2):
            yield Authorize()
            assert self._token is not None
            token = self._token
            try:
                return (yield from self.exchange(_bearing(request, token.text)))
            except CallError as error:
                # The server may have ended it before its time; what holds anew is worth one more try.
                if error.code != "invalid_token":
                    raise
                refused = error
                if self._token is token:
                    self._token = None
        raise refused

    def exchange(self, request: HttpRequest) -> Work[HttpAnswer]:
        """The good answer to a request. Raises as `call`."""
        return exchange(request, self.configuration.retries)

    def renew(self) -> Work[None]:
        """Get a token, unless there is one that still holds for a while. Raises as `call`."""
        if self._token is not None and time.monotonic() < self._token.until_s:
            return
        configuration = self.configuration
        if configuration.client_id is None or configuration.client_secret is None:
            raise MalformedError("field_missing", "client_id")
        # RFC 6749 section 2.3.1: both are encoded as in a form, before they are joined.
        credentials = ":".join(quote(text, safe="") for text in (configuration.client_id, configuration.client_secret))
        form = {"grant_type": "client_credentials"} | ({} if configuration.scope is None else {"scope": configuration.scope})
        headers = {
            "Authorization": f"Basic {b64encode(credentials.encode()).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        address = f"{configuration.base_url}/auth/open/connect/token"
        answer = yield from self.exchange(HttpRequest("POST", address, headers, urlencode(form).encode()))
        members = Members(read_json(answer))
        lifetime_s = members.find_number("expires_in") or 0
        # Renewed early, so that no call is under way with a token that is about to end; a short one at a tenth of its time.
        until_s = time.monotonic() + lifetime_s - min(_MARGIN_S, lifetime_s / 10)
        self._token = _Token(members.text("access_token"), until_s)

    def key_set(self, *, again: bool = False) -> Work[KeySet]:
        """The server's public keys. again: one is missing among those that are known. Raises as `call`."""
        age_s = float("inf") if self._fetched_s is None else time.monotonic() - self._fetched_s
        if age_s >= (_KEY_SET_AGAIN_S if again else _KEY_SET_S):
            answer = yield from self.exchange(HttpRequest("GET", f"{self.configuration.base_url}/.well-known/jwks.json"))
            found = read_json(answer)
            if not isinstance(found, dict) or not isinstance(found.get("keys"), list):
                raise FailureError("answer_malformed")
            self._key_set, self._fetched_s = found, time.monotonic()
        return self._key_set

    def by_key_set(self, check: Callable[[KeySet], Result]) -> Work[Result]:
        """What a check by the server's keys gives; where it fails, once more by those that it has now. Raises as the check."""
        known = yield from self.key_set()
        try:
            return check(known)
        except Refused:
            newer = yield from self.key_set(again=True)
            if newer is known:
                raise
        return check(newer)


def _bearing(request: HttpRequest, credential: str) -> HttpRequest:
    return replace(request, headers={**request.headers, "Authorization": f"Bearer {credential}"})
