"""
Polling into a real journal: pages, restarts, held ends.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from relay.journal.port import StreamState
from relay.model.call import CALL_STREAMS, QUEUE_CALLS, USER_CALLS
from relay.model.errors import SourceUnreachable
from relay.normalise.calls import CallAssembler
from relay.normalise.rules import CallRules
from relay.normalise.voipcloud_rows import VoipcloudRows
from relay.pipeline.ingest import Ingest
from relay.testing.manual_clock import DEFAULT_START, ManualClock
from relay.testing.scripted_source import Page, ScriptedSource
from tests.journal.making import IDS
from tests.pipeline.polling import (
    DAY,
    HOUR,
    SECOND,
    SETTINGS,
    count_of,
    missed_row,
    nothing_else,
    page_of,
    polling,
    query,
    queue_row,
    user_row,
)
from tests.pipeline.the_past import A_CALL


async def test_the_streams_take_turns_at_the_pace_of_the_budget(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        await running.polls(6)

    assert [*CALL_STREAMS, *CALL_STREAMS] == [stream for stream, _ in running.source.pulled]
    assert 50 <= (clock.now() - DEFAULT_START).total_seconds() <= 60


async def test_a_page_becomes_events_and_coverage(journal_path: Path, clock: ManualClock) -> None:
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, [user_row()])
        await running.polls(1)

        assert ["call.started", "call.answered", "call.finished"] == await running.types()
        coverage = await running.journal.coverage("pbx")
    assert DEFAULT_START - SETTINGS.lookback == coverage[USER_CALLS][0].start


async def test_ten_polls_of_an_unchanged_page_with_a_garbled_row(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, [user_row(), user_row(call_start_at="not a date")])
        await running.polls(3)
        first = await running.types()
        await running.polls(30)

        assert ["call.started", "call.answered", "call.finished", "source.row_rejected"] == first
        assert first == await running.types()
        assert (1, 10) == (count_of(running, "rejected"), count_of(running, "duplicate") // 2)
    assert [(1,)] == query(journal_path, "SELECT count(*) FROM rejects")


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_call_that_begins_in_the_future_is_told_once_its_time_has_come(
    journal_path: Path, clock: ManualClock, restarts: bool
) -> None:
    """
    The clock behind the call list is an hour ahead of the one that dates the answers.
    """
    source = ScriptedSource("pbx", clock)
    source.show(USER_CALLS, [user_row(DEFAULT_START + HOUR), user_row()])
    async with polling(journal_path, clock, source) as running:
        await running.polls(6)
        early, counts = await running.types(), [count_of(running, word) for word in ("not_yet", "rejected")]
        if not restarts:
            await running.pass_time(3_600)
            late = await running.types()
    if restarts:
        clock.advance(3_600)
        async with polling(journal_path, clock, source) as running:
            await running.polls(3)
            late = await running.types()

    assert (A_CALL, [2, 0]) == (early, counts)
    assert A_CALL * 2 == [word for word in late if word in A_CALL]
    assert [(0,)] == query(journal_path, "SELECT count(*) FROM rejects")


async def test_a_call_that_begins_days_ahead_is_a_reject(journal_path: Path, clock: ManualClock) -> None:
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, [user_row(DEFAULT_START + 2 * DAY)])
        await running.polls(6)

        assert ["source.row_rejected"] == await running.types()
        assert [0, 1] == [count_of(running, word) for word in ("not_yet", "rejected")]


async def test_a_restart_reads_nothing_twice(journal_path: Path, clock: ManualClock) -> None:
    page = [user_row(), user_row(call_start_at="not a date")]
    for _ in range(3):
        async with polling(journal_path, clock) as running:
            running.source.show(USER_CALLS, page)
            await running.polls(4)
            assert 4 == len(await running.types())


async def test_a_scheme_of_ids_outlives_a_restart(journal_path: Path, clock: ManualClock) -> None:
    """
    The vendor's id column appears after the first page: what was read before keeps its id for ever.
    """
    named = user_row() | {"unique_call_id": "A1"}
    async with polling(journal_path, clock) as running:
        running.source.then(USER_CALLS, [user_row()], [named])
        await running.polls(4)
    async with polling(journal_path, clock) as running:
        running.source.show(
            USER_CALLS, [named, user_row(from_number="0499999999") | {"unique_call_id": "B2"}]
        )
        await running.polls(1)

        assert ["call.started", "call.answered", "call.finished"] * 2 == await running.types()
        state = (await running.journal.stream_states("pbx"))[USER_CALLS]
    assert state.id_scheme.startswith("native since ")


async def test_what_ended_while_relay_was_away_is_read_after_it_is_back(
    journal_path: Path, clock: ManualClock
) -> None:
    opened = user_row(call_finished_at=None, call_duration=3, conversation_duration=0)
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, [opened])
        await running.polls(1)
        assert ["call.started"] == await running.types()

    clock.advance(7 * 3600)
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, [user_row()])
        await running.polls(1)

        assert ["call.started", "call.answered", "call.finished"] == await running.types()
        assert DEFAULT_START - 60 * SECOND >= running.source.pulled[0][1].start


async def test_a_first_start_is_silent_about_what_ended_before(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock, publish_from=DEFAULT_START) as running:
        opened = user_row(call_finished_at=None, from_number="0499999999", conversation_duration=0)
        running.source.show(USER_CALLS, [user_row(), opened])
        await running.polls(1)

        assert ["call.started"] == await running.types()
    assert [(2,)] == query(journal_path, "SELECT count(*) FROM calls")


async def test_a_negative_end_waits_for_the_other_streams(journal_path: Path, clock: ManualClock) -> None:
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, [missed_row()])
        running.source.show(QUEUE_CALLS, [queue_row()])
        await running.polls(1)
        assert ["call.started"] == await running.types()

        await running.polls(2)

        assert ["call.started", "call.abandoned"] == await running.types()
        data = (await running.last())["data"]
    assert ("abandoned", "Sales", 2) == (data["outcome"], data["queue"], len(data["legs"]))


async def test_a_held_end_goes_out_in_the_end_when_a_stream_does_not_answer(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, [missed_row()])
        down = [SourceUnreachable("pbx", "http_5xx", "down") for _ in range(99)]
        running.source.then(QUEUE_CALLS, *down)
        await running.polls(3)
        assert "call.missed" not in await running.types()

        clock.advance(120)
        await running.polls(1)

        assert "call.missed" in await running.types()


async def test_a_negative_end_waits_by_the_clock_that_told_it(journal_path: Path, clock: ManualClock) -> None:
    """
    The phone system is a minute behind: its call that ended two seconds ago seems to be a minute old.
    """
    async with polling(journal_path, clock) as running:
        running.source.skew = timedelta(seconds=-60)
        start = DEFAULT_START - 92 * SECOND
        running.source.show(USER_CALLS, [user_row(start, conversation_duration=0)])
        await running.polls(3)
        assert ["call.started"] == await running.types()

        await running.polls(1)

        assert ["call.started", "call.missed"] == await running.types()


async def test_a_held_end_goes_out_after_a_restart(journal_path: Path, clock: ManualClock) -> None:
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, [missed_row()])
        await running.polls(1)

    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, [missed_row()])
        await running.polls(2)
        assert ["call.started"] == await running.types()
        await running.polls(1)

        assert ["call.started", "call.missed"] == await running.types()


async def test_two_pollers_of_one_journal_make_each_event_once(
    journal_path: Path, clock: ManualClock
) -> None:
    """
    Both read, normalise and append at the same time; the second normalises again from what is there.
    """
    page: Page = [user_row(from_number=f"04{n:08d}") for n in range(300)]
    async with polling(journal_path, clock) as one:
        rules = CallRules("pbx", ZoneInfo("Australia/Sydney"), "AU", DEFAULT_START - timedelta(hours=4))
        ingests = [
            Ingest(
                one.journal,
                VoipcloudRows(rules, IDS),
                CallAssembler(rules, IDS),
                clock,
                one.metrics,
                lambda _: None,
            )
            for _ in range(2)
        ]
        shown = page_of(page, clock.now())
        await asyncio.gather(*(one.take("pbx", shown, StreamState(), nothing_else) for one in ingests))
        events = await one.journal.events_after(0, 10_000, 10**9)

    assert 900 == len(events) == len({event.id for event in events})


async def test_a_large_page_goes_in_as_bounded_appends_of_whole_calls(
    journal_path: Path, clock: ManualClock
) -> None:
    async with polling(journal_path, clock) as running:
        running.source.show(USER_CALLS, [user_row(from_number=f"04{n:08d}") for n in range(1_000)])
        await running.polls(1)

    sizes = [len(appended.events) for appended in running.appended]
    assert 3_000 == sum(sizes)
    assert max(sizes) <= 500
    assert all(size % 3 == 0 for size in sizes)
