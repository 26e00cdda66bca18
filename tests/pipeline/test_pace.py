"""
How fast a source is polled.
"""

from __future__ import annotations

from datetime import timedelta

from relay.model.source_work import Allowance
from relay.pipeline.pace import Pace, PaceSettings
from relay.testing.manual_clock import DEFAULT_START

WINDOW = timedelta(seconds=900)
SETTINGS = PaceSettings(polls=80, per_s=900.0)
NOW = DEFAULT_START


def test_the_budget_is_spread_over_the_window() -> None:
    assert 905 / 80 == Pace(SETTINGS, 3, NOW).pause_s(NOW)


def test_a_longer_pause_that_is_wanted_is_kept() -> None:
    assert 60.0 == Pace(PaceSettings(80, 900.0, least_pause_s=60.0), 3, NOW).pause_s(NOW)


def test_where_nothing_happens_pauses_grow_and_news_end_that() -> None:
    pace = Pace(SETTINGS, 3, NOW)

    grown = [pace.pause_s(NOW + windows * WINDOW) for windows in (1.0, 1.5, 2.0, 3.0, 1_000.0)]
    pace.saw_news(NOW + 1_000 * WINDOW)

    assert grown == sorted(grown)
    assert (905 / 80, 40.0) == (grown[0], grown[-1])
    assert 905 / 80 == pace.pause_s(NOW + 1_000 * WINDOW)


def test_a_refusal_halves_what_polls_use_for_a_window_and_then_it_grows_back() -> None:
    pace = Pace(SETTINGS, 3, NOW)

    refusals = [pace.refused(NOW), pace.refused(NOW + WINDOW / 2)]
    at_once = pace.recovered(NOW + WINDOW / 2)
    after = []
    for window in range(1, 12):
        pace.recovered(NOW + window * WINDOW)
        after.append(pace.polls)

    assert ([True, False], False) == (refusals, at_once)
    assert [44, 48, 52, 56, 60, 64, 68, 72, 76, 80, 80] == after
    assert None is pace.allowance


def test_refusals_in_each_window_leave_one_request() -> None:
    pace = Pace(SETTINGS, 3, NOW)
    for window in range(10):
        pace.refused(NOW + window * WINDOW)

    assert Allowance(1, NOW + 9 * WINDOW) == pace.allowance
    assert 905.0 == pace.pause_s(NOW)
