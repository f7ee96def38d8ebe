"""How the server is: alive, ready, and its counters for Prometheus."""

from hmac import compare_digest

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from accredit.errors import FailureError, NotFoundError, Refused
from accredit.server import headers, telemetry
from accredit.server.api.operations import Call, operation
from accredit.server.api.replies import Reply
from accredit.server.store.migrate import is_current_schema

_TEXT = (b"content-type", b"text/plain; charset=utf-8")


@operation("GET", "/livez", public=True, listed=False)
async def tell_alive(call: Call) -> Reply:
    """The process answers."""
    return Reply(200, [_TEXT, *headers.api(call.request_id)], b"alive\n")


@operation("GET", "/readyz", public=True, listed=False)
async def tell_ready(call: Call) -> Reply:
    """Requests may come: the database answers, its schema is the one that this release was written for, and the node does not stop.

    Raises FailureError `service_unavailable`, `schema_behind`.
    """
    if call.node.watches.closed:
        raise FailureError("service_unavailable")
    if not await call.node.store.read(is_current_schema, None):
        raise FailureError("schema_behind")
    return Reply(200, [_TEXT, *headers.api(call.request_id)], b"ready\n")


@operation("GET", "/metrics", public=True, listed=False)
async def read_metrics(call: Call) -> Reply:
    """Counters by door and code, in the text format of Prometheus; never an id or a value.

    For whoever shows ACCREDIT_METRICS_TOKEN; without that setting there is nothing here. Raises NotFoundError `page_not_found`,
    Refused `invalid_token`.
    """
    wanted = call.node.settings.metrics_token
    if not wanted:
        raise NotFoundError("page_not_found")
    scheme, _, shown = call.sent.get(b"authorization", b"").partition(b" ")
    if scheme.lower() != b"bearer" or not compare_digest(shown, wanted.encode("ascii")):
        raise Refused("invalid_token")
    lines = [(b"content-type", CONTENT_TYPE_LATEST.encode("ascii")), *headers.api(call.request_id)]
    return Reply(200, lines, generate_latest(telemetry.REGISTRY))


OPERATIONS = (tell_alive, tell_ready, read_metrics)
