"""
How far a phone system's clock is from ours, by the Date header of its answers.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from relay.model.call import USER_CALLS
from relay.sources.port import Window
from relay.sources.voipcloud.source import VoipcloudSource
from relay.sources.wire import Answer, clock_skew
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
