"""Limits in memory: how often something may happen before whoever causes it has to wait.

Counted per process and window, in bounded tables: an attacker with many names or addresses pushes out the oldest, no more.
"""

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address

from accredit.errors import Refused

_WINDOW_MS = 60_000


class TooManyRequests(Refused):
    """`rate_limited`, with the seconds until the caller may try again."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("rate_limited")
        self.retry_after_s = retry_after_s


class TooManyRefusals(TooManyRequests):
    """`rate_limited`, because an address was refused too often."""


class RateLimit:
    """At most so many of something in a window, for each of many. window_ms: its length."""

    def __init__(self, window_ms: int, capacity: int = 100_000) -> None:
        self._window_ms = window_ms
        self._capacity = capacity
        self._counts: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def take(self, who: str, limit: int, now_ms: int) -> None:
        """Count one more. Raises TooManyRequests when the window's are used up."""
        current = now_ms // self._window_ms
        window, count = self._counts.pop(who, (current, 0))
        taken = count if window == current else 0
        self._counts[who] = (current, taken + (taken < limit))
        if len(self._counts) > self._capacity:
            self._counts.popitem(last=False)
        if taken >= limit:
            raise TooManyRequests(-((now_ms % self._window_ms - self._window_ms) // 1000))


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left to somebody. granted: this one may go on. remaining: how many more may at once. full_s: when all of them may."""

    granted: bool
    limit: int
    remaining: int
    full_s: int


class Allowances:
    """So many a second for each of many, and a burst at once by whoever was silent for a while."""

    def __init__(self, per_second: int, burst: int, capacity: int = 100_000) -> None:
        self._per_second = per_second
        self._burst = burst
        self._capacity = capacity
        # What is left is counted in thousandths, so that every millisecond gives some back.
        self._left: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def take(self, who: str, now_ms: int) -> Allowance:
        """Use one, if there is one; a clock that goes back gives nothing."""
        whole = self._burst * 1000
        left, then_ms = self._left.pop(who, (whole, now_ms))
        left = min(whole, left + max(0, now_ms - then_ms) * self._per_second)
        granted = left >= 1000
        left -= 1000 if granted else 0
        self._left[who] = (left, now_ms)
        if len(self._left) > self._capacity:
            self._left.popitem(last=False)
        return Allowance(granted, self._burst, left // 1000, -((left - whole) // (1000 * self._per_second)))


class RefusalLimit:
    """At most `limit` refusals a minute for an address; an IPv6 address counts as its /64 (protocol-embed.md section 9).

    window_ms: another time than a minute.
    """

    def __init__(self, limit: int, capacity: int = 100_000, *, window_ms: int = _WINDOW_MS) -> None:
        self._limit = limit
        self._capacity = capacity
        self._window_ms = window_ms
        self._counts: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def check(self, address: str, now_ms: int) -> None:
        """Raises TooManyRefusals when the address has used up its refusals of this minute."""
        if not self._counts:
            return
        window, count = self._counts.get(network_of(address), (0, 0))
        if window == now_ms // self._window_ms and count >= self._limit:
            raise TooManyRefusals((self._window_ms - now_ms % self._window_ms) // 1000 + 1)

    def count(self, address: str, now_ms: int) -> None:
        """Count one refusal."""
        network, current = network_of(address), now_ms // self._window_ms
        window, count = self._counts.pop(network, (current, 0))
        self._counts[network] = (current, count + 1 if window == current else 1)
        if len(self._counts) > self._capacity:
            self._counts.popitem(last=False)


def network_of(address: str) -> str:
    """The address as it is counted and hashed: IPv4 as it is, also inside IPv6, else the /64; anything else as it came."""
    if ":" not in address:
        return address
    try:
        parsed = IPv6Address(address)
    except ValueError:
        return address
    return str(parsed.ipv4_mapped or IPv6Address(int(parsed) >> 64 << 64))
