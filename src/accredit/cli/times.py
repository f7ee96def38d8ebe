"""Times given on the command line."""

import re
import time
from datetime import datetime

import click

_DURATION = re.compile(r"(\d{1,6})([smhd])")
_UNIT_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_UNIX = re.compile(r"\d{1,11}")


def now_ms() -> int:
    """Milliseconds UTC."""
    return time.time_ns() // 1_000_000


def parse_moment(text: str) -> int:
    """A time as milliseconds UTC: RFC 3339, Unix seconds, or a duration from now such as 24h. Raises BadParameter."""
    return _parse(text, 1)


def parse_past(text: str) -> int:
    """A time as milliseconds UTC: RFC 3339, Unix seconds, or how long ago, such as 24h. Raises BadParameter."""
    return _parse(text, -1)


def _parse(text: str, direction: int) -> int:
    duration = _DURATION.fullmatch(text)
    if duration is not None:
        return now_ms() + direction * int(duration[1]) * _UNIT_MS[duration[2]]
    if _UNIX.fullmatch(text):
        return int(text) * 1000
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise click.BadParameter("must be a duration such as 24h, Unix seconds, or a time such as 2026-01-05T12:00:00Z.")
    return int(moment.timestamp() * 1000)
