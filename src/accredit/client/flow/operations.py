"""The operations of the flow door's clients, as generators that either client drives (see `accredit.client.calling`).

Each request is signed once. Sent again where no answer came it is the very same request, of which the server makes one effect.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from secrets import token_hex
from typing import TypedDict
from urllib.parse import quote, urlencode, urlsplit

from accredit.client.calling import Wait, Work, exchange
from accredit.client.configuration import check_address
from accredit.client.flow.requests import Decision, FlowFilter, FlowRequest, FlowRetry
from accredit.client.flow.sessions import FlowSession, FlowSessionItem, FlowSessionPage
from accredit.client.reading import read_json
from accredit.client.wire import HttpRequest, Members, to_wire
from accredit.encoding import Json, compact_json
from accredit.httpsig import sign_request

_SESSIONS = "/flow_sessions"
_MEDIA_TYPE = "application/vnd.api+json"


class FlowOptions(TypedDict, total=False):
    """What a client of the flow door may be given beside its address and credential.

    retries: how often a call is sent again that got no answer. allow_http: also to another machine. clock: Unix seconds.
    """

    retries: int
    allow_http: bool
    clock: Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowConfiguration:
    """A client's address, credential and options, checked. prefix: the address's path, which is signed with every request."""

    base_url: str
    prefix: str
    key_id: str
    secret: str = field(repr=False)
    retries: int
    clock: Callable[[], float]


def configure_flow(base_url: str, key_id: str, secret: str, options: FlowOptions) -> FlowConfiguration:
    """Check what a client is set up with. Raises MalformedError `field_invalid` (base_url, key_id), `secret_malformed`."""
    base_url = check_address(base_url, allow_http=options.get("allow_http", False))
    configuration = FlowConfiguration(
        base_url=base_url,
        prefix=urlsplit(base_url).path,
        key_id=key_id,
        secret=secret,
        retries=options.get("retries", 2),
        clock=options.get("clock", time.time),
    )
    # What cannot sign is told here, not at the first call.
    sign_request("GET", "/", b"", key_id=key_id, secret=secret, now=0)
    return configuration


class FlowOperations:
    """What a client does at the server, step by step."""

    def __init__(self, configuration: FlowConfiguration) -> None:
        self._configuration = configuration

    def create(self, request: FlowRequest, idempotent: bool, idempotency_key: str | None) -> Work[FlowSession]:
        """Create a session for a customer."""
        body = _members_of(request)
        # On the wire the reference stands among what is known of the person.
        user, reference = body.get("user"), body.pop("customer_reference")
        body["user"] = {**(user if isinstance(user, dict) else {}), "customer_reference": reference}
        query = {"idempotent": "true" if idempotent else "false"}
        return self._session(self._request("POST", query=query, body=body, idempotency_key=idempotency_key))

    def get(self, session_id: str) -> Work[FlowSession]:
        """Read a session."""
        return self._session(self._request("GET", _path(session_id)))

    def wait(self, session_id: str, timeout_s: float, every_s: float) -> Work[FlowSession]:
        """Read a session until it is not active any more, or the time is over."""
        session = yield from self.get(session_id)
        waited_s = 0.0
        while session.status == "active" and waited_s < timeout_s:
            yield Wait(every_s)
            waited_s += every_s
            session = yield from self.get(session_id)
        return session

    def list(self, wanted: FlowFilter, limit: int | None, cursor: str | None) -> Work[FlowSessionPage]:
        """Read a page of the list."""
        named = {each.name: getattr(wanted, each.name) for each in fields(wanted)}
        query = {**named, "limit": None if limit is None else str(limit), "cursor": cursor}
        request = self._request("GET", query={name: text for name, text in query.items() if text is not None})
        answer = yield from exchange(request, self._configuration.retries)
        return FlowSessionPage.read(read_json(answer, _MEDIA_TYPE))

    def retry(self, wanted: FlowRetry, idempotency_key: str | None) -> Work[FlowSession]:
        """Open another session for a customer."""
        return self._session(self._request("POST", "/retry", body=_members_of(wanted), idempotency_key=idempotency_key))

    def cancel(self, session_id: str) -> Work[FlowSession]:
        """Cancel a session."""
        return self._session(self._request("POST", f"{_path(session_id)}/cancel"))

    def redact(self, session_id: str) -> Work[FlowSession]:
        """Destroy what a session holds of the person."""
        return self._session(self._request("POST", f"{_path(session_id)}/redact"))

    def redact_customer(self, customer_reference: str) -> Work[tuple[FlowSessionItem, ...]]:
        """The same for all sessions of a customer, in all templates."""
        request = self._request("POST", "/redact", body={"customer_reference": customer_reference})
        answer = yield from exchange(request, self._configuration.retries)
        return FlowSessionPage.read(read_json(answer, _MEDIA_TYPE)).sessions

    def review(self, session_id: str, decision: Decision) -> Work[FlowSession]:
        """Decide what awaits review."""
        return self._session(self._request("POST", f"{_path(session_id)}/review", body={"decision": decision}))

    def rotate_key(self, session_id: str) -> Work[FlowSession]:
        """Give a session another link."""
        return self._session(self._request("POST", f"{_path(session_id)}/rotate_key"))

    def _session(self, request: HttpRequest) -> Work[FlowSession]:
        answer = yield from exchange(request, self._configuration.retries)
        return FlowSession.read(Members(read_json(answer, _MEDIA_TYPE)))

    def _request(
        self,
        method: str,
        path: str = "",
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Json] | None = None,
        idempotency_key: str | None = None,
    ) -> HttpRequest:
        configuration = self._configuration
        content = b"" if body is None else compact_json(body)
        # RFC 3986 spelling: what is signed is the target as it is sent.
        text = f"?{urlencode(query, quote_via=quote)}" if query else ""
        # Signed along, so that no two calls of one second are the same request unless they are meant to be.
        once = {"Idempotency-Key": idempotency_key or token_hex(16)} if method == "POST" else {}
        signed = sign_request(
            method,
            f"{configuration.prefix}{_SESSIONS}{path}{text}",
            content,
            key_id=configuration.key_id,
            secret=configuration.secret,
            now=int(configuration.clock()),
            also=once,
        )
        headers = {**signed, **once, "Accept": _MEDIA_TYPE, "Cognito-Version": "2020-08-14"}
        if content:
            headers["Content-Type"] = _MEDIA_TYPE
        return HttpRequest(method, f"{configuration.base_url}{_SESSIONS}{path}{text}", headers, content)


def _path(session_id: str) -> str:
    return f"/{quote(session_id, safe='')}"


def _members_of(value: FlowRequest | FlowRetry) -> dict[str, Json]:
    """By the names that they have in Python, which are those of the wire."""
    members = to_wire(value, str)
    assert isinstance(members, dict)
    return members
