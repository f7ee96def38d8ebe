"""Operations: each is declared once, and that declaration routes it, reads its input, and describes it in the OpenAPI document.

    @operation("POST", "/v1/deployers", answer=DeployerAnswer, status=201, codes=("deployer_exists",))
    async def create_deployer(call: Call, body: NewDeployer) -> Reply:
        \"\"\"Create a deployer.\"\"\"

The parameters beside `call` say what is read: `body` (a struct, or bytes for JSON that the operation reads itself), `query` (a
struct), `form` (the fields of a posted form). What an operation raises from the error tree becomes a problem document.
"""

import inspect
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar
from urllib.parse import unquote

from accredit.encoding import Json
from accredit.errors import AccreditError, FailureError, MalformedError, NotFoundError, Refused
from accredit.server import telemetry
from accredit.server.api.authentication import authenticate
from accredit.server.api.bodies import convert, parse_members, parse_query, read_fields, read_octets
from accredit.server.api.pages import error_page
from accredit.server.api.replies import Reply, problem_reply
from accredit.server.asgi import HttpScope, Receive, Send, send_answer
from accredit.server.headers import Headers
from accredit.server.keyring.changes import Cause
from accredit.server.keyring.keyring import ApiKey
from accredit.server.keyring.scope import Scope
from accredit.server.node import Node

_LONE_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A part of an address. code: what is said where the text cannot name anything."""

    pattern: str
    code: str
    description: str


_ID, _OURS = r"[A-Za-z0-9_.-]{1,128}", r"[A-Za-z0-9_]{1,64}"
PARAMETERS = {
    "session_id": Parameter(r"[0-9a-f-]{36}", "session_not_found", "A session."),
    "deployer_id": Parameter(_ID, "deployer_not_found", "A deployer."),
    "integration_id": Parameter(_ID, "integration_not_found", "An integration."),
    "client_id": Parameter(r"[A-Za-z0-9._~-]{1,128}", "client_not_found", "An API client."),
    "provider_id": Parameter(r"[a-z0-9-]{1,30}", "provider_not_found", "A provider."),
    "key_id": Parameter(_OURS, "key_not_found", "A key."),
    "api_key_id": Parameter(_OURS, "key_not_found", "The key id of an API credential."),
    "encryption_key_id": Parameter(r"[A-Za-z0-9._~-]{1,128}", "key_not_found", "A registered encryption key."),
    "key_set_id": Parameter(_OURS, "key_not_found", "A key set."),
    "service_id": Parameter(_OURS, "step_service_not_found", "A step service."),
    "endpoint_id": Parameter(_OURS, "endpoint_not_found", "A webhook endpoint."),
    "listener_id": Parameter(_OURS, "endpoint_not_found", "A listener."),
    "delivery_id": Parameter(_OURS, "delivery_not_found", "A delivery of a webhook."),
    "uid": Parameter(r"[\s\S]{1,256}", "field_invalid", "A user id, percent-encoded: whatever a door takes as one."),
    "request_id": Parameter(r"[0-9a-f]{32}", "boot_report_not_found", "A request, as `X-Request-Id` named it."),
    "token": Parameter(r"[A-Za-z0-9_-]{1,128}", "link_invalid", "The secret part of a link."),
    "theme_id": Parameter(r"[A-Za-z0-9_.-]{1,64}", "theme_not_found", "A theme."),
    "digest": Parameter(r"[0-9a-f]{64}", "page_not_found", "SHA-256 of an image, in hex."),
    "version": Parameter(r"[0-9A-Za-z.+-]{1,32}", "page_not_found", "A version."),
}


@dataclass(slots=True)
class Call:
    """One call of one operation. sent: its headers. members: its JSON body as sent."""

    node: Node
    asgi: HttpScope
    sent: dict[bytes, bytes]
    now_ms: int
    members: dict[str, Json] = field(default_factory=dict)
    caller: ApiKey | None = None

    @property
    def request_id(self) -> str:
        """The id of the request, for answers, audit and logs."""
        return str(self.asgi["request_id"])

    @property
    def api_key(self) -> ApiKey:
        """Who calls; there is nobody on a public address."""
        assert self.caller is not None
        return self.caller

    @property
    def scope(self) -> Scope:
        """The account and environment that the caller's key opens."""
        return self.api_key.scope

    @property
    def cause(self) -> Cause:
        """Why whatever this call changes is changed."""
        return Cause(self.now_ms, actor=None if self.caller is None else self.caller.key_id, request_id=self.request_id)

    def part(self, name: str) -> str:
        """A part of the address, decoded. Raises what PARAMETERS says where it cannot name anything."""
        parameter, raw = PARAMETERS[name], self.asgi["path_params"][name]
        try:
            text = unquote(raw, errors="strict")
        except UnicodeDecodeError:
            text = ""
        # A `%` that begins no octet would be a second spelling of the same text.
        if _LONE_PERCENT.search(raw) or not re.fullmatch(parameter.pattern, text):
            family = MalformedError if parameter.code == "field_invalid" else NotFoundError
            raise family(parameter.code, name)
        return text

    def reaches(self, integration_id: str) -> bool:
        """Whether the caller's key may do something with that integration, if it is its account's."""
        limited = self.api_key.integration_ids
        return limited is None or integration_id in limited


class Run(Protocol):
    """What carries an operation out."""

    __name__: str

    def __call__(self, call: Call, **given: Any) -> Awaitable[Reply]: ...


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address.

    answer: the struct of the answer's body, None without one. codes: what it may be refused with, beyond what every operation may.
    public: nobody has to show a key. limited: also for API keys that are limited to integrations. listed: in the OpenAPI document.
    page: people see it, so an error is a page too. conditional: it heeds entity tags. streams: it answers server-sent events. reads:
    the types that describe the body, where `body` reads but a part of it.
    """

    method: str
    path: str
    run: Run
    answer: Any
    status: int
    codes: tuple[str, ...]
    public: bool
    limited: bool
    listed: bool
    page: bool
    conditional: bool
    streams: bool
    body: Any
    query: Any
    form: bool
    reads: tuple[Any, ...]

    @property
    def name(self) -> str:
        """Its id in the OpenAPI document."""
        return self.run.__name__

    @property
    def summary(self) -> str:
        """The first line of its docstring, and the rest of it."""
        return inspect.getdoc(self.run) or ""


def operation(
    method: str,
    path: str,
    *,
    answer: Any = None,
    status: int = 200,
    codes: tuple[str, ...] = (),
    public: bool = False,
    limited: bool = False,
    listed: bool = True,
    page: bool = False,
    conditional: bool = False,
    streams: bool = False,
    reads: tuple[Any, ...] = (),
) -> Callable[[Callable[..., Awaitable[Reply]]], Operation]:
    """Declare an operation; see Operation."""

    def declare(run: Callable[..., Awaitable[Reply]]) -> Operation:
        read = inspect.get_annotations(run)
        return Operation(
            method=method,
            path=path,
            run=run,
            answer=answer,
            status=status,
            codes=codes,
            public=public,
            limited=limited,
            listed=listed,
            page=page,
            conditional=conditional,
            streams=streams,
            body=read.get("body"),
            query=read.get("query"),
            form="form" in read,
            reads=reads,
        )

    return declare


class Address:
    """One address with its operations, as a plain ASGI application."""

    def __init__(self, node: Node, operations: list[Operation]) -> None:
        self._node = node
        self._by_method = {each.method: each for each in operations}
        if "GET" in self._by_method:
            self._by_method["HEAD"] = self._by_method["GET"]
        self._allowed = ", ".join(self._by_method).encode("ascii")
        self._public = all(each.public for each in operations)

    async def __call__(self, scope: HttpScope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        call = Call(self._node, scope, dict(scope["headers"]), self._node.clock())
        chosen = self._by_method.get(scope["method"])
        try:
            reply = self._without_operation(call) if chosen is None else await _run(chosen, call, receive)
        except AccreditError as error:
            reply = _refuse(call, error, chosen, self._allowed)
        if reply.stream is not None:
            await reply.stream.send(receive, send, reply.headers)
        else:
            await send_answer(send, reply.status, reply.headers, reply.body)

    def _without_operation(self, call: Call) -> Reply:
        """What is said to other methods.

        A browser is let ask (Fetch, CORS preflight) so that a key that stands in a page arrives here and can be revoked; no
        answer is ever readable to that page.
        """
        if call.asgi["method"] != "OPTIONS" or b"access-control-request-method" not in call.sent or self._public:
            raise MalformedError("method_not_allowed")
        lines: Headers = [
            (b"access-control-allow-origin", b"*"),
            (b"access-control-allow-methods", self._allowed),
            (b"access-control-allow-headers", b"authorization, content-type, if-match, if-none-match"),
            (b"x-request-id", call.request_id.encode("ascii")),
        ]
        return Reply(204, lines, b"")


async def _run(chosen: Operation, call: Call, receive: Receive) -> Reply:
    """Authenticate, read, carry out: in this order, so that a stranger learns nothing of what an address reads."""
    if not chosen.public:
        call.caller = await authenticate(call.node, call.sent, call.request_id, call.now_ms)
        if call.caller.integration_ids is not None and not chosen.limited:
            raise Refused("api_key_limited")
    given: dict[str, Any] = {}
    if chosen.query is not None:
        given["query"] = parse_query(call.asgi["query_string"], chosen.query)
    elif call.asgi["query_string"] and not chosen.public:
        raise MalformedError("query_invalid")
    if chosen.form:
        given["form"] = await read_fields(receive, call.sent)
    elif chosen.body is not None:
        octets = await read_octets(receive, call.sent)
        if chosen.body is not bytes:
            call.members = parse_members(octets)
        given["body"] = octets if chosen.body is bytes else convert(call.members, chosen.body)
    return await chosen.run(call, **given)


def _refuse(call: Call, error: AccreditError, chosen: Operation | None, allowed: bytes) -> Reply:
    settings = call.node.settings
    telemetry.refusals("api", error.code).inc()
    if isinstance(error, FailureError):
        telemetry.log.error("failed", extra={"fields": {"request_id": call.request_id, "code": error.code}})
    if chosen is not None and chosen.page:
        return error_page(settings, call.request_id, error)
    # RFC 9110 section 15.5.6: a 405 says which methods there are.
    extra: Headers = [(b"allow", allowed)] if error.code == "method_not_allowed" else []
    return problem_reply(error, call.request_id, settings.public_url, extra)


def found(value: Found | None, code: str) -> Found:
    """The value. Raises NotFoundError of that code where there is none."""
    if value is None:
        raise NotFoundError(code)
    return value
