"""How the server is: alive, ready, and its counters for Prometheus."""

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from accredit.server import headers, telemetry
from accredit.server.api.operations import Call, operation
from accredit.server.api.replies import Reply
from accredit.server.store.config_version import find_version

_TEXT = (b"content-type", b"text/plain; charset=utf-8")


@operation("GET", "/livez", public=True, listed=False)
async def tell_alive(call: Call) -> Reply:
    """The process answers."""
    return Reply(200, [_TEXT, *headers.api(call.request_id)], b"alive\n")


@operation("GET", "/readyz", public=True, listed=False)
async def tell_ready(call: Call) -> Reply:
    """The database answers too; `service_unavailable` when it does not."""
    await call.node.store.read(find_version, None)
    return Reply(200, [_TEXT, *headers.api(call.request_id)], b"ready\n")


@operation("GET", "/metrics", public=True, listed=False)
async def read_metrics(call: Call) -> Reply:
    """Counters by door and code, in the text format of Prometheus; never an id or a value."""
    writer = call.node.store.writer
    telemetry.COMMIT_GROUPS.set(writer.groups)
    telemetry.COMMIT_ITEMS.set(writer.items)
    lines = [(b"content-type", CONTENT_TYPE_LATEST.encode("ascii")), *headers.api(call.request_id)]
    return Reply(200, lines, generate_latest(telemetry.REGISTRY))


OPERATIONS = (tell_alive, tell_ready, read_metrics)
