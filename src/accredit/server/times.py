"""Times: integer milliseconds UTC inside and in the database, RFC 3339 on the wire."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def wire_time(ms: int) -> str:
    """RFC 3339 with milliseconds, as in 2026-01-05T12:00:00.000Z."""
    # From the epoch by whole numbers: a float of seconds would round some milliseconds away.
    moment = _EPOCH + timedelta(milliseconds=ms)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
