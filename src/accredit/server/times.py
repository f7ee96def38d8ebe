"""Times: integer milliseconds UTC inside and in the database, RFC 3339 on the wire."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)


def wire_time(ms: int) -> str:
    """RFC 3339 with milliseconds, as in 2026-01-05T12:00:00.000Z."""
    # From the epoch by whole numbers: a float of seconds would round some milliseconds away.
    moment = _EPOCH + timedelta(milliseconds=ms)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def epoch_ms(moment: datetime) -> int:
    """Milliseconds of a moment with a time zone; what lies outside the years 1970 to 9999 becomes the nearest that does not."""
    return min(max((moment - _EPOCH) // timedelta(milliseconds=1), 0), _LAST_MS)
