"""
Answers that leave out what is known to be there: they prove nothing, and what they show counts all the same.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from relay.model.call import CALL_STREAMS, USER_CALLS
from relay.model.errors import SourceUnreachable
from relay.testing.manual_clock import DEFAULT_START, ManualClock
from tests.pipeline.polling import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    SETTINGS,
    Polling,
    count_of,
    polling,
    query,
    user_row,
)

A_CALL = ["call.started", "call.answered", "call.finished"]
QUARTER = timedelta(seconds=SETTINGS.deep_every_s)


def row(minute: int, **changes: Any) -> dict[str, Any]:
    """
    Make a finished call that began so many minutes before the tests, of a number of its own.
    """
    start = DEFAULT_START - minute * MINUTE
    return user_row(start, from_number=f"04{minute:08d}", **changes)


LIST = [row(minute) for minute in range(1, 6)]  # newest first


async def poll_of_users(running: Polling) -> None:
    """
    Poll until user calls were asked once more.
    """
    asked = len(running.asked(USER_CALLS))
    while len(running.asked(USER_CALLS)) == asked:
        await running.polls(1)


async def covered_to(running: Polling) -> timedelta:
    """
    Return how long ago the coverage of user calls ended.
    """
    return running.clock.now() - (await running.journal.coverage("pbx"))[USER_CALLS][-1].end


async def states_told(running: Polling) -> list[str]:
    """
    Return the states that the source was said to be in.
    """
    return [data["state"] for data in await running.data_of("source.state_changed")]


async def test_an_answer_without_a_known_row_proves_nothing_and_is_asked_for_again_whole(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, LIST)
        await running.polls(3)
        running.source.then(USER_CALLS, LIST[:2] + LIST[3:], LIST)
        await poll_of_users(running)  # the script's old page
        await poll_of_users(running)
        without = await covered_to(running)
        reads = len((await running.journal.reads("pbx", DEFAULT_START))[USER_CALLS])
        await poll_of_users(running)

        assert 3 == reads + 1
        assert without >= 20 * SECOND
        assert timedelta(0) == await covered_to(running)
        assert None is running.asked(USER_CALLS)[-1].rows
        assert [] == await states_told(running)


async def test_two_such_answers_in_a_row_are_a_trouble_of_the_source(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, LIST)
        await running.polls(3)
        running.source.then(USER_CALLS, LIST[1:], LIST[1:], LIST[1:], LIST)
        for _ in range(3):
            await poll_of_users(running)
        before = await states_told(running)
        await running.pass_time(60)

        told = await running.data_of("source.state_changed")

        assert ["degraded"] == before
        assert [("degraded", "incomplete"), ("up", None)] == [
            (data["state"], data["reason"]) for data in told
        ]


async def test_what_such_an_answer_shows_is_taken_all_the_same(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, LIST)
        await running.polls(3)
        running.source.show(USER_CALLS, [row(0), *LIST[1:]])
        await poll_of_users(running)

        assert A_CALL * 6 == await running.types()
    assert 6 == count_of(running, "new")


async def test_a_row_that_three_answers_lack_is_gone_where_newer_ones_are_shown(
    journal_path: Path, clock: ManualClock
) -> None:
    """
    The phone system keeps its list for a while only, or somebody removed a row: nothing is told of it.
    """
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, LIST)
        await running.polls(3)
        running.source.show(USER_CALLS, LIST[:-1])
        gaps = []
        for _ in range(4):
            await poll_of_users(running)
            gaps.append(await covered_to(running))

        assert [False, False, True, True] == [gap == timedelta(0) for gap in gaps]
        assert A_CALL * 5 == [word for word in await running.types() if word.startswith("call.")]
    assert [(5,)] == query(journal_path, "SELECT count(*) FROM legs")


async def test_an_old_page_is_never_believed_until_something_newer_is_shown(
    journal_path: Path, clock: ManualClock
) -> None:
    """
    A cache goes on answering what it held: the newest call is missing each time.
    """
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, LIST)
        await running.polls(3)
        running.source.show(USER_CALLS, LIST[1:])
        await running.pass_time(1_800)
        stale_for = await covered_to(running)
        (gap,) = await running.data_of("source.gap_opened")
        running.source.show(USER_CALLS, [row(0), *LIST[1:]])
        await running.pass_time(60)

        assert stale_for >= 1_790 * SECOND
        assert (USER_CALLS, "incomplete") == (gap["stream"], gap["reason"])
        assert 1 == len(await running.data_of("source.gap_closed"))


async def test_an_empty_answer_after_a_full_one_is_not_believed(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, LIST)
        await running.polls(3)
        running.source.show(USER_CALLS, [])
        await running.pass_time(900)

        assert await covered_to(running) >= 890 * SECOND
        assert ["degraded"] == await states_told(running)
    assert [(5,)] == query(journal_path, "SELECT count(*) FROM legs")


@pytest.mark.parametrize(
    "changes",
    [
        {"user_name": "Renamed"},
        {"call_duration": 31},
        {"call_finished_at": (DEFAULT_START - 100 * SECOND).isoformat()},
        {"conversation_duration": None},
        {"extra": "column"},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_a_row_that_changed_is_not_left_out(
    journal_path: Path, clock: ManualClock, changes: dict[str, Any]
) -> None:
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, LIST)
        await running.polls(3)
        running.source.show(USER_CALLS, [LIST[0], row(2, **changes), *LIST[2:]])
        await poll_of_users(running)

        assert timedelta(0) == await covered_to(running)
    assert [(5,)] == query(journal_path, "SELECT count(*) FROM legs")


async def test_a_rename_of_everybody_is_no_list_without_its_rows(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, LIST)
        await running.polls(3)
        running.source.show(USER_CALLS, [one | {"user_name": "Anne"} for one in LIST])
        await running.pass_time(900)

        assert await covered_to(running) <= 40 * SECOND
        assert 5 == (await running.types()).count("call.updated")
        assert [] == await states_told(running)


async def test_one_of_two_rows_that_are_alike_is_missed(journal_path: Path, clock: ManualClock) -> None:
    twins = [LIST[0], LIST[1], LIST[1], LIST[2]]
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, twins)
        await running.polls(3)
        running.source.show(USER_CALLS, LIST[:3])
        await poll_of_users(running)
        without = await covered_to(running)
        running.source.show(USER_CALLS, twins)
        await poll_of_users(running)

        assert without >= 20 * SECOND
        assert timedelta(0) == await covered_to(running)
    assert [(4,)] == query(journal_path, "SELECT count(*) FROM legs")


async def test_a_row_that_became_unreadable_is_not_left_out(journal_path: Path, clock: ManualClock) -> None:
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, LIST)
        await running.polls(3)
        running.source.show(USER_CALLS, [LIST[0], row(2, call_start_at="not a date"), *LIST[2:]])
        await poll_of_users(running)

        assert timedelta(0) == await covered_to(running)
        assert 1 == len(await running.data_of("source.row_rejected"))


async def test_rows_known_before_a_restart_are_missed_after_it(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, LIST)
        await running.polls(3)
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, LIST[1:])
        await running.polls(3)

        assert await covered_to(running) >= 20 * SECOND


async def test_rows_that_have_left_the_window_are_not_missed(journal_path: Path, clock: ManualClock) -> None:
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, LIST)
        await running.polls(3)
        clock.advance((SETTINGS.lookback + 2 * HOUR).total_seconds())
        # The first read after so long reaches a look-back behind what was read before.
        await poll_of_users(running)
        running.source.show(USER_CALLS, [])
        await running.polls(9)

        assert [] == await states_told(running)


async def test_an_open_call_that_an_answer_shows_unchanged_counts_as_open(
    journal_path: Path, clock: ManualClock
) -> None:
    opened = row(1, call_finished_at=None, call_duration=0, conversation_duration=0)
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, [opened, *LIST[1:]])
        await running.pass_time(300)
        while_open = running.context.streams[USER_CALLS].has_open_calls
        running.source.show(USER_CALLS, LIST)
        await running.pass_time(60)

        assert while_open
        assert {False} == {running.context.streams[name].has_open_calls for name in CALL_STREAMS}


async def test_after_a_long_outage_an_answer_without_rows_is_asked_for_twice(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        await running.polls(3)
        until = (await running.journal.coverage("pbx"))[USER_CALLS][-1].end
        clock.advance((SETTINGS.lookback + 2 * HOUR).total_seconds())
        missed = user_row(until + MINUTE, from_number="0412345678")
        running.source.then(USER_CALLS, [missed])  # behind the page without rows of before
        await poll_of_users(running)

        assert timedelta(0) == await covered_to(running)
        assert 1 == len(await running.data_of("call.started"))


async def test_an_answer_without_rows_about_the_look_back_is_believed_at_once(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        await poll_of_users(running)

        assert timedelta(0) == await covered_to(running)
        assert 1 == len(running.asked(USER_CALLS))


@pytest.mark.parametrize("calls", [0, 1])
async def test_where_the_second_of_two_is_not_answered_the_next_answer_counts_as_it(
    journal_path: Path, clock: ManualClock, calls: int
) -> None:
    async with polling(journal_path, clock) as running:
        await running.polls(3)
        clock.advance((SETTINGS.lookback + 2 * HOUR).total_seconds())
        before, unread = len(running.asked(USER_CALLS)), await covered_to(running)
        missed = [user_row(clock.now() - unread + MINUTE)] * calls
        # Behind the page without rows of before.
        running.source.then(USER_CALLS, SourceUnreachable("pbx", "http_5xx", "answered 503"), missed)
        await poll_of_users(running)
        after_two, asked = await covered_to(running), len(running.asked(USER_CALLS)) - before
        await poll_of_users(running)

        assert (2, True) == (asked, after_two >= unread)
        assert (timedelta(0), 3) == (await covered_to(running), len(running.asked(USER_CALLS)) - before)
        assert calls == len(await running.data_of("call.started"))
        assert {} == running.context.empty_once


async def test_an_answer_without_rows_of_long_ago_is_not_the_first_of_two(
    journal_path: Path, clock: ManualClock
) -> None:
    """
    Neither the first of two was followed by an answer, nor was there one for hours: nobody looked meanwhile.
    """
    away = SETTINGS.lookback + 2 * HOUR
    async with polling(journal_path, clock) as running:
        await running.polls(3)
        clock.advance(away.total_seconds())
        unread = clock.now()
        running.source.then(USER_CALLS, SourceUnreachable("pbx", "http_5xx", "answered 503"), [])
        await poll_of_users(running)
        clock.advance(away.total_seconds())
        running.source.then(USER_CALLS, [user_row(unread + MINUTE)])  # behind a page without rows
        await poll_of_users(running)

        assert timedelta(0) == await covered_to(running)
        assert 1 == len(await running.data_of("call.started"))


@pytest.mark.parametrize(
    ("unread", "asked"),
    [
        (SETTINGS.lookback + QUARTER, 1),
        (SETTINGS.lookback + QUARTER + MINUTE, 2),
        (30 * DAY, 2),
    ],
    ids=["hardly more than the look-back", "a minute more", "a month"],
)
async def test_a_first_read_of_long_ago_without_rows_is_asked_for_twice(
    journal_path: Path, clock: ManualClock, unread: timedelta, asked: int
) -> None:
    begin = DEFAULT_START - unread
    async with polling(journal_path, clock, publish_from=begin) as running:
        running.source.then(USER_CALLS, [], [user_row(begin + SECOND)])
        await poll_of_users(running)

        assert [begin] * asked == [window.start for window in running.asked(USER_CALLS)]
        assert asked - 1 == len(await running.data_of("call.started"))
        assert timedelta(0) == await covered_to(running)
