"""When a delivery is tried again: the two schedules, their jitter, and what `Retry-After` moves (protocol-webhooks.md section 9).

Pure. Waits run from the end of the attempt that failed; how far each is moved depends on the delivery and the number alone, so that
many deliveries spread, and every node finds the same time for one.

    next_attempt_ms("accredit", delivery_id, 2, failed_at_ms)      # about five seconds later
    next_attempt_ms("accredit", delivery_id, 11, failed_at_ms)     # None: it is exhausted
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Literal

from accredit.httpsig import parse_http_date

EndpointKind = Literal["accredit", "flow"]

_SECOND_MS, _MINUTE_MS, _HOUR_MS = 1000, 60_000, 3_600_000
# The wait before each attempt from the second on.
_WAITS_MS: Mapping[str, tuple[int, ...]] = {
    "accredit": (5 * _SECOND_MS, 5 * _MINUTE_MS, 30 * _MINUTE_MS, *(hours * _HOUR_MS for hours in (2, 5, 10, 14, 20, 24))),
    "flow": tuple(4**exponent * _MINUTE_MS for exponent in range(7)),
}
MAX_RETRY_AFTER_MS = 24 * _HOUR_MS
# A receiver that says "too many" and not for how long.
BARE_429_MS = _MINUTE_MS
_SECONDS = re.compile(r"[0-9]{1,12}")
_UNIT = 2**32


def attempts_of(kind: EndpointKind) -> int:
    """How many attempts a delivery gets: 10, for kind `flow` 8."""
    return len(_WAITS_MS[kind]) + 1


def wait_ms(kind: EndpointKind, delivery_id: str, coming_attempt: int) -> int:
    """Milliseconds between the end of an attempt and the coming one: the schedule's, times 0.9 to 1.1.

    coming_attempt: 2 to `attempts_of(kind)`.
    """
    return spread_wait(_WAITS_MS[kind][coming_attempt - 2], delivery_id, coming_attempt)


def spread_wait(scheduled_ms: int, whose: str, coming_attempt: int) -> int:
    """A wait times 0.9 to 1.1, by the id of what is tried again and the number of the coming attempt alone."""
    digest = hashlib.sha256(f"{whose}:{coming_attempt}".encode()).digest()
    spread = int.from_bytes(digest[:4], "big")
    return scheduled_ms * (9 * _UNIT + 2 * spread) // (10 * _UNIT)


def next_attempt_ms(
    kind: EndpointKind, delivery_id: str, coming_attempt: int, failed_at_ms: int, retry_after_ms: int | None = None
) -> int | None:
    """When the coming attempt is made: as the schedule has it, or later if the receiver asked for it. None: there is none."""
    if coming_attempt > attempts_of(kind):
        return None
    scheduled_ms = failed_at_ms + wait_ms(kind, delivery_id, coming_attempt)
    return scheduled_ms if retry_after_ms is None else max(scheduled_ms, failed_at_ms + min(retry_after_ms, MAX_RETRY_AFTER_MS))


def parse_retry_after(value: str | None, now_ms: int) -> int | None:
    """How long a receiver wants to be left alone, in ms, up to 24 h; None where it did not say (RFC 9110 section 10.2.3)."""
    if value is None:
        return None
    text = value.strip()
    if _SECONDS.fullmatch(text):
        wanted_ms = int(text) * _SECOND_MS
    else:
        try:
            wanted_ms = parse_http_date(text) * _SECOND_MS - now_ms
        except ValueError:
            return None
    return min(max(wanted_ms, 0), MAX_RETRY_AFTER_MS)
