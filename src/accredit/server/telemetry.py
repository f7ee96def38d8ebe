"""What the server tells about itself: logs as JSON lines, and counters for Prometheus. Ids, codes and counts; never a value.

Counters are children made once, since looking a label up costs more than counting.
"""

import logging
import sys
from functools import cache

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge

from accredit.server.times import wire_time

log = logging.getLogger("accredit")

REGISTRY = CollectorRegistry()
_REFUSALS = Counter("accredit_refusals", "Requests refused, by door and audit code.", ["door", "code"], registry=REGISTRY)
_SESSIONS = Counter("accredit_sessions_opened", "Sessions opened, by door and trust.", ["door", "trust"], registry=REGISTRY)
_WARNINGS = Counter("accredit_warnings", "Warnings of admissions, by door and code.", ["door", "code"], registry=REGISTRY)
COMMIT_GROUPS = Gauge("accredit_commit_groups", "Commits since the start.", registry=REGISTRY)
COMMIT_ITEMS = Gauge("accredit_commit_items", "Changes committed since the start.", registry=REGISTRY)


@cache
def refusals(door: str, code: str) -> Counter:
    """The counter of refusals with one audit code."""
    return _REFUSALS.labels(door, code)


@cache
def sessions_opened(door: str, trust: str) -> Counter:
    """The counter of sessions opened with one trust."""
    return _SESSIONS.labels(door, trust)


@cache
def warnings(door: str, code: str) -> Counter:
    """The counter of admissions with one warning."""
    return _WARNINGS.labels(door, code)


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
