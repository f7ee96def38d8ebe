"""What the calls of a page of ours have in common: JSON there and back, and what the owner may have switched off meanwhile."""

from abc import ABC, abstractmethod
from typing import TypeVar

import msgspec

from accredit.encoding import Json, JsonError, compact_json, parse_json
from accredit.errors import AccreditError, FailureError, MalformedError, Refused
from accredit.server import headers, telemetry
from accredit.server.asgi import HttpScope, Receive, Send, send_answer
from accredit.server.attempts import Attempt, refuse, refuse_exposed_body
from accredit.server.forms import check_media_type, read_body
from accredit.server.limits import TooManyRequests
from accredit.server.node import Node
from accredit.server.problems import problem
from accredit.server.sessions.flow.record import FlowSession

_MAX_BODY_BYTES, _MAX_DEPTH = 16 * 1024, 3
# Refusals that the audit record hears of; the others are of pages that are behind.
_RECORDED = frozenset({"integration_disabled", "origin_not_allowed", "link_invalid"})

Wanted = TypeVar("Wanted", bound=msgspec.Struct)


class JsonPart(ABC):
    """One address that a page of ours calls, as a plain ASGI application. It answers with JSON, or with a problem."""

    def __init__(self, node: Node) -> None:
        self._node = node

    @abstractmethod
    async def answer(self, scope: HttpScope, body: bytes, attempt: Attempt) -> dict[str, Json]:
        """Answer a call. Raises errors of the tree."""

    async def __call__(self, scope: HttpScope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        attempt = Attempt("flow", scope["request_id"], scope["address"], self._node.clock())
        try:
            if scope["method"] != "POST":
                raise MalformedError("method_not_allowed")
            sent, body = dict(scope["headers"]), await read_body(receive, _MAX_BODY_BYTES)
            await refuse_exposed_body(self._node, attempt, sent, body)
            check_media_type(sent.get(b"content-type", b""), b"application/json")
            told = compact_json(await self.answer(scope, body, attempt))
        except AccreditError as error:
            await self._fail(attempt, error, send)
            return
        await send_answer(send, 200, [headers.JSON, *headers.api(attempt.request_id)], told)

    async def _fail(self, attempt: Attempt, error: AccreditError, send: Send) -> None:
        lines = [headers.PROBLEM, *headers.api(attempt.request_id)]
        if error.code in _RECORDED:
            await refuse(self._node, attempt, error)
        else:
            telemetry.refusals("flow", error.code).inc()
        if isinstance(error, FailureError):
            telemetry.log.error("failed", extra={"fields": {"request_id": attempt.request_id, "code": error.code}})
        if isinstance(error, TooManyRequests):
            lines.append((b"retry-after", str(error.retry_after_s).encode("ascii")))
        if error.code == "method_not_allowed":
            lines.append((b"allow", b"POST"))
        body = problem(error, attempt.request_id, self._node.settings.public_url)
        await send_answer(send, error.status, lines, body)


def read_wanted(body: bytes, form: type[Wanted]) -> Wanted:
    """The body of a call. Raises MalformedError: `request_malformed`, `field_invalid`."""
    try:
        told = parse_json(body, max_depth=_MAX_DEPTH)
    except JsonError as error:
        raise MalformedError("request_malformed") from error
    try:
        return msgspec.convert(told, form)
    except msgspec.ValidationError as error:
        raise MalformedError("field_invalid") from error


async def check_open(node: Node, session: FlowSession, origin: str | None, attempt: Attempt) -> None:
    """Whether the owner still lets this go on. origin: of the page around a frame, None at a hosted link.

    Raises Refused: `integration_disabled`, `origin_not_allowed`.
    """
    attempt.integration = integration = await node.catalog.find_flow(session.integration_id)
    if integration is None or not integration.enabled:
        raise Refused("integration_disabled")
    if origin is not None and not integration.admits_origin(origin):
        raise Refused("origin_not_allowed")
