"""One call of the API: who calls, what it brings, and how it is answered or refused (protocol-rest.md sections 2, 4 and 14).

Every answer goes into nobody's cache and names its request. What was refused is written down with its precise code; the caller hears
what section 14 lets it hear.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import msgspec

from accredit.encoding import Json
from accredit.errors import AccreditError, FailureError, MalformedError, NotFoundError, Refused
from accredit.server import headers, telemetry
from accredit.server.asgi import HttpScope, Receive, Send, send_answer
from accredit.server.attempts import record_refusal
from accredit.server.audit import AuditEntry
from accredit.server.forms import parse_pairs
from accredit.server.gate.rest import FaultyRequestError, fault
from accredit.server.integrations.integration import RestIntegration
from accredit.server.integrations.publishing import ensure_rest_integration
from accredit.server.keyring.callers import Caller, CallerRefused
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.scope import Scope
from accredit.server.limits import TooManyRequests
from accredit.server.node import Node
from accredit.server.problems import rest_problem
from accredit.server.sessions.rest.reading import find_any
from accredit.server.sessions.rest.record import RestSession
from accredit.server.store import Transaction
from accredit.server.streams import StatusStream

_REALM = (b"www-authenticate", b'Bearer realm="accredit"')
_RETRY_S = 1


@dataclass(frozen=True, slots=True)
class RestReply:
    """A whole answer, or the beginning of a stream."""

    status: int
    headers: headers.Headers
    body: bytes
    stream: StatusStream | None = None


@dataclass(slots=True)
class RestCall:
    """One call. sent: its headers by name. query: its parameters by name in lower case.

    found: what the audit record says of a refusal beyond its code.
    """

    node: Node
    asgi: HttpScope
    receive: Receive
    sent: Mapping[bytes, bytes]
    now_ms: int
    query: dict[str, str] = field(default_factory=dict)
    known_caller: Caller | None = None
    found: dict[str, Json] = field(default_factory=dict)

    @property
    def request_id(self) -> str:
        """The id of the request: `X-Request-Id`, `traceId`, audit."""
        return str(self.asgi["request_id"])

    @property
    def caller(self) -> Caller:
        """Who calls; `authenticate` comes first."""
        assert self.known_caller is not None
        return self.known_caller

    @property
    def scope(self) -> Scope:
        """The account and environment that it is about."""
        return self.caller.scope

    @property
    def cause(self) -> Cause:
        """Why whatever this call changes is changed."""
        return Cause(self.now_ms, actor=self.caller.client_id, request_id=self.request_id)

    async def authenticate(self) -> None:
        """Steps 1 to 3 of section 4.

        Raises Refused: `invalid_token`, `permission_denied`, `browser_not_allowed`, `invalid_account_id`; MalformedError
        `account_id_missing`; FaultyRequestError for a parameter that comes twice.
        """
        pairs = parse_pairs(self.asgi["query_string"]) if self.asgi["query_string"] else []
        for name, text in pairs:
            self.query.setdefault(name.lower(), text)
        try:
            self.known_caller = await self.node.callers.authenticate(self.sent, self.query, self.now_ms)
        except CallerRefused as error:
            self.found |= {} if error.reason is None else {"reason": error.reason}
            raise
        if len(self.query) != len(pairs):
            raise FaultyRequestError([fault("query", "conflict", "A parameter comes twice.")])

    async def find_integration(self) -> RestIntegration:
        """The integration that the client names, else the account's first one. Raises Refused `permission_denied`."""
        catalog, named = self.node.catalog, self.caller.integration_id
        found = await (catalog.find_first_rest(self.scope) if named is None else catalog.find_rest(named))
        if found is None and named is None:
            found = await catalog.find_rest(await ensure_rest_integration(self.node.store, self.scope, now_ms=self.now_ms))
        if found is None or found.scope != self.scope:
            self.found["reason"] = "integration_unknown"
            raise Refused("permission_denied")
        return found

    async def find_session(self) -> RestSession:
        """The session that the address names. Raises NotFoundError `session_not_found`, alike for unknown, foreign and deleted."""
        session_id = self.asgi["path_params"]["session_id"]
        session = await find_any(self.node, session_id)
        if session is None or session.scope != self.scope:
            deleted = session is None and await self.node.store.read(_was_deleted, session_id)
            self.found["reason"] = "deleted" if deleted else "unknown" if session is None else "foreign"
            raise NotFoundError("session_not_found")
        return session


def _was_deleted(tx: Transaction, session_id: str) -> bool:
    return tx.row("SELECT 1 FROM rest_sessions WHERE session_id = ?", (session_id,)) is not None


Run: TypeAlias = Callable[[RestCall], Awaitable[RestReply]]


class RestAddress:
    """One address of the API with its methods, as a plain ASGI application."""

    def __init__(self, node: Node, methods: Mapping[str, Run]) -> None:
        self._node = node
        self._methods = methods
        self._allowed = (b"allow", ", ".join(methods).encode("ascii"))

    async def __call__(self, scope: HttpScope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        call = RestCall(self._node, scope, receive, read_headers(scope), self._node.clock())
        run = self._methods.get(scope["method"])
        try:
            if run is None:
                raise MalformedError("method_not_allowed")
            reply = await run(call)
        except AccreditError as error:
            reply = await refuse(call, error, [self._allowed] if error.code == "method_not_allowed" else [])
        if reply.stream is not None:
            await reply.stream.send(receive, send, reply.headers)
        else:
            await send_answer(send, reply.status, reply.headers, reply.body)


def read_headers(scope: HttpScope) -> dict[bytes, bytes]:
    """The headers by name; one that comes twice is one list (RFC 9110 section 5.2), so that none hides behind another."""
    pairs = scope["headers"]
    sent = dict(pairs)
    if len(sent) != len(pairs):
        sent = {name: b", ".join(value for other, value in pairs if other == name) for name in sent}
    return sent


async def refuse(call: RestCall, error: AccreditError, extra: headers.Headers) -> RestReply:
    """Write a refusal down, and say of it what may be said."""
    telemetry.refusals("rest", error.code).inc()
    if isinstance(error, FailureError):
        telemetry.log.error("failed", extra={"fields": {"request_id": call.request_id, "code": error.code}})
    elif not isinstance(error, TooManyRequests):
        await _record(call, error)
    return _problem_reply(call, error, extra)


async def _record(call: RestCall, error: AccreditError) -> None:
    caller, (scope, actor) = call.known_caller, _who(call, error)
    names: list[Json] = [each.name for each in error.faults] if isinstance(error, FaultyRequestError) else []
    entry = AuditEntry(
        at_ms=call.now_ms,
        kind="rest.refused",
        account_id=scope.account_id,
        environment=scope.environment,
        code=error.code,
        actor=actor,
        integration_id=None if caller is None else caller.integration_id,
        request_id=call.request_id,
        detail={**call.found, **({"members": names} if names else {})},
    )
    await record_refusal(call.node, str(call.asgi["address"]), entry)


def _who(call: RestCall, error: AccreditError) -> tuple[Scope, str | None]:
    """Whose entry it is, and which client called, as far as that is known."""
    if call.known_caller is not None:
        return call.known_caller.scope, call.known_caller.client_id
    client = error.client if isinstance(error, CallerRefused) else None
    return (Scope("", ""), None) if client is None else (client.scope, client.client_id)


# What another error tells of itself, and with which status.
_TOLD = {"account_id_missing": ("invalid_account_id", 400), "integration_disabled": ("permission_denied", 403)}


def _problem_reply(call: RestCall, error: AccreditError, extra: headers.Headers) -> RestReply:
    code, status = _TOLD.get(error.code, (error.code, error.status))
    lines = [headers.PROBLEM, *headers.api(call.request_id), *extra]
    if status == 401:
        lines.append(_REALM)
    if status in (429, 503):
        after_s = error.retry_after_s if isinstance(error, TooManyRequests) else _retry_after_s(code, call.now_ms)
        lines.append((b"retry-after", str(after_s).encode("ascii")))
    params = [msgspec.structs.asdict(each) for each in error.faults] if isinstance(error, FaultyRequestError) else []
    public_url = call.node.settings.public_url
    body = rest_problem(error, call.request_id, public_url, code=code, status=status, invalid_params=params)
    return RestReply(status, lines, body)


def _retry_after_s(code: str, now_ms: int) -> int:
    """A used up quota comes back at midnight UTC."""
    return 86_400 - now_ms // 1000 % 86_400 if code == "quota_exceeded" else _RETRY_S
