"""One call of the API: what it brings, who signed it, and how it is answered or refused (protocol-flow.md sections 8 and 11).

Every answer is JSON:API's media type, goes into nobody's cache, and names its request; once the caller is known it tells what is left
of its rate. What was refused is written down with its precise code.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from accredit.encoding import Json, JsonError, parse_json
from accredit.errors import AccreditError, FailureError, MalformedError
from accredit.httpsig import gather_fields
from accredit.server import headers, telemetry
from accredit.server.asgi import HttpScope, Receive, Send, send_answer
from accredit.server.attempts import Attempt, record_refusal, refuse_exposed_body
from accredit.server.audit import AuditEntry
from accredit.server.doors.flow.api.authentication import FlowCaller, SignedCall, SignerRefused, authenticate
from accredit.server.doors.flow.api.errors import errors_of, told_status
from accredit.server.doors.flow.api.traffic import Traffic
from accredit.server.forms import parse_pairs, read_body
from accredit.server.gate.faults import FaultyRequestError
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.scope import Scope
from accredit.server.limits import Allowance, TooManyRequests
from accredit.server.node import Node
from accredit.server.problems import api_errors
from accredit.server.sessions.flow.claims import Claim, Replayed, find_replayed, make_claim
from accredit.server.streams import StatusStream

MAX_BODY_BYTES, _MAX_DEPTH = 64 * 1024, 8
VERSION = "2020-08-14"
_READ_TYPES = ("application/vnd.api+json", "application/json")
_CHALLENGE = (b"www-authenticate", b'Signature realm="accredit",headers="(request-target) date digest"')
_MAX_KEY = 255
_RETRY_S = 1


@dataclass(frozen=True, slots=True)
class FlowReply:
    """A whole answer, or the beginning of a stream, but for the headers that all have."""

    status: int
    body: bytes
    extra: headers.Headers = field(default_factory=list)
    stream: StatusStream | None = None


@dataclass(slots=True)
class FlowCall:
    """One call. fields: its headers by name in lower case. found: what the audit record says of a refusal beyond its code."""

    node: Node
    asgi: HttpScope
    now_ms: int
    fields: dict[str, list[str]]
    body: bytes = b""
    known_caller: FlowCaller | None = None
    claim: Claim | None = None
    allowance: Allowance | None = None
    found: dict[str, Json] = field(default_factory=dict)

    @property
    def request_id(self) -> str:
        """The id of the request: `X-Request-Id`, `id` of errors, audit."""
        return str(self.asgi["request_id"])

    @property
    def caller(self) -> FlowCaller:
        """Who calls."""
        assert self.known_caller is not None
        return self.known_caller

    @property
    def scope(self) -> Scope:
        """The account and environment that it is about."""
        return self.caller.scope

    @property
    def cause(self) -> Cause:
        """Why whatever this call changes is changed."""
        return Cause(self.now_ms, actor=self.caller.key_id, request_id=self.request_id)

    @property
    def path(self) -> str:
        """Its raw path, as the client has it."""
        return self.node.settings.signed_prefix + str(self.asgi["raw_path"].decode("latin-1"))

    def read_object(self) -> dict[str, Json]:
        """The JSON object of the body. Raises MalformedError: `media_type_unsupported`, `request_malformed`."""
        given = self.fields.get("content-type", [""])
        if len(given) != 1 or given[0].partition(";")[0].strip().lower() not in _READ_TYPES:
            raise MalformedError("media_type_unsupported", "content-type")
        try:
            value = parse_json(self.body, max_depth=_MAX_DEPTH)
        except JsonError as error:
            raise MalformedError("request_malformed") from error
        if not isinstance(value, dict):
            raise MalformedError("request_malformed")
        return value

    def read_query(self, *names: str) -> dict[str, str]:
        """The parameters of these names; others are ignored. Raises MalformedError `parameter_invalid` for one that comes twice."""
        pairs = [(name, text) for name, text in parse_pairs(self.asgi["query_string"]) if name in names]
        given: dict[str, str] = {}
        for name, text in pairs:
            if name in given:
                raise MalformedError("parameter_invalid", name)
            given[name] = text
        return given


Run: TypeAlias = Callable[[FlowCall], Awaitable[FlowReply]]
Replay: TypeAlias = Callable[[FlowCall, Replayed], Awaitable[FlowReply]]


class FlowAddress:
    """One address of the API with its methods, as a plain ASGI application. replay: answers what a POST did before."""

    def __init__(self, node: Node, traffic: Traffic, methods: Mapping[str, Run], replay: Replay) -> None:
        self._node = node
        self._traffic = traffic
        self._methods = methods
        self._replay = replay
        self._allowed = (b"allow", ", ".join(methods).encode("ascii"))

    async def __call__(self, scope: HttpScope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        call = FlowCall(self._node, scope, self._node.clock(), gather_fields(pairs))
        try:
            run = self._methods.get(scope["method"])
            if run is None:
                raise MalformedError("method_not_allowed")
            await self._open(call, pairs, receive)
            reply = await self._answer(call, run)
        except AccreditError as error:
            reply = await refuse(call, error, [self._allowed] if error.code == "method_not_allowed" else [])
        lines = [*_rate(call.allowance), *reply.extra]
        if reply.stream is not None:
            await reply.stream.send(receive, send, [*headers.stream(call.request_id), *lines])
        else:
            await send_answer(send, reply.status, [headers.API_JSON, *headers.api(call.request_id), *lines], reply.body)

    async def _open(self, call: FlowCall, pairs: list[tuple[str, str]], receive: Receive) -> None:
        """Steps 1 to 5 of section 8, and what is asked of every call that is signed."""
        call.body = await read_body(receive, MAX_BODY_BYTES)
        attempt = Attempt("flow", call.request_id, str(call.asgi["address"]), call.now_ms)
        await refuse_exposed_body(call.node, attempt, dict(call.asgi["headers"]), call.body)
        signed = _signed_call(call, pairs)
        call.known_caller = await authenticate(call.node, signed, call.request_id, call.now_ms)
        call.allowance = self._traffic.take(call.caller.key_id, call.now_ms)
        if not call.allowance.granted:
            raise TooManyRequests(_RETRY_S)
        if call.fields.get("cognito-version", [VERSION]) != [VERSION]:
            raise MalformedError("version_unknown", "cognito-version")

    async def _answer(self, call: FlowCall, run: Run) -> FlowReply:
        """Step 6: a POST takes effect once."""
        if call.asgi["method"] != "POST":
            return await run(call)
        call.claim = _claim(call)
        with self._traffic.under_way(call.claim):
            replayed = await call.node.store.read(find_replayed, call.claim)
            return await run(call) if replayed is None else await self._replay(call, replayed)


def _signed_call(call: FlowCall, pairs: list[tuple[str, str]]) -> SignedCall:
    query = call.asgi["query_string"].decode("latin-1")
    target = f"{call.path}?{query}" if query else call.path
    origin = call.node.settings.public_origin
    return SignedCall(str(call.asgi["method"]), target, f"{origin}{target}", pairs, call.body)


def _claim(call: FlowCall) -> Claim:
    given = call.fields.get("idempotency-key", [])
    if len(given) > 1 or any(not 1 <= len(text) <= _MAX_KEY or not (text.isascii() and text.isprintable()) for text in given):
        raise MalformedError("parameter_invalid", "idempotency-key")
    caller = call.caller
    return make_claim(
        call.node.sealer,
        caller.key_id,
        caller.signature,
        caller.digest,
        idempotent=("POST", call.path, given[0]) if given else None,
        now_ms=call.now_ms,
    )


def _rate(allowance: Allowance | None) -> headers.Headers:
    if allowance is None:
        return []
    told = (("limit", allowance.limit), ("remaining", allowance.remaining), ("reset", allowance.full_s))
    return [(f"ratelimit-{name}".encode("ascii"), str(number).encode("ascii")) for name, number in told]


async def refuse(call: FlowCall, error: AccreditError, extra: headers.Headers) -> FlowReply:
    """Write a refusal down, and say of it what may be said."""
    telemetry.refusals("flow", error.code).inc()
    if isinstance(error, FailureError):
        telemetry.log.error("failed", extra={"fields": {"request_id": call.request_id, "code": error.code}})
    elif not isinstance(error, TooManyRequests):
        await record_refusal(call.node, str(call.asgi["address"]), _entry(call, error))
    status, lines = told_status(error), list(extra)
    if status == 401:
        lines.append(_CHALLENGE)
    if status in (429, 503):
        lines.append((b"retry-after", str(_RETRY_S).encode("ascii")))
    return FlowReply(status, api_errors(errors_of(error, call.request_id)), lines)


def _entry(call: FlowCall, error: AccreditError) -> AuditEntry:
    signer = error.signer if isinstance(error, SignerRefused) else call.known_caller
    scope = Scope("", "") if signer is None else signer.scope
    names: list[Json] = [each.name for each in error.faults] if isinstance(error, FaultyRequestError) else []
    members = names or ([] if error.member is None else [error.member])
    return AuditEntry(
        at_ms=call.now_ms,
        kind="flow.refused",
        account_id=scope.account_id,
        environment=scope.environment,
        code=error.code,
        actor=None if signer is None else signer.key_id,
        request_id=call.request_id,
        detail={**call.found, **({"members": members} if members else {})},
    )
