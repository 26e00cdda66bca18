"""
Instants in code, in the journal and in JSON.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.model.times import (
    from_ms,
    from_rfc3339,
    from_vendor,
    rfc3339,
    rfc3339_or_null,
    seconds_between,
    to_ms,
)

SYDNEY = ZoneInfo("Australia/Sydney")
PROFILE = settings(derandomize=True, database=None, deadline=None, max_examples=100)
INSTANTS = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@PROFILE
@given(INSTANTS)
def test_an_instant_written_and_read_back_is_the_same_to_the_millisecond(instant: datetime) -> None:
    whole = instant.replace(microsecond=instant.microsecond // 1000 * 1000)

    assert whole == from_rfc3339(rfc3339(instant)) == from_ms(to_ms(instant))
    assert 24 == len(rfc3339(instant))
    assert rfc3339(whole) == rfc3339(instant)


def test_milliseconds_are_always_written() -> None:
    assert "2026-11-21T10:00:00.000Z" == rfc3339(datetime(2026, 11, 21, 10, tzinfo=UTC))
    assert "2026-11-21T10:00:00.999Z" == rfc3339(datetime(2026, 11, 21, 10, 0, 0, 999_999, tzinfo=UTC))
    assert rfc3339_or_null(None) is None


def test_milliseconds_are_rounded_down_before_1970_too() -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)

    assert [0, 0, -1, 1_000] == [to_ms(epoch + timedelta(microseconds=us)) for us in (0, 999, -1, 1_000_000)]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-07-01T10:00:00", (2026, 7, 1, 0)),
        ("2026-12-01T11:00:00", (2026, 12, 1, 0)),
        ("2026-12-01 11:00:00", (2026, 12, 1, 0)),
        ("2026-12-01T11:00:00+11:00", (2026, 12, 1, 0)),
        ("2026-12-01T05:30:00+05:30", (2026, 12, 1, 0)),
        ("2026-12-01T00:00:00Z", (2026, 12, 1, 0)),
        ("2026-11-30T19:00:00.000-05:00", (2026, 12, 1, 0)),
        ("2026-04-05T01:59:59", (2026, 4, 4, 14, 59, 59)),
        ("2026-04-05T02:00:00", (2026, 4, 4, 15)),  # twice that night: the first pass
        ("2026-04-05T03:00:00", (2026, 4, 4, 17)),
        ("2026-10-04T01:59:59", (2026, 10, 3, 15, 59, 59)),
        ("2026-10-04T03:00:00", (2026, 10, 3, 16)),
    ],
)
def test_a_vendors_time_is_wall_clock_time_unless_it_has_an_offset(
    text: str, instant: tuple[int, int, int]
) -> None:
    read = from_vendor(text, SYDNEY)

    assert datetime(*instant, tzinfo=UTC) == read
    assert UTC is read.tzinfo


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00:00", "10:00:00", "1795257600"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        from_vendor(text, SYDNEY)


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [
        (0.0, 90.0, 90),
        (0.0, 89.999, 89),
        (0.0, 0.0, 0),
        (1.0, 0.0, None),
        (None, 1.0, None),
        (0.0, None, None),
    ],
)
def test_seconds_between_are_whole_and_never_made_up(
    start: float | None, end: float | None, seconds: int | None
) -> None:
    first, second = (None if at is None else from_ms(round(at * 1000)) for at in (start, end))

    assert seconds == seconds_between(first, second)


def test_seconds_between_zones_are_those_between_instants() -> None:
    start = datetime(2026, 11, 21, 10, tzinfo=UTC)
    end = datetime(2026, 11, 21, 21, 0, 5, tzinfo=timezone(timedelta(hours=11)))

    assert 5 == seconds_between(start, end)
