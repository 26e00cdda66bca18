"""
When rows appear is measured, and the look-back follows from it.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from relay.normalise.visibility import AT_END, AT_START, ENOUGH_SAMPLES, UNKNOWN, Sighting, Visibility
from relay.testing.manual_clock import DEFAULT_START

SECOND = timedelta(seconds=1)
FOUR_HOURS = timedelta(hours=4)


def open_row() -> Sighting:
    """
    Return a row that was seen while its call lasted.
    """
    return Sighting(DEFAULT_START, None, DEFAULT_START - 5 * SECOND, DEFAULT_START + 5 * SECOND)


def row_at_its_end(late_s: int = 0, talked_s: int = 100) -> Sighting:
    """
    Return a row that was not shown while its call lasted.
    """
    end = DEFAULT_START + talked_s * SECOND
    return Sighting(DEFAULT_START, end, end - 20 * SECOND, end + (late_s + 5) * SECOND)


def short_call() -> Sighting:
    """
    Return a call that was over before anybody could look: it says nothing of when rows appear.
    """
    return Sighting(
        DEFAULT_START, DEFAULT_START + 4 * SECOND, DEFAULT_START - SECOND, DEFAULT_START + 10 * SECOND
    )


@pytest.mark.parametrize(("row", "verdict"), [(open_row(), AT_START), (row_at_its_end(), AT_END)])
def test_most_rows_decide(row: Sighting, verdict: str) -> None:
    seen = Visibility()
    seen.learn([row] * (ENOUGH_SAMPLES - 1))
    before = seen.appears_at

    changed_from = seen.learn([row])

    assert (UNKNOWN, verdict, None) == (before, seen.appears_at, changed_from)


def test_calls_too_short_to_tell_decide_nothing() -> None:
    seen = Visibility()

    seen.learn([short_call()] * 500)

    assert UNKNOWN == seen.appears_at


def test_a_vendor_that_changes_is_noticed_once() -> None:
    seen = Visibility()
    seen.learn([open_row()] * 100)

    changes = [seen.learn([row_at_its_end()] * 50) for _ in range(12)]

    assert [AT_START] == [change for change in changes if change is not None]
    assert AT_END == seen.appears_at


def test_the_lookback_grows_with_how_late_rows_come_and_never_below_the_configured_one() -> None:
    prompt, late = Visibility(), Visibility()
    prompt.learn([row_at_its_end()] * 100)
    late.learn([row_at_its_end(late_s=2 * 3600)] * 100)

    assert (120, 9_600) == (prompt.late_s, late.late_s)
    assert FOUR_HOURS == prompt.lookback(FOUR_HOURS)
    assert timedelta(seconds=3 * 9_600) == late.lookback(FOUR_HOURS)


def test_one_late_row_in_a_thousand_counts_and_one_in_ten_thousand_does_not() -> None:
    often, seldom = Visibility(), Visibility()
    often.learn([*[open_row()] * 990, *[row_at_its_end(late_s=3600)] * 10])
    seldom.learn([*[open_row()] * 1_999, row_at_its_end(late_s=3600)])

    assert (4_800, 15) == (often.late_s, seldom.late_s)


def test_too_few_rows_say_nothing_of_lateness() -> None:
    seen = Visibility()
    seen.learn([row_at_its_end(late_s=9_000)] * (ENOUGH_SAMPLES - 1))

    assert None is seen.late_s
    assert FOUR_HOURS == seen.lookback(FOUR_HOURS)


def test_it_is_kept_and_read_back() -> None:
    seen = Visibility()
    seen.learn([open_row(), row_at_its_end(), *[short_call()] * 30])

    assert seen == Visibility.of_json(seen.as_json())
    assert Visibility() == Visibility.of_json({})
