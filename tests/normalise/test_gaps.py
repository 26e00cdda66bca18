"""
Gaps follow from the coverage.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from relay.model.coverage import Gap, Interval
from relay.normalise.gaps import Duty, gap_changes, settled_up_to, unread, with_read
from relay.testing.manual_clock import DEFAULT_START

SPANS = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 10)), max_size=8)


def at(minute: int) -> datetime:
    """
    Return an instant, so many minutes after the start.
    """
    return DEFAULT_START + timedelta(minutes=minute)


def span(start: int, end: int) -> Interval:
    """
    Return an interval in minutes after the start.
    """
    return Interval(at(start), at(end))


def duty(now: int, tolerance: int = 5) -> Duty:
    """
    Return what a stream owes since minute 0.
    """
    return Duty("user_calls", at(0), at(now), at(now), timedelta(minutes=tolerance), "timeout")


def gap(start: int, end: int | None, opened: int) -> Gap:
    """
    Return an open gap.
    """
    return Gap("user_calls", at(start), None if end is None else at(end), "timeout", at(opened))


def test_time_that_was_just_not_read_yet_is_no_gap() -> None:
    assert [] == gap_changes(duty(now=14), [span(0, 10)], [])


def test_time_that_stays_unread_becomes_a_gap_that_grows() -> None:
    assert [gap(10, None, opened=16)] == gap_changes(duty(now=16), [span(0, 10)], [])


def test_a_gap_that_is_known_is_no_news() -> None:
    assert [] == gap_changes(duty(now=30), [span(0, 10)], [gap(10, None, opened=16)])


def test_a_read_that_reaches_back_closes_the_gap_up_to_its_own_time() -> None:
    known = gap(10, None, opened=16)

    changes = gap_changes(duty(now=40), [span(0, 39)], [known], rows_recovered=7)

    assert [replace(known, end=at(39), closed_at=at(40), rows_recovered=7)] == changes


def test_a_read_that_does_not_reach_back_leaves_a_hole() -> None:
    known = gap(10, None, opened=16)
    covered = [span(0, 10), span(35, 40)]

    assert [replace(known, end=at(35))] == gap_changes(duty(now=40), covered, [known])
    assert [] == gap_changes(duty(now=41), [span(0, 10), span(35, 41)], [replace(known, end=at(35))])


def test_a_gap_that_was_read_in_part_is_closed_so_far_and_open_from_there_on() -> None:
    known = replace(gap(10, 100, 12), reason="auth")
    first, second = gap_changes(duty(200), [span(0, 30), span(100, 200)], [known], 7)

    assert (at(10), at(30), at(200), 7) == (first.start, first.end, first.closed_at, first.rows_recovered)
    assert replace(known, start=at(30)) == second


def test_a_hole_and_what_was_not_read_since_are_two_gaps() -> None:
    changes = gap_changes(duty(now=60), [span(0, 10), span(20, 30)], [])

    assert [gap(10, 20, opened=60), gap(30, None, opened=60)] == changes


def test_a_stream_that_was_never_read_owes_everything() -> None:
    assert [gap(0, None, opened=9)] == gap_changes(duty(now=9), [], [])


@settings(derandomize=True, database=None, deadline=None, max_examples=300)
@given(SPANS)
def test_read_and_unread_are_all_of_the_time_once(spans: list[tuple[int, int]]) -> None:
    covered: list[Interval] = []
    for start, length in spans:
        covered = with_read(covered, span(start, start + length))

    read = {m for one in covered for m in range(70) if one.start <= at(m) < one.end}
    holes = {m for one in unread(covered, at(0), at(70)) for m in range(70) if one.start <= at(m) < one.end}
    assert {m for start, length in spans for m in range(start, start + length)} == read
    assert set(range(70)) - read == holes
    assert covered == sorted(covered, key=lambda one: one.start)
    assert all(a.end < b.start for a, b in pairwise(covered))


def test_nothing_is_complete_behind_a_hole_an_open_gap_or_what_was_read_too_early() -> None:
    covered = [span(0, 30), span(40, 90)]

    assert [at(20), at(30), at(12), at(0), at(5)] == [
        settled_up_to(covered, at(0), [], at(20)),
        settled_up_to(covered, at(0), [], at(60)),
        settled_up_to(covered, at(0), [gap(12, 14, opened=30)], at(20)),
        settled_up_to(covered, at(0), [], None),
        settled_up_to(covered, at(5), [gap(1, 2, opened=3)], at(20)),
    ]
