"""
How far a phone system's clock is from ours, by the Date header of its answers.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from relay.model.call import USER_CALLS
from relay.sources.clock_skew import ClockSkew, Skew, age_of, clock_skew
from relay.sources.port import Window
from relay.sources.voipcloud.source import VoipcloudSource
from relay.sources.wire import Answer
from relay.testing.manual_clock import ManualClock
from tests.sources.vendor import Vendor

NOW = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)


def told(date: str) -> timedelta:
    """
    Return the skew that a Date header tells.
    """
    return clock_skew(Answer(200, {"date": date}, b""), NOW)


@pytest.mark.parametrize("seconds", [-300, -20, -3, 3, 20, 300])
def test_a_clock_that_differs_is_told(seconds: int) -> None:
    date = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)

    assert timedelta(seconds=seconds + 0.5) == told(date)


@pytest.mark.parametrize("seconds", [-2, -1, 0, 1])
def test_a_second_either_way_is_the_header_and_not_the_clock(seconds: int) -> None:
    assert timedelta(0) == told(format_datetime(NOW + timedelta(seconds=seconds), usegmt=True))


@pytest.mark.parametrize("date", ["", "soon", "Thu, 01 Jan 1970 00:00:00 GMT", "2026-11-21T01:00:00Z"])
def test_what_is_no_good_date_tells_nothing(date: str) -> None:
    assert timedelta(0) == told(date)


async def test_a_page_tells_the_clock_it_was_written_by(
    vendor: Vendor, source: VoipcloudSource, clock: ManualClock
) -> None:
    vendor.answers(b"[]", headers={"Date": format_datetime(clock.now() - timedelta(seconds=20), usegmt=True)})

    page = await source.pull(USER_CALLS, Window(clock.now() - timedelta(hours=4)))

    assert timedelta(seconds=-19.5) == page.skew


@pytest.mark.parametrize("age", ["300", " 300 "])
@pytest.mark.parametrize("skew_s", [0, 20])
async def test_an_answer_of_a_cache_claims_nothing_later_than_when_it_was_made(
    vendor: Vendor, source: VoipcloudSource, clock: ManualClock, age: str, skew_s: int
) -> None:
    made_at = clock.now() - timedelta(seconds=300) + timedelta(seconds=skew_s)
    vendor.answers(b"[]", headers={"Age": age, "Date": format_datetime(made_at, usegmt=True)})

    page = await source.pull(USER_CALLS, Window(clock.now() - timedelta(hours=4)))

    skew = timedelta(seconds=skew_s + 0.5) if skew_s else timedelta(0)
    assert (skew, clock.now() - timedelta(seconds=300)) == (page.skew, page.requested_at)
    assert page.requested_at + skew == page.covered_to


async def test_an_answer_older_than_the_window_covers_nothing(
    vendor: Vendor, source: VoipcloudSource, clock: ManualClock
) -> None:
    vendor.answers(b"[]", headers={"Age": "7200"})

    page = await source.pull(USER_CALLS, Window(clock.now() - timedelta(hours=1)))

    assert clock.now() - timedelta(hours=2) == page.covered_from == page.covered_to


@pytest.mark.parametrize(
    ("told_s", "likely_s", "least_s"),
    [
        ([30], 30, 30),
        ([0, 0, 21_600], 0, 0),  # one wrong header
        ([0, 0, -21_600], 0, -21_600),
        ([0, 21_600, 21_600], 21_600, 0),
        ([0, 0, 21_600, 21_600, 21_600], 21_600, 21_600),  # the clock was set
        ([60, 60, -60, -60], -60, -60),
    ],
)
def test_one_header_does_not_move_the_clock_and_proves_nothing_of_the_future(
    told_s: list[int], likely_s: int, least_s: int
) -> None:
    of_source, skew = ClockSkew(), None
    for seconds in told_s:
        date = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
        skew = of_source.after(Answer(200, {"date": date}, b""), NOW)

    def of(seconds: int) -> timedelta:
        return timedelta(seconds=seconds + 0.5 if seconds else 0)

    assert Skew(of(likely_s), of(least_s)) == skew


async def test_a_page_with_one_wrong_date_claims_no_hour_that_is_to_come(
    vendor: Vendor, source: VoipcloudSource, clock: ManualClock
) -> None:
    window = Window(clock.now() - timedelta(hours=4))
    vendor.answers(b"[]")
    await source.pull(USER_CALLS, window)
    vendor.answers(b"[]", headers={"Date": format_datetime(clock.now() + timedelta(hours=6), usegmt=True)})
    page = await source.pull(USER_CALLS, window)

    assert timedelta(0) == page.skew
    assert page.requested_at == page.covered_to


@pytest.mark.parametrize("age", ["", "0", "-5", "soon", "1.5", "٣"])
def test_what_is_no_age_is_none(age: str) -> None:
    assert timedelta(0) == age_of(Answer(200, {"age": age}, b""))


def test_an_age_that_no_clock_holds_is_a_long_one() -> None:
    answer = Answer(200, {"age": "9" * 5_000, "date": "Fri, 31 Dec 9999 23:59:59 GMT"}, b"")

    assert timedelta(days=365) < age_of(answer)
    assert timedelta(0) == clock_skew(answer, NOW)
