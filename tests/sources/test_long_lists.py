"""
Lists longer than one page: walked with an overlap that proves itself, whatever happens between the pages.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

import pytest

from relay.journal.store import SqlJournal
from relay.model.call import USER_CALLS
from relay.model.errors import SourceRefused, SourceThrottled, SourceUnreachable
from relay.sources.budget import BudgetSettings
from relay.sources.port import BACKFILL, ROWS_MOVED, TOO_MANY_ROWS, Pull, Window
from relay.sources.voipcloud.source import VoipcloudSource
from relay.testing.manual_clock import ManualClock
from tests.sources.call_list import CallList, Row, call
from tests.sources.vendor import NOON, Vendor, account

WINDOW: Final = Window(NOON - timedelta(hours=4))
PAGE: Final = 20
PAST: Final = Window(NOON - timedelta(hours=4), purpose=BACKFILL)  # waits for nothing
SLACK_OF_THREE: Final = BudgetSettings(requests=20, per_s=900, reserve=12, deadline_s=5)
GENEROUS: Final = BudgetSettings(requests=500, per_s=900, reserve=0, deadline_s=5)


@pytest.fixture
async def source(vendor: Vendor, journal: SqlJournal, clock: ManualClock) -> AsyncIterator[VoipcloudSource]:
    """
    Give an account whose phone system shows 20 rows at once.
    """
    async with account(vendor.url, journal, clock, budget=GENEROUS, largest_page=PAGE) as opened:
        yield opened


def bag(rows: list[Row]) -> Counter[str]:
    """
    Return rows as often as they are there.
    """
    return Counter(map(repr, rows))


def calls(count: int, every_s: int = 10) -> list[Row]:
    """
    Return so many calls, newest first.
    """
    return [call(place * every_s, place % 100) for place in range(count)]


async def pull(vendor: Vendor, source: VoipcloudSource, listed: CallList, window: Window = WINDOW) -> Pull:
    """
    Read a list.
    """
    vendor.handles(listed.answer)
    return await source.pull(USER_CALLS, window)


async def test_a_list_longer_than_a_page_is_read_whole(vendor: Vendor, source: VoipcloudSource) -> None:
    listed = CallList(calls(95))

    read = await pull(vendor, source, listed)

    assert listed.rows == read.rows
    assert (WINDOW.start, NOON, None) == (read.covered_from, read.covered_to, read.cut_by)
    assert (["0", "18", "36", "54", "72", "90"], 6) == (
        [asked["offset"] for asked in listed.asked], read.requests,
    )  # fmt: skip


async def test_a_full_page_that_reaches_beyond_the_window_is_enough(
    vendor: Vendor, source: VoipcloudSource
) -> None:
    window = Window(NOON - timedelta(seconds=150))
    listed = CallList(calls(95))

    read = await pull(vendor, source, listed, window)

    assert (1, window.start) == (read.requests, read.covered_from)


async def test_a_walk_ends_where_the_window_begins(vendor: Vendor, source: VoipcloudSource) -> None:
    window = Window(NOON - timedelta(seconds=250))

    read = await pull(vendor, source, CallList(calls(95)), window)

    assert (2, window.start) == (read.requests, read.covered_from)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("tied", [2, 3, 5, 9])
async def test_the_order_of_calls_that_began_in_one_second_does_not_matter(
    vendor: Vendor, source: VoipcloudSource, seed: int, tied: int
) -> None:
    listed = CallList([call(place // tied * 10, place % 100) for place in range(70)], seed)

    read = await pull(vendor, source, listed)

    assert bag(listed.rows) == bag(read.rows)
    assert (WINDOW.start, 0) == (read.covered_from, read.restarts)


@pytest.mark.parametrize("newest_twin", range(15, 24))
@pytest.mark.parametrize("twins", [2, 3, 4])
async def test_twins_at_the_edge_of_a_page_are_read_as_often_as_they_are_there(
    vendor: Vendor, source: VoipcloudSource, newest_twin: int, twins: int
) -> None:
    rows = calls(60)
    rows[newest_twin : newest_twin + twins] = [call(newest_twin * 10, 7)] * twins
    listed = CallList(rows)

    assert bag(rows) == bag((await pull(vendor, source, listed)).rows)


@pytest.mark.parametrize("at_s", [-5, 0, 95, 185, 190, 195, 400])
@pytest.mark.parametrize("count", [1, 2, 9, 17])
async def test_calls_that_appear_between_two_pages_lose_and_double_nothing(
    vendor: Vendor, source: VoipcloudSource, at_s: int, count: int
) -> None:
    listed = CallList(calls(60))
    before = bag(listed.rows)
    fresh = [call(at_s, 50 + number, "Bob") for number in range(count)]
    listed.before[1] = lambda: listed.rows.extend(fresh)

    read = await pull(vendor, source, listed)

    assert before <= bag(read.rows) <= bag(listed.rows)
    assert (WINDOW.start, 0) == (read.covered_from, read.restarts)


async def test_more_new_calls_than_a_page_holds_begin_the_walk_again(
    vendor: Vendor, source: VoipcloudSource
) -> None:
    listed = CallList(calls(60))
    listed.before[1] = lambda: listed.rows.extend(call(-1 - second) for second in range(PAGE))

    read = await pull(vendor, source, listed)

    assert (bag(listed.rows), 1) == (bag(read.rows), read.restarts)


@pytest.mark.parametrize("place", [0, 5, 17, 18, 19])
async def test_a_row_removed_above_the_edge_begins_the_walk_again(
    vendor: Vendor, source: VoipcloudSource, clock: ManualClock, place: int
) -> None:
    listed = CallList(calls(60))

    def remove() -> None:
        del listed.rows[place]
        clock.advance(7)

    listed.before[1] = remove

    read = await pull(vendor, source, listed)

    assert (listed.rows, 1) == (read.rows, read.restarts)
    assert (NOON + timedelta(seconds=7), WINDOW.start) == (read.requested_at, read.covered_from)


async def test_a_list_that_never_rests_is_proven_as_far_as_it_was(
    vendor: Vendor, source: VoipcloudSource
) -> None:
    listed = CallList(calls(200))
    for number in range(100):
        if number % 3 == 2:  # the third page of each walk
            listed.before[number] = lambda: listed.rows.pop(0)

    read = await pull(vendor, source, listed)

    assert (3, ROWS_MOVED, 4 * 3) == (read.restarts, read.cut_by, len(listed.asked))
    oldest = NOON - timedelta(seconds=(3 + 37) * 10)
    assert (38, oldest + timedelta(seconds=1)) == (len(read.rows), read.covered_from)


async def test_what_changes_of_a_call_is_no_other_call(vendor: Vendor, source: VoipcloudSource) -> None:
    listed = CallList([row | {"call_finished_at": None, "call_duration": 5} for row in calls(60)])

    def finish() -> None:
        for row in listed.rows:
            row |= {"call_finished_at": NOON.isoformat(), "call_duration": 9, "user_name": "Bob"}

    listed.before[1] = finish

    read = await pull(vendor, source, listed)

    assert (60, 0) == (len(read.rows), read.restarts)


@pytest.mark.parametrize("place", range(15, 23))
@pytest.mark.parametrize("seed", range(4))
async def test_a_row_whose_start_cannot_be_read_stops_no_walk(
    vendor: Vendor, source: VoipcloudSource, place: int, seed: int
) -> None:
    rows = calls(60, every_s=5)
    rows[place] |= {"sorted_at": rows[place + 1]["call_start_at"], "call_start_at": "not a date"}
    listed = CallList(rows, seed)

    read = await pull(vendor, source, listed)

    assert (WINDOW.start, 0) == (read.covered_from, read.restarts)
    assert set(bag(rows)) == set(bag(read.rows))


async def test_two_seconds_that_fill_a_page_cannot_be_walked_past(
    vendor: Vendor, source: VoipcloudSource
) -> None:
    listed = CallList([call(place // 30, place % 30) for place in range(60)])

    read = await pull(vendor, source, listed)

    assert (1, TOO_MANY_ROWS, NOON) == (read.requests, read.cut_by, read.covered_from)


async def test_a_walk_holds_no_more_rows_than_it_may(
    vendor: Vendor, journal: SqlJournal, clock: ManualClock
) -> None:
    async with account(
        vendor.url, journal, clock, budget=GENEROUS, largest_page=PAGE, most_rows=60
    ) as source:
        read = await pull(vendor, source, CallList(calls(200)))

    assert (56, TOO_MANY_ROWS) == (len(read.rows), read.cut_by)
    assert NOON - timedelta(seconds=549) == read.covered_from


async def test_polls_wait_for_the_places_that_a_walk_needs(
    vendor: Vendor, journal: SqlJournal, clock: ManualClock
) -> None:
    budget = BudgetSettings(requests=3, per_s=900, reserve=0, deadline_s=5)
    vendor.handles(CallList(calls(60)).answer)
    async with account(vendor.url, journal, clock, budget=budget, largest_page=PAGE) as source:
        walking = asyncio.create_task(source.pull(USER_CALLS, WINDOW))
        await clock.wait_for_sleepers(1)
        requests_before = len(vendor.requests)
        clock.advance(900)
        read = await walking

    assert (3, 60, 4, None) == (requests_before, len(read.rows), read.requests, read.cut_by)
    assert NOON == read.requested_at


async def test_a_budget_spent_in_the_middle_of_a_walk_costs_no_row(
    vendor: Vendor, journal: SqlJournal, clock: ManualClock
) -> None:
    async with account(vendor.url, journal, clock, budget=SLACK_OF_THREE, largest_page=PAGE) as source:
        read = await pull(vendor, source, CallList(calls(200)), PAST)

        with pytest.raises(SourceThrottled):
            await source.pull(USER_CALLS, PAST)

    assert (56, 3, "quota") == (len(read.rows), read.requests, read.cut_by)
    assert NOON - timedelta(seconds=549) == read.covered_from


async def test_a_budget_spent_when_a_walk_begins_again_leaves_what_was_read(
    vendor: Vendor, journal: SqlJournal, clock: ManualClock
) -> None:
    listed = CallList(calls(200))
    listed.before[2] = lambda: listed.rows.pop(0)
    async with account(vendor.url, journal, clock, budget=SLACK_OF_THREE, largest_page=PAGE) as source:
        read = await pull(vendor, source, listed, PAST)

    assert (38, 1, "quota") == (len(read.rows), read.restarts, read.cut_by)
    assert NOON - timedelta(seconds=369) == read.covered_from


@pytest.mark.parametrize(("status", "reason"), [(500, "http_5xx"), (200, "vendor_error")])
async def test_a_page_that_fails_leaves_the_pages_before_it(
    vendor: Vendor, source: VoipcloudSource, status: int, reason: str
) -> None:
    listed = CallList(calls(200))
    listed.before[1] = lambda: vendor.answers(b'{"code":0}', status)

    read = await pull(vendor, source, listed)

    assert (38, reason) == (len(read.rows), read.cut_by)
    with pytest.raises(SourceUnreachable):
        await source.pull(USER_CALLS, WINDOW)


@pytest.mark.parametrize(("status", "kind"), [(429, SourceThrottled), (401, SourceRefused)])
async def test_what_refuses_the_whole_account_is_told_at_once(
    vendor: Vendor, source: VoipcloudSource, status: int, kind: type[Exception]
) -> None:
    listed = CallList(calls(200))
    listed.before[0] = lambda: vendor.answers(b"{}", status)

    with pytest.raises(kind):
        await pull(vendor, source, listed)


@pytest.mark.parametrize("rows", [1, 5, 20, 300])
async def test_the_newest_rows_are_one_request(vendor: Vendor, source: VoipcloudSource, rows: int) -> None:
    shown = min(rows, PAGE)
    listed = CallList(calls(200))

    read = await pull(vendor, source, listed, Window(WINDOW.start, rows=rows))

    assert (listed.rows[:shown], 1, None) == (read.rows, read.requests, read.cut_by)
    assert str(shown) == listed.asked[0]["limit"]
    assert min(NOON, NOON - timedelta(seconds=(shown - 1) * 10 - 1)) == read.covered_from


async def test_fewer_newest_rows_than_asked_for_are_the_whole_window(
    vendor: Vendor, source: VoipcloudSource
) -> None:
    read = await pull(vendor, source, CallList(calls(4)), Window(WINDOW.start, rows=5))

    assert (WINDOW.start, NOON) == (read.covered_from, read.covered_to)
