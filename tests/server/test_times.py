"""Times: whole milliseconds inside, RFC 3339 on the wire."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.server.times import epoch_ms, wire_time

LAST_MS = 253_402_300_799_999


@given(st.integers(0, LAST_MS))
def test_what_is_written_reads_as_the_same_time(ms: int) -> None:
    text = wire_time(ms)
    assert len(text) == 24
    assert epoch_ms(datetime.fromisoformat(text)) == ms


@given(st.lists(st.integers(0, LAST_MS), min_size=2, max_size=2))
def test_texts_sort_as_times_do(pair: list[int]) -> None:
    assert sorted(map(wire_time, pair)) == list(map(wire_time, sorted(pair)))


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
        (1_709_251_200_000, "2024-03-01T00:00:00.000Z"),
        (LAST_MS, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_days_and_leap_days(ms: int, text: str) -> None:
    assert wire_time(ms) == text


def test_a_moment_outside_the_years_becomes_the_nearest_inside() -> None:
    far = timezone(timedelta(hours=14))
    assert epoch_ms(datetime.min.replace(tzinfo=far)) == 0
    assert epoch_ms(datetime.max.replace(tzinfo=timezone(-timedelta(hours=14)))) == LAST_MS
    assert epoch_ms(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)) == 1000
