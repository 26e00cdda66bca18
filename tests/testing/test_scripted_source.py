"""
The scripted source keeps the promises of a source, so that what is tested with it holds for others.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from relay.model.call import QUEUE_CALLS, USER_CALLS
from relay.model.errors import SourceUnreachable
from relay.sources.port import Window
from relay.testing.manual_clock import ManualClock
from relay.testing.scripted_source import ScriptedSource

NOON: Final = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
WINDOW: Final = Window(NOON - timedelta(hours=4))
PAGE: Final[list[dict[str, Any]]] = [
    {"call_start_at": (NOON - timedelta(minutes=minute)).isoformat()} for minute in range(10)
]


@pytest.fixture
def source() -> ScriptedSource:
    """
    Give a source that shows ten calls, a minute apart.
    """
    scripted = ScriptedSource("pbx", ManualClock(NOON))
    scripted.show(USER_CALLS, PAGE)
    return scripted


async def test_a_script_is_answered_in_order_and_its_last_page_for_ever(source: ScriptedSource) -> None:
    source.then(QUEUE_CALLS, SourceUnreachable("pbx", "timeout", "no answer"), PAGE)
    with pytest.raises(SourceUnreachable):
        await source.pull(QUEUE_CALLS, WINDOW)

    assert [PAGE, PAGE] == [(await source.pull(QUEUE_CALLS, WINDOW)).rows for _ in range(2)]


async def test_a_whole_window_is_covered_to_now_by_its_own_clock(source: ScriptedSource) -> None:
    source.skew = timedelta(seconds=20)

    pull = await source.pull(USER_CALLS, WINDOW, ["Alice"])

    assert (PAGE, WINDOW.start, NOON + source.skew) == (pull.rows, pull.covered_from, pull.covered_to)
    assert ([(USER_CALLS, WINDOW)], ("Alice",)) == (source.pulled, source.names[USER_CALLS])


@pytest.mark.parametrize(
    ("rows", "covered_from"),
    [(3, NOON - timedelta(seconds=119)), (10, NOON - timedelta(seconds=539)), (11, WINDOW.start)],
)
async def test_the_newest_rows_cover_as_far_as_they_reach(
    source: ScriptedSource, rows: int, covered_from: datetime
) -> None:
    pull = await source.pull(USER_CALLS, Window(WINDOW.start, rows=rows))

    assert (PAGE[:rows], covered_from) == (pull.rows, pull.covered_from)


async def test_rows_whose_start_cannot_be_read_cover_nothing(source: ScriptedSource) -> None:
    source.show(USER_CALLS, [*PAGE[:2], {"call_start_at": "not a date"}, {}])

    head = await source.pull(USER_CALLS, Window(WINDOW.start, rows=4))
    source.show(USER_CALLS, [{}])
    nothing = await source.pull(USER_CALLS, Window(WINDOW.start, rows=1))

    assert (NOON - timedelta(seconds=59), NOON) == (head.covered_from, nothing.covered_from)


async def test_a_window_that_ends_is_covered_to_its_end(source: ScriptedSource) -> None:
    ended = Window(WINDOW.start, NOON - timedelta(hours=1))

    assert ended.end == (await source.pull(USER_CALLS, ended)).covered_to


async def test_a_cut_page_covers_less_until_it_is_mended(source: ScriptedSource) -> None:
    since = NOON - timedelta(hours=1)
    source.cut(USER_CALLS, since, "rows_moved")
    cut = await source.pull(USER_CALLS, WINDOW)
    source.mend(USER_CALLS)
    whole = await source.pull(USER_CALLS, WINDOW)

    assert (since, "rows_moved") == (cut.covered_from, cut.cut_by)
    assert (WINDOW.start, None) == (whole.covered_from, whole.cut_by)


async def test_what_polls_are_held_to_is_noted(source: ScriptedSource) -> None:
    source.allow(5)
    source.allow(None)

    assert [5, None] == source.allowed
