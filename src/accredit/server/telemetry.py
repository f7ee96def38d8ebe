"""What the server tells about itself: logs as JSON lines, and counters for Prometheus. Ids, codes and counts; never a value.

Counters are children made once, since looking a label up costs more than counting.
"""

import logging
import platform
import sys
from functools import cache

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector

from accredit import __version__
from accredit.server.times import wire_time

log = logging.getLogger("accredit")

REGISTRY = CollectorRegistry()
# Memory, processor time and open files of the process, as Prometheus knows them everywhere.
ProcessCollector(registry=REGISTRY)
_BUILD = Info("accredit_build", "What runs here.", registry=REGISTRY)
_REFUSALS = Counter("accredit_refusals", "Requests refused, by door and audit code.", ["door", "code"], registry=REGISTRY)
_SESSIONS = Counter("accredit_sessions_opened", "Sessions opened, by door and trust.", ["door", "trust"], registry=REGISTRY)
_WARNINGS = Counter("accredit_warnings", "Warnings of admissions, by door and code.", ["door", "code"], registry=REGISTRY)
_ENDED = Counter("accredit_sessions_ended", "Sessions that ended, by door and status.", ["door", "status"], registry=REGISTRY)
COMMIT_GROUP_SIZE = Histogram(
    "accredit_commit_group_size", "Changes that were run as one group.", buckets=[2**n for n in range(10)], registry=REGISTRY
)
COMMIT_SECONDS = Histogram(
    "accredit_commit_seconds",
    "How long transactions that were committed took.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
    registry=REGISTRY,
)
STREAMS = Gauge("accredit_streams", "Streams of sessions' statuses that are open on this node.", registry=REGISTRY)
_ATTEMPTS = Counter("accredit_delivery_attempts", "Webhook attempts, by outcome.", ["kind", "outcome"], registry=REGISTRY)
_DELIVERIES = Counter("accredit_deliveries", "Webhook deliveries that ended, by status.", ["kind", "status"], registry=REGISTRY)
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 30)
ATTEMPT_SECONDS = Histogram(
    "accredit_delivery_attempt_seconds", "How long webhook attempts took.", buckets=_SECONDS, registry=REGISTRY
)
DELIVERY_AGE = Histogram(
    "accredit_delivery_age_seconds",
    "From an event to its delivery.",
    buckets=(*_SECONDS, 300, 3600, 6 * 3600, 24 * 3600, 72 * 3600),
    registry=REGISTRY,
)
DELIVERIES_UNDER_WAY = Gauge("accredit_deliveries_under_way", "Webhook attempts of this node just now.", registry=REGISTRY)
DELIVERIES_DUE = Gauge(
    "accredit_deliveries_due", "Webhook deliveries due and not claimed, a minute ago at most.", registry=REGISTRY
)
OLDEST_DUE_SECONDS = Gauge(
    "accredit_delivery_oldest_due_seconds", "How long the oldest of them has been due.", registry=REGISTRY
)
_CALLOUTS = Counter(
    "accredit_callout_tries_total", "Tries of call-outs of steps, by what came of them.", ["outcome"], registry=REGISTRY
)
CLOCK_DIFFERENCE_SECONDS = Gauge(
    "accredit_clock_difference_seconds", "The server's clock less the database's, an hour ago at most.", registry=REGISTRY
)


def tell_build(engine: str) -> None:
    """Which release runs here, on which Python and which database."""
    _BUILD.info({"version": __version__, "python": platform.python_version(), "database": engine})


@cache
def refusals(door: str, code: str) -> Counter:
    """The counter of refusals with one audit code."""
    return _REFUSALS.labels(door, code)


@cache
def sessions_opened(door: str, trust: str) -> Counter:
    """The counter of sessions opened with one trust."""
    return _SESSIONS.labels(door, trust)


@cache
def sessions_ended(door: str, status: str) -> Counter:
    """The counter of sessions that ended in one status."""
    return _ENDED.labels(door, status)


@cache
def warnings(door: str, code: str) -> Counter:
    """The counter of admissions with one warning."""
    return _WARNINGS.labels(door, code)


@cache
def callout_tries(outcome: str) -> Counter:
    """The counter of tries with one outcome: a status that a service may answer, or the reason why there is none."""
    return _CALLOUTS.labels(outcome)


@cache
def delivery_attempts(kind: str, outcome: str) -> Counter:
    """The counter of webhook attempts with one outcome: `succeeded`, `status_4xx` and its like, or a code of the attempt log."""
    return _ATTEMPTS.labels(kind, outcome)


@cache
def deliveries_ended(kind: str, status: str) -> Counter:
    """The counter of webhook deliveries that ended in one status."""
    return _DELIVERIES.labels(kind, status)


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the `extra` members that callers passed as `fields`."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": wire_time(int(record.created * 1000)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            # The kind and place of a fault, not its text: a text may hold what the request held.
            kind, _, trace = record.exc_info
            last = trace
            while last is not None and last.tb_next is not None:
                last = last.tb_next
            line["error"] = kind.__name__ if kind else None
            line["at"] = f"{last.tb_frame.f_code.co_filename}:{last.tb_lineno}" if last else None
        return msgspec.json.encode(line).decode()


def configure_logging(level: str) -> None:
    """Send all logs to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
