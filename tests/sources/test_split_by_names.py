"""
Lists that may not be walked: the newest page, and below it the rows of each name, if they account for all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from relay.journal.store import SqlJournal
from relay.model.call import USER_CALLS
from relay.model.errors import SourceThrottled
from relay.sources.budget import BudgetSettings
from relay.sources.port import BACKFILL, NAMES_INCOMPLETE, TOO_MANY_ROWS, Pull, Window
from relay.sources.voipcloud.source import VoipcloudSource
from relay.testing.manual_clock import ManualClock
from tests.sources.call_list import CallList, Row, call
from tests.sources.vendor import NOON, Vendor, account

WINDOW: Final = Window(NOON - timedelta(hours=4))
PAGE: Final = 20
STAFF: Final = ("Alice", "Bob", "Chloe")
GENEROUS: Final = BudgetSettings(requests=500, per_s=900, reserve=0, deadline_s=5)
EDGE: Final = NOON - timedelta(seconds=189)  # a second after the oldest row of the newest page


@pytest.fixture
async def source(vendor: Vendor, journal: SqlJournal, clock: ManualClock) -> AsyncIterator[VoipcloudSource]:
    """
    Give an account whose phone system shows 20 rows at once.
    """
    async with account(vendor.url, journal, clock, budget=GENEROUS, largest_page=PAGE) as opened:
        yield opened


def calls(count: int = 50) -> list[Row]:
    """
    Return so many calls of three users, newest first.
    """
    return [call(place * 10, place % 100, STAFF[place % 3]) for place in range(count)]


def bag(rows: Sequence[Row]) -> Counter[str]:
    """
    Return rows as often as they are there.
    """
    return Counter(map(repr, rows))


async def pull(
    vendor: Vendor, source: VoipcloudSource, listed: CallList, names: Sequence[str] = STAFF
) -> Pull:
    """
    Read a list.
    """
    vendor.handles(listed.answer)
    return await source.pull(USER_CALLS, WINDOW, names)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("tied", [1, 4])
async def test_names_that_account_for_every_row_complete_the_window(
    vendor: Vendor, source: VoipcloudSource, seed: int, tied: int
) -> None:
    rows = [call(place // tied * 10, place, STAFF[place % 3]) for place in range(50)]
    listed = CallList(rows, seed, last_offset=0)

    read = await pull(vendor, source, listed)

    assert bag(rows) == bag(read.rows)
    assert (WINDOW.start, None, 4) == (read.covered_from, read.cut_by, read.requests)
    starts = [row["call_start_at"] for row in read.rows]
    assert sorted(starts, reverse=True) == starts


async def test_each_name_is_asked_for_by_the_parameter_of_its_stream(
    vendor: Vendor, source: VoipcloudSource
) -> None:
    listed = CallList(calls(), last_offset=0)

    await pull(vendor, source, listed)

    assert [None, None, *STAFF] == [asked.get("users_names") for asked in listed.asked]
    assert {("2026-11-20", "2026-11-22", "20")} == {
        (asked["from_date"], asked["to_date"], asked["limit"]) for asked in listed.asked
    }


@pytest.mark.parametrize("place", [19, 20, 18])
async def test_twins_at_the_edge_are_read_as_often_as_they_are_there(
    vendor: Vendor, source: VoipcloudSource, place: int
) -> None:
    rows = calls()
    rows[place : place + 2] = [call(place * 10, 7, "Bob")] * 2

    read = await pull(vendor, source, CallList(rows, last_offset=0))

    assert (bag(rows), WINDOW.start) == (bag(read.rows), read.covered_from)


async def test_what_was_walked_before_the_refusal_counts(vendor: Vendor, source: VoipcloudSource) -> None:
    read = await pull(vendor, source, CallList(calls(), last_offset=20))

    assert (bag(calls()), WINDOW.start, 5) == (bag(read.rows), read.covered_from, read.requests)


async def test_an_offset_that_is_answered_with_nothing_is_refused(
    vendor: Vendor, source: VoipcloudSource
) -> None:
    listed = CallList(calls())
    listed.before[1] = lambda: listed.rows.clear()
    listed.before[2] = lambda: listed.rows.extend(calls())

    read = await pull(vendor, source, listed)

    assert (bag(calls()), WINDOW.start, 0) == (bag(read.rows), read.covered_from, read.restarts)


@pytest.mark.parametrize("stranger", [None, "", "Dan"])
async def test_a_row_of_no_name_that_we_know_leaves_the_older_part_unproven(
    vendor: Vendor, source: VoipcloudSource, stranger: str | None
) -> None:
    rows = calls()
    rows[7]["user_name"] = stranger

    read = await pull(vendor, source, CallList(rows, last_offset=0))

    assert (bag(rows), EDGE, NAMES_INCOMPLETE) == (bag(read.rows), read.covered_from, read.cut_by)


@pytest.mark.parametrize(
    "names", [[], ["Alice", "Bob"], [*STAFF, "Nguyen, Dan"], [*STAFF, " Dan"], [*STAFF, ""]], ids=str
)
async def test_names_that_are_missing_or_cannot_be_asked_for_prove_nothing(
    vendor: Vendor, source: VoipcloudSource, names: list[str]
) -> None:
    read = await pull(vendor, source, CallList(calls(), last_offset=0), names)

    assert (EDGE, NAMES_INCOMPLETE) == (read.covered_from, read.cut_by)
    assert bag(calls(20)) <= bag(read.rows) <= bag(calls())


async def test_a_name_with_more_rows_than_a_page_proves_what_its_page_does(
    vendor: Vendor, source: VoipcloudSource
) -> None:
    rows = calls(120)

    read = await pull(vendor, source, CallList(rows, last_offset=0))

    oldest_of_alice = NOON - timedelta(seconds=19 * len(STAFF) * 10)
    assert (oldest_of_alice + timedelta(seconds=1), "http_4xx") == (read.covered_from, read.cut_by)
    assert bag(rows[: PAGE * len(STAFF)]) == bag(read.rows)


async def test_a_name_with_more_rows_than_a_page_is_walked_where_it_may(
    vendor: Vendor, source: VoipcloudSource
) -> None:
    rows = calls(200)

    read = await pull(vendor, source, CallList(rows, last_offset=60))

    assert (bag(rows), WINDOW.start, None) == (bag(read.rows), read.covered_from, read.cut_by)


async def test_a_filter_that_lets_other_rows_pass_doubles_nothing(
    vendor: Vendor, source: VoipcloudSource
) -> None:
    names = ["Alice", "Alice B", "Chloe"]
    rows = [call(place * 10, place, names[place % 3]) for place in range(50)]
    listed = CallList(rows, last_offset=0, has_loose_filter=True)

    read = await pull(vendor, source, listed, names)

    assert bag(rows[:30]) <= bag(read.rows) <= bag(rows)
    assert NOON - timedelta(seconds=28 * 10 - 1) == read.covered_from  # 20 rows of both Alices


async def test_a_call_that_appears_meanwhile_is_no_fault_of_the_names(
    vendor: Vendor, source: VoipcloudSource
) -> None:
    listed = CallList(calls(), last_offset=0)
    late = [call(-5, 90, "Alice"), call(55, 91, "Bob"), call(355, 92, "Chloe")]
    listed.before[2] = lambda: listed.rows.extend(late)

    read = await pull(vendor, source, listed)

    assert WINDOW.start == read.covered_from
    assert bag(calls()) <= bag(read.rows) <= bag(listed.rows)


@pytest.mark.parametrize("spent_after", [2, 3, 4])
async def test_a_budget_spent_between_two_names_costs_no_row(
    vendor: Vendor, journal: SqlJournal, clock: ManualClock, spent_after: int
) -> None:
    slack = BudgetSettings(requests=20, per_s=900, reserve=2 * (spent_after + 3), deadline_s=5)
    past = replace(WINDOW, purpose=BACKFILL)  # polls would wait
    vendor.handles(CallList(calls(), last_offset=0).answer)
    async with account(vendor.url, journal, clock, budget=slack, largest_page=PAGE) as source:
        read = await source.pull(USER_CALLS, past, STAFF)

    assert (EDGE, "quota", spent_after - 1) == (read.covered_from, read.cut_by, read.requests)
    names_read = STAFF[: spent_after - 2]
    assert bag(calls(20)) <= bag(read.rows)
    assert bag([row for row in calls() if row["user_name"] in names_read]) <= bag(read.rows)


async def test_a_name_that_the_vendor_no_longer_knows_leaves_the_older_part_unproven(
    vendor: Vendor, source: VoipcloudSource
) -> None:
    listed = CallList(calls(), last_offset=0)
    listed.before[3] = lambda: vendor.answers(b'{"code":404}', 404)

    read = await pull(vendor, source, listed)

    assert (EDGE, "http_4xx") == (read.covered_from, read.cut_by)


async def test_the_vendors_own_limit_is_told_at_once(vendor: Vendor, source: VoipcloudSource) -> None:
    listed = CallList(calls(), last_offset=0)
    listed.before[2] = lambda: vendor.answers(b"", 429)

    with pytest.raises(SourceThrottled):
        await pull(vendor, source, listed)


async def test_names_are_read_only_while_their_rows_may_be_held(
    vendor: Vendor, journal: SqlJournal, clock: ManualClock
) -> None:
    async with account(
        vendor.url, journal, clock, budget=GENEROUS, largest_page=PAGE, most_rows=60
    ) as source:
        read = await pull(vendor, source, CallList(calls(), last_offset=0))

    assert (EDGE, TOO_MANY_ROWS) == (read.covered_from, read.cut_by)
    assert bag(calls(20)) <= bag(read.rows) <= bag(calls())
