"""Dates as HTTP writes them: IMF-fixdate and nothing else, to whole seconds, without a look at any clock.

RFC 9110 section 5.6.7. Stricter than it asks of recipients: the two obsolete forms are not read, and the weekday must be right.

    >>> format_http_date(1611438194)
    'Sat, 23 Jan 2021 21:43:14 GMT'
"""

import re

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FIXDATE = re.compile(
    rf"(?:{'|'.join(_DAYS)}), ([0-9]{{2}}) ({'|'.join(_MONTHS)}) ([0-9]{{4}}) ([0-9]{{2}}):([0-9]{{2}}):([0-9]{{2}}) GMT"
)
# The years count from March, so that a leap day is the last day of its year; 400 of them are as many days each time.
_CYCLE_DAYS, _EPOCH_DAYS, _DAY_S = 146_097, 719_468, 86_400


def format_http_date(seconds: int) -> str:
    """Unix seconds as IMF-fixdate, 29 characters. Raises ValueError for a year that has not four digits."""
    days, second_of_day = divmod(seconds, _DAY_S)
    year, month, day = _date_of(days)
    if not 0 <= year <= 9999:
        raise ValueError("no year of four digits")
    minutes, second = divmod(second_of_day, 60)
    hour, minute = divmod(minutes, 60)
    # 1 January 1970 was a Thursday.
    weekday = _DAYS[(days + 3) % 7]
    return f"{weekday}, {day:02} {_MONTHS[month - 1]} {year:04} {hour:02}:{minute:02}:{second:02} GMT"


def parse_http_date(text: str) -> int:
    """Unix seconds of an IMF-fixdate. Raises ValueError for any other text, also for a day that is not, or a wrong weekday."""
    found = _FIXDATE.fullmatch(text)
    if found is None:
        raise ValueError("not IMF-fixdate")
    day, year, hour, minute, second = (int(found[group]) for group in (1, 3, 4, 5, 6))
    seconds = _days_of(year, _MONTHS.index(found[2]) + 1, day) * _DAY_S + hour * 3600 + minute * 60 + second
    # What is not written back the same is no date: 31 February, 24:00:00, a Sunday that was a Saturday.
    if format_http_date(seconds) != text:
        raise ValueError("no such date")
    return seconds


def _days_of(year: int, month: int, day: int) -> int:
    """Days since 1 January 1970, in the Gregorian calendar."""
    cycle, year_of_cycle = divmod(year - (month <= 2), 400)
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return cycle * _CYCLE_DAYS + year_of_cycle * 365 + year_of_cycle // 4 - year_of_cycle // 100 + day_of_year - _EPOCH_DAYS


def _date_of(days: int) -> tuple[int, int, int]:
    """Year, month and day; the inverse of `_days_of`."""
    cycle, day_of_cycle = divmod(days + _EPOCH_DAYS, _CYCLE_DAYS)
    year_of_cycle = (day_of_cycle - day_of_cycle // 1460 + day_of_cycle // 36524 - day_of_cycle // 146_096) // 365
    day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle // 4 - year_of_cycle // 100)
    month_from_march = (5 * day_of_year + 2) // 153
    month = (month_from_march + 2) % 12 + 1
    return cycle * 400 + year_of_cycle + (month <= 2), month, day_of_year - (153 * month_from_march + 2) // 5 + 1
