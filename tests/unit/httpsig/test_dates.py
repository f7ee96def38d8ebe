import random
from email.utils import formatdate

import pytest

from accredit.httpsig import format_http_date, parse_http_date


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (784111777, "Sun, 06 Nov 1994 08:49:37 GMT"),  # RFC 9110 section 5.6.7
        (1611438194, "Sat, 23 Jan 2021 21:43:14 GMT"),
        (951782400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
        (253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"),
        (-62167219200, "Sat, 01 Jan 0000 00:00:00 GMT"),
    ],
)
def test_writes_and_reads_imf_fixdate(seconds: int, text: str) -> None:
    assert format_http_date(seconds) == text
    assert parse_http_date(text) == seconds


def test_agrees_with_the_standard_library_on_four_centuries_of_days() -> None:
    drawn = random.Random(9110)
    for day in range(-10957, 135140, 7):
        seconds = day * 86400 + drawn.randrange(86400)
        text = formatdate(seconds, usegmt=True)
        assert format_http_date(seconds) == text
        assert parse_http_date(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Mon, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 06 Nov 1994 08:49:37 GMT\n",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT",
        "Sat, 31 Dec 2016 23:59:60 GMT",
        "Wed, 31 Feb 2021 00:00:00 GMT",
        "Mon, 29 Feb 2021 00:00:00 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, ٠٦ Nov 1994 08:49:37 GMT",
    ],
)
def test_reads_no_other_text(text: str) -> None:
    with pytest.raises(ValueError, match="date"):
        parse_http_date(text)


@pytest.mark.parametrize("seconds", [253402300800, -62167219201, 10**15])
def test_writes_no_year_beyond_four_digits(seconds: int) -> None:
    with pytest.raises(ValueError, match="four digits"):
        format_http_date(seconds)
