"""Times: integer milliseconds UTC inside and in the database, RFC 3339 on the wire."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)


def wire_time(ms: int) -> str:
    """RFC 3339 with milliseconds, as in 2026-01-05T12:00:00.000Z."""
    # By whole numbers: a float of seconds would round some milliseconds away. The day, which is most of the work, is remembered.
    day, rest = divmod(ms, _DAY_MS)
    second, millisecond = divmod(rest, 1000)
    return f"{_day(day)}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.{millisecond:03}Z"


@lru_cache(maxsize=64)
def _day(number: int) -> str:
    return (_EPOCH + timedelta(days=number)).date().isoformat()


def epoch_ms(moment: datetime) -> int:
    """Milliseconds of a moment with a time zone; what lies outside the years 1970 to 9999 becomes the nearest that does not."""
    return min(max((moment - _EPOCH) // timedelta(milliseconds=1), 0), _LAST_MS)
