"""What an answer means, or that there was none (protocol-webhooks.md section 9). Pure.

judge_answer(200, None, now_ms).succeeded           # True
judge_answer(429, "120", now_ms).retry_after_ms     # 120000
judge_failure("response_timeout").error             # "response_timeout"
"""

from dataclasses import dataclass

from accredit.server.events.schedule import BARE_429_MS, parse_retry_after

_TIMEOUTS = ("connect_timeout", "response_timeout")
_GONE, _TOO_MANY, _UNAVAILABLE = 410, 429, 503


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of an attempt. status: of the answer, None without one. error: None for a success, else a code of section 10.

    retry_after_ms: how long the receiver wants to be left alone.
    """

    status: int | None
    error: str | None
    retry_after_ms: int | None = None

    @property
    def succeeded(self) -> bool:
        """The receiver has it."""
        return self.error is None

    @property
    def gone(self) -> bool:
        """The receiver is not there any more, and says so."""
        return self.status == _GONE

    @property
    def timed_out(self) -> bool:
        """It took longer than it may."""
        return self.error in _TIMEOUTS

    @property
    def answered(self) -> bool:
        """Somebody is there, whatever they said."""
        return self.status is not None


def judge_answer(status: int, retry_after: str | None, now_ms: int) -> Verdict:
    """The verdict on an answer. retry_after: the header's value."""
    if 200 <= status < 300:
        return Verdict(status, None)
    if 300 <= status < 400:
        return Verdict(status, "redirect_refused")
    wanted_ms = parse_retry_after(retry_after, now_ms) if status in (_TOO_MANY, _UNAVAILABLE) else None
    if wanted_ms is None and status == _TOO_MANY:
        wanted_ms = BARE_429_MS
    return Verdict(status, f"status_{status}", wanted_ms)


def judge_failure(code: str) -> Verdict:
    """The verdict where no answer came, or the guard refused."""
    return Verdict(None, code)
