"""
How far back a turn reads.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from relay.model.coverage import DEEP, HEAD, WINDOW
from relay.pipeline.tiers import LONGEST_CALL, SLACK, Standing, Turn, head_rows, next_read
from relay.sources.port import Window
from relay.testing.manual_clock import DEFAULT_START

NOW = DEFAULT_START
MINUTE = timedelta(minutes=1)
LOOKBACK = timedelta(hours=4)
DEEP_EVERY = timedelta(minutes=15)
FRESH = Standing(read_to=NOW - MINUTE, deep_at=NOW - 5 * MINUTE, window_at=NOW - 5 * MINUTE)


def turn(standing: Standing, first_from: datetime = NOW) -> Turn:
    """
    Return what the next turn reads.
    """
    return next_read(standing, first_from, LOOKBACK, DEEP_EVERY, NOW)


def test_most_turns_read_the_newest_rows_only() -> None:
    assert Turn(HEAD, Window(NOW - LOOKBACK, rows=200)) == turn(FRESH)


@pytest.mark.parametrize("first_from", [NOW, NOW - timedelta(days=3)])
def test_the_first_read_reaches_back_to_where_publishing_begins_or_the_lookback(first_from: datetime) -> None:
    never = Standing(read_to=None, deep_at=None, window_at=None)

    assert Turn(DEEP, Window(min(first_from, NOW - LOOKBACK))) == turn(never, first_from)


def test_after_a_restart_the_first_read_reaches_a_lookback_behind_where_relay_had_got() -> None:
    standing = Standing(read_to=NOW - timedelta(days=1), deep_at=None, window_at=None)

    assert Turn(DEEP, Window(NOW - timedelta(days=1) - LOOKBACK)) == turn(standing)


def test_the_whole_lookback_is_read_now_and_then() -> None:
    assert DEEP == turn(replace(FRESH, deep_at=NOW - DEEP_EVERY)).tier


def test_open_calls_are_read_in_between() -> None:
    standing = replace(FRESH, oldest_open=NOW - 50 * MINUTE)

    assert Turn(WINDOW, Window(NOW - 50 * MINUTE - SLACK)) == turn(standing)
    assert HEAD == turn(replace(standing, window_at=NOW - MINUTE)).tier


def test_what_may_still_change_keeps_its_day_in_a_deep_read() -> None:
    due = replace(FRESH, deep_at=NOW - DEEP_EVERY)
    unsettled = replace(due, oldest_unsettled=NOW - timedelta(hours=9))
    open_for_ever = replace(due, oldest_open=NOW - timedelta(days=90))

    assert Window(NOW - timedelta(hours=9) - SLACK) == turn(unsettled).window
    assert Window(NOW - LOOKBACK - LONGEST_CALL - SLACK) == turn(open_for_ever).window


@pytest.mark.parametrize(
    "standing",
    [
        replace(FRESH, must_be_deep=True),
        replace(FRESH, read_to=NOW - timedelta(hours=1)),
        replace(FRESH, oldest_gap=NOW - timedelta(hours=20)),
        replace(FRESH, deep_at=NOW + timedelta(hours=6)),  # by a clock that was set back
    ],
)
def test_doubt_is_cleared_up_by_a_deep_read(standing: Standing) -> None:
    chosen = turn(standing)

    assert DEEP == chosen.tier
    assert chosen.window.start <= (standing.oldest_gap or NOW - LOOKBACK)


def test_a_deep_read_of_a_clock_a_little_ahead_counts() -> None:
    assert HEAD == turn(replace(FRESH, deep_at=NOW + SLACK)).tier


def test_a_busy_stream_shows_more_rows_at_its_head() -> None:
    assert [200, 950, 10_000] == [
        head_rows(0.01, timedelta(minutes=10)),
        head_rows(1.0, timedelta(minutes=10)),
        head_rows(20.0, timedelta(hours=1)),
    ]
