"""
Walks over lists that change between two pages: whatever is claimed to be read is among the rows.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from relay.model.call import USER_CALLS
from relay.sources.clock_skew import Skew
from relay.sources.port import Pull, Window
from relay.sources.voipcloud.reading import CallReading, Page
from relay.sources.voipcloud.rows import CallList as Calls
from tests.sources.call_list import CallList, Row, call
from tests.sources.vendor import NOON

PAGE: Final = 8
SECONDS: Final = 16
CALLS: Final = Calls(USER_CALLS, ZoneInfo("UTC"), PAGE, most_rows=200)
# Few seconds and two callers: ties and twins nearly everywhere.
ROWS: Final = st.tuples(st.integers(0, SECONDS), st.integers(0, 1)).map(lambda row: call(*row))
CHANGES: Final = st.lists(st.lists(ROWS, max_size=3), max_size=12)
REMOVED: Final = st.lists(st.integers(0, 100), max_size=12)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """
    Give a loop that outlives the examples of a property.
    """
    with asyncio.Runner() as running:
        yield running


class Watched:
    """
    A list that grows and shrinks before each request; `states` are how it was answered from.
    """

    def __init__(self, rows: list[Row], seed: int, grows: list[list[Row]], shrinks: list[int]) -> None:
        self._listed = CallList(rows, seed)
        self._grows = iter([[], *grows])
        self._shrinks = iter([-1, *shrinks])
        self.states: list[list[Row]] = []
        self.walk_began = 0

    async def ask(self, params: Mapping[str, str]) -> Page:
        """
        Change, and answer a page.
        """
        rows = self._listed.rows
        rows.extend(next(self._grows, []))
        removed = next(self._shrinks, -1)
        if 0 <= removed < len(rows):
            del rows[removed]
        if params["offset"] == "0":
            self.walk_began = len(self.states)
        self.states.append(list(rows))
        no_skew = Skew(timedelta(0), timedelta(0))
        return Page(self._listed.page(params) or [], NOON + timedelta(hours=1), no_skew)


def bag(rows: list[Row], since: datetime) -> Counter[str]:
    """
    Return rows that started since, as often as they are there.
    """
    return Counter(repr(row) for row in rows if datetime.fromisoformat(row["call_start_at"]) >= since)


def walked(runner: asyncio.Runner, watched: Watched) -> Pull:
    """
    Read the list.
    """
    window = Window(NOON - timedelta(hours=1))
    return runner.run(CallReading(watched.ask, CALLS, window, NOON).read([]))


@settings(derandomize=True, database=None, deadline=None, max_examples=400)
@given(st.lists(ROWS, min_size=14, max_size=60), st.integers(0, 99), CHANGES)
def test_what_is_claimed_of_a_list_that_grows_is_there_as_often_as_it_was(
    runner: asyncio.Runner, rows: list[Row], seed: int, grows: list[list[Row]]
) -> None:
    watched = Watched(rows, seed, grows, [])

    read = walked(runner, watched)

    event(f"restarts {read.restarts}, cut by {read.cut_by}")
    first, last = watched.states[watched.walk_began], watched.states[-1]
    assert bag(first, read.covered_from) <= bag(read.rows, read.covered_from)
    assert bag(read.rows, read.window_start) <= bag(last, read.window_start)


@settings(derandomize=True, database=None, deadline=None, max_examples=400)
@given(st.lists(ROWS, min_size=14, max_size=60), st.integers(0, 99), CHANGES, REMOVED)
def test_rows_that_go_away_take_no_other_row_along(
    runner: asyncio.Runner, rows: list[Row], seed: int, grows: list[list[Row]], shrinks: list[int]
) -> None:
    watched = Watched(rows, seed, grows, shrinks)

    read = walked(runner, watched)

    stayed = bag(watched.states[watched.walk_began], read.covered_from)
    for state in watched.states[watched.walk_began :]:
        stayed &= bag(state, read.covered_from)
    assert stayed <= bag(read.rows, read.covered_from)
