"""`POST /flow/callouts/{id}`: a service of the owner's says later how a step ended (protocol-webhooks.md section 8)."""

from accredit.errors import AccreditError, FailureError, MalformedError
from accredit.server import headers, telemetry
from accredit.server.asgi import HttpScope, Receive, Send, send_answer
from accredit.server.forms import read_body
from accredit.server.headers import Headers
from accredit.server.limits import TooManyRequests
from accredit.server.node import Node
from accredit.server.problems import problem
from accredit.server.steps.callouts.answers import MAX_ANSWER_BYTES
from accredit.server.steps.callouts.returning import take_answer


class Callouts:
    """The address that each call-out names as its `callback_url`. It answers 200 `{}` once."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def __call__(self, scope: HttpScope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request_id = str(scope["request_id"])
        try:
            if scope["method"] != "POST":
                raise MalformedError("method_not_allowed")
            # The media type is not signed and says nothing.
            body = await read_body(receive, MAX_ANSWER_BYTES)
            sent = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
            await take_answer(self._node, scope["path_params"]["id"], body, sent, scope["address"])
        except AccreditError as error:
            lines = _lines_of(error, request_id)
            await send_answer(send, error.status, lines, problem(error, request_id, self._node.settings.public_url))
            return
        await send_answer(send, 200, [headers.JSON, *headers.api(request_id)], b"{}")


def _lines_of(error: AccreditError, request_id: str) -> Headers:
    telemetry.refusals("callouts", error.code).inc()
    if isinstance(error, FailureError):
        telemetry.log.error("failed", extra={"fields": {"request_id": request_id, "code": error.code}})
    lines: Headers = [headers.PROBLEM, *headers.api(request_id)]
    if error.code == "method_not_allowed":
        lines.append((b"allow", b"POST"))
    if isinstance(error, TooManyRequests):
        lines.append((b"retry-after", str(error.retry_after_s).encode("ascii")))
    return lines
