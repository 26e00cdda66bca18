"""
Times without an offset in the hour that the clocks repeat: what a page proves about the pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.model.call import QUEUE_CALLS, USER_CALLS
from relay.normalise.voipcloud_folds import folds, repeated
from tests.normalise.office import Row, queue_row, user_row

SYDNEY: Final = ZoneInfo("Australia/Sydney")  # 2026-04-05: 03:00 becomes 02:00
LORD_HOWE: Final = ZoneInfo("Australia/Lord_Howe")  # 2026-04-05: 02:00 becomes 01:30
# The night of each zone, in UTC, in the middle of the two passes.
NIGHTS: Final = {
    "Australia/Sydney": datetime(2026, 4, 4, 16, 0, tzinfo=UTC),
    "Australia/Lord_Howe": datetime(2026, 4, 4, 15, 0, tzinfo=UTC),
    "America/New_York": datetime(2026, 11, 1, 6, 0, tzinfo=UTC),
    "Europe/London": datetime(2026, 10, 25, 1, 0, tzinfo=UTC),
    "America/Havana": datetime(2026, 11, 1, 5, 0, tzinfo=UTC),  # 01:00 becomes midnight
}
LATER: Final = datetime(2026, 4, 5, 12, 0, tzinfo=UTC)
NO_SKEW: Final = timedelta(0)


def night(clock: str) -> str:
    """
    Return a wall-clock time of that night.
    """
    return f"2026-04-05T{clock}:00"


def users(*starts: str) -> list[Row]:
    """
    Return open calls, newest first, of which nothing but the start is known.
    """
    return [user_row(0, 0, call_start_at=night(start), call_finished_at=None) for start in starts]


def passes(
    rows: Sequence[Row], now: datetime = LATER, zone: ZoneInfo = SYDNEY, skew: timedelta = NO_SKEW
) -> list[int | None]:
    """
    Return the fold of each row; None where its time is not repeated.
    """
    found = folds(USER_CALLS, rows, zone, now, skew)
    return [found.get(place) for place in range(len(rows))]


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        (["02:50", "02:10"], [1, 1]),
        (["02:10", "02:50"], [1, 0]),
        (["03:10", "02:10", "02:50", "02:20", "01:59"], [None, 1, 0, 0, None]),
        (["02:30", "02:30", "02:31", "02:00", "02:59"], [1, 1, 0, 0, 0]),
        (["03:00", "01:59"], [None, None]),
        ([], []),
    ],
)
def test_where_the_clock_rises_going_down_the_second_pass_is_left(
    starts: list[str], expected: list[int | None]
) -> None:
    assert expected == passes(users(*starts))


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        (["02:10", "01:40"], [None, 1]),
        (["01:35", "01:50", "01:31"], [1, 0, 0]),
        (["02:00", "01:30", "01:59", "01:29"], [None, 1, 0, None]),
    ],
)
def test_a_repeated_half_hour_is_one_too(starts: list[str], expected: list[int | None]) -> None:
    assert expected == passes(users(*starts), zone=LORD_HOWE)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-04-04T15:31:00", 0),  # 02:31 in the first pass
        ("2026-04-04T16:27:00", 0),  # 02:27 in the second: not even 120 s of clocks that differ make it so
        ("2026-04-04T16:29:00", 1),
        ("2026-04-04T16:31:00", 1),
    ],
)
def test_no_call_began_after_now(now: str, expected: int) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)

    assert [expected] == passes(users("02:30"), at)
    assert [expected] == passes(users("02:30"), at - timedelta(minutes=20), skew=timedelta(minutes=20))


@pytest.mark.parametrize(
    ("start", "finish", "duration_s", "expected"),
    [
        ("02:50", "03:10", 1_200, 1),
        ("02:50", "03:10", 4_800, 0),
        ("02:50", "03:10", 4_801, 0),
        ("02:50", "02:10", 1_200, 0),  # from one pass into the other
        ("02:10", "02:50", 2_400, 1),  # within one: either
        ("02:10", "02:50", 6_000, 0),
        ("02:10", "02:50", 77, 1),  # that duration fits nothing
        ("02:10", None, 600, 1),
    ],
)
def test_the_duration_of_a_call_tells_when_it_began(
    start: str, finish: str | None, duration_s: int, expected: int
) -> None:
    row = user_row(0, 0, call_start_at=night(start), call_duration=duration_s)
    row["call_finished_at"] = finish and night(finish)

    assert [expected] == passes([row])


def test_a_call_that_goes_on_for_longer_than_the_second_pass_began_in_the_first() -> None:
    row = user_row(0, 0, call_start_at=night("02:10"), call_finished_at=None, call_duration=3_000)

    assert [0] == passes([row], datetime(2026, 4, 4, 16, 30, tzinfo=UTC))
    assert [1] == passes([row], datetime(2026, 4, 4, 17, 5, tzinfo=UTC))


@pytest.mark.parametrize(
    ("start", "answer", "finish", "expected"),
    [
        ("02:50", "02:55", "03:10", 1),
        ("02:50", "02:05", "03:10", 0),
        ("02:50", None, "02:20", 0),
        ("02:50", None, "02:55", 1),
    ],
)
def test_a_queue_answers_and_ends_no_call_before_it_began(
    start: str, answer: str | None, finish: str, expected: int
) -> None:
    row = queue_row(0, 0, call_start_at=night(start), call_finished_at=night(finish))
    row["call_answered_at"] = answer and night(answer)

    assert {0: expected} == folds(QUEUE_CALLS, [row], SYDNEY, LATER, NO_SKEW)


def test_what_one_row_proves_holds_for_the_rows_below_it() -> None:
    first_pass = user_row(0, 0, call_start_at=night("02:40"), call_finished_at=night("03:40"))
    first_pass["call_duration"] = 7_200

    rows = [*users("02:45"), first_pass, *users("02:20", "02:05")]

    assert [1, 0, 0, 0] == passes(rows)


@pytest.mark.parametrize(
    "start",
    ["2026-04-05T02:30:00+11:00", "2026-04-04T16:30:00Z", "2026-07-01T02:30:00", "2026-10-04T02:30:00"],
)
def test_a_time_that_is_one_instant_needs_no_pass(start: str) -> None:
    assert {} == folds(USER_CALLS, [{"call_start_at": start}], SYDNEY, LATER, NO_SKEW)
    assert repeated(start, SYDNEY) is None


@pytest.mark.parametrize(
    "odd",
    [
        {}, {"call_start_at": None}, {"call_start_at": "not a date"}, {"call_start_at": 12},
        {"call_start_at": "0001-01-01T00:00:00"}, {"call_start_at": "9999-12-31T23:59:59"},
        {"call_start_at": "2026-04-05"}, {"unreadable": "…"},
    ],
    ids=str,
)  # fmt: skip
def test_a_row_that_cannot_be_read_hinders_no_other(odd: Row) -> None:
    rows = [odd, *users("02:10"), odd, *users("02:50"), odd]
    found = folds(USER_CALLS, rows, SYDNEY, LATER, NO_SKEW)

    assert (1, 0) == (found[1], found[3])


@pytest.mark.parametrize("value", [None, "600", 10**30, -1, True, [], "not a date", "0001-01-01T00:00:00"])
@pytest.mark.parametrize("column", ["call_finished_at", "call_duration", "call_answered_at"])
def test_whatever_the_other_columns_hold_there_is_a_pass(column: str, value: Any) -> None:
    assert [None] != passes([user_row(0, 0, call_start_at=night("02:10")) | {column: value}])


@settings(derandomize=True, database=None, deadline=None, max_examples=300)
@given(
    st.sampled_from(list(NIGHTS)),
    st.lists(st.tuples(st.integers(-7_000, 7_000), st.integers(0, 9_000), st.booleans()), max_size=25),
    st.integers(-3_600, 10_000),
)
def test_every_call_is_read_at_its_time_or_at_the_latest_that_the_page_allows(
    zone_name: str, calls: list[tuple[int, int, bool]], now_s: int
) -> None:
    zone, middle = ZoneInfo(zone_name), NIGHTS[zone_name]
    now = middle + timedelta(seconds=now_s)
    truth = sorted((middle + timedelta(seconds=start), lasts, known) for start, lasts, known in calls)
    truth = [call for call in truth if call[0] <= now][::-1]
    rows = [seen(zone, now, *call) for call in truth]

    found = folds(USER_CALLS, rows, zone, now, NO_SKEW)

    read = [
        datetime.fromisoformat(row["call_start_at"]).replace(tzinfo=zone, fold=found.get(place, 0))
        for place, row in enumerate(rows)
    ]
    instants = [at.astimezone(UTC) for at in read]
    assert sorted(instants, reverse=True) == instants
    assert all(at >= began for at, (began, _, _) in zip(instants, truth, strict=True))
    assert all(at <= now + timedelta(seconds=120) for at in instants)
    for at, (began, lasts, known) in zip(instants, truth, strict=True):
        end = began + timedelta(seconds=lasts)
        if known and end <= now and repeated(wall(zone, end), zone) is None:
            assert began == at  # its finish is one instant, and its duration leads back from it


def wall(zone: ZoneInfo, at: datetime) -> str:
    """
    Write a time as the wall clock shows it.
    """
    return at.astimezone(zone).replace(tzinfo=None).isoformat()


def seen(zone: ZoneInfo, now: datetime, began: datetime, lasts: int, has_duration: bool) -> Row:
    """
    Return the row of a call as it stands now.
    """
    end = began + timedelta(seconds=lasts)
    row = {"call_start_at": wall(zone, began), "call_finished_at": wall(zone, end) if end <= now else None}
    return row | {"call_duration": int((min(end, now) - began).total_seconds())} if has_duration else row
