"""What is counted and logged of each request: its route class, its status and how long it took; never a path, a query or an id.

A route class is one of ROUTES, whatever somebody asks for, so that the number of time series has a bound. Durations are counted
in plain lists and put into Prometheus' words when they are asked for: requests are answered on one thread, and a counter with a lock
costs as much as ten of these.
"""

import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from accredit.server import telemetry
from accredit.server.asgi import HttpScope, Send

_EXACT = {
    "/embed": "embed",
    "/embed/renew": "embed",
    "/boot": "boot",
    "/boot/renew": "boot",
    "/flow": "flow",
    "/v1/exchange": "exchange",
    "/auth/open/connect/token": "token",
    "/livez": "health",
    "/readyz": "health",
    "/metrics": "health",
}
# The first that fits; the rest are pages: documentation, scripts, invitations, generators.
_BELOW = (
    ("/v1/sessions/", "session"),
    ("/v1/", "api"),
    ("/auth/rest/", "rest_api"),
    ("/auth/", "rest"),
    ("/flow_sessions", "flow_api"),
    (("/flow/", "/verify/", "/leaks/"), "flow"),
)
ROUTES = (*dict.fromkeys([*_EXACT.values(), *(name for _, name in _BELOW)]), "stream", "page")
BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def route_of(path: str) -> str:
    """The route class of a path."""
    exact = _EXACT.get(path)
    if exact is not None:
        return exact
    if path.endswith("/events"):
        return "stream"
    for beginning, name in _BELOW:
        if path.startswith(beginning):
            return name
    return "page"


class RequestSeconds(Collector):
    """How long requests took, by route class and class of status (`2xx`). Belongs to one thread."""

    def __init__(self) -> None:
        self._counted: dict[tuple[str, int], tuple[list[int], list[float]]] = {}

    def observe(self, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        found = self._counted.get((route, status // 100))
        if found is None:
            found = self._counted[route, status // 100] = [0] * (len(BOUNDS_S) + 1), [0.0]
        found[0][bisect_left(BOUNDS_S, seconds)] += 1
        found[1][0] += seconds

    def collect(self) -> Iterable[Metric]:
        """The histogram in Prometheus' words."""
        family = HistogramMetricFamily(
            "accredit_request_seconds",
            "How long requests took, by route class and class of status.",
            labels=["route", "status"],
        )
        for (route, status), (counts, total) in sorted(self._counted.items()):
            names = [*(str(bound) for bound in BOUNDS_S), "+Inf"]
            family.add_metric([route, f"{status}xx"], list(zip(names, accumulate(counts), strict=True)), total[0])
        yield family

    def describe(self) -> Iterator[Metric]:
        """Nothing: the registry need not collect to learn the name."""
        yield HistogramMetricFamily("accredit_request_seconds", "", labels=["route", "status"])


REQUEST_SECONDS = RequestSeconds()
telemetry.REGISTRY.register(REQUEST_SECONDS)


class Exchange:
    """One request and its answer. send: passes on, and notes the status; 0 where none was sent."""

    __slots__ = ("_begun_s", "_send", "route", "status")

    def __init__(self, scope: HttpScope, send: Send) -> None:
        self._begun_s = time.perf_counter()
        self._send = send
        self.route = route_of(scope["path"])
        self.status = 0

    async def send(self, message: Any) -> None:
        """As ASGI's send."""
        if not self.status:
            self.status = message["status"]
        await self._send(message)

    def end(self, scope: HttpScope, *, log: bool) -> None:
        """Count it, and log it where that is wanted."""
        seconds = time.perf_counter() - self._begun_s
        REQUEST_SECONDS.observe(self.route, self.status, seconds)
        if log:
            fields = {
                "request_id": scope["request_id"],
                "method": scope["method"],
                "route": self.route,
                "status": self.status,
                "duration_ms": round(seconds * 1000, 3),
            }
            telemetry.log.info("request", extra={"fields": fields})
