"""Times on the pages that people see."""

from datetime import UTC, datetime

from markupsafe import Markup


def shown_time(ms: int, now_ms: int) -> Markup:
    """A time of UTC that a page's script turns into the reader's; with its date if that is not today's."""
    time, now = (datetime.fromtimestamp(each // 1000, UTC) for each in (ms, now_ms))
    text = time.strftime("%H:%M UTC" if time.date() == now.date() else "%Y-%m-%d %H:%M UTC")
    return Markup('<time datetime="{}">{}</time>').format(time.strftime("%Y-%m-%dT%H:%M:%SZ"), text)
