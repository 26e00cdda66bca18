"""
Reading the past beside the polls: old gaps and backfills.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from relay.model.call import QUEUE_CALLS, USER_CALLS
from relay.model.event import BACKFILL as BACKFILLED
from relay.model.event import LIVE
from relay.model.source_work import DONE
from relay.pipeline import ends, span
from relay.sources import port
from relay.sources.port import Pull, Window
from relay.testing.manual_clock import DEFAULT_START, ManualClock
from tests.pipeline.polling import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    CallList,
    missed_row,
    polling,
    query,
    queue_row,
    user_row,
)
from tests.pipeline.the_past import (
    A_CALL,
    LONG_AGO,
    PUBLISH_FROM,
    call_events,
    done,
    job_of,
    of_day,
    open_old_gap,
    pasts,
)


async def test_a_gap_that_is_older_than_two_days_is_read_again_in_stretches_and_closed(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    start, end = await open_old_gap(journal_path, clock)
    calls.rows[USER_CALLS] = [*of_day(start), *of_day(start + 2 * DAY)]
    async with polling(journal_path, clock, calls) as running:
        await running.pass_time(120)
        asked = [(window.start, window.end or window.start) for _, window in pasts(running)]
        reads = (await running.journal.reads("pbx", end + DAY, ["gap"]))[USER_CALLS]
        events = await call_events(running)

        assert [] == await running.journal.open_gaps("pbx")
    assert {USER_CALLS} == {stream for stream, _ in pasts(running)}
    # Two show calls; the third shows none, and is asked for once more: nobody else will look there.
    stretches = asked[:3]
    assert [*stretches, stretches[2]] == asked
    # One begins where the one before it ended; the last hours are the first deep read's.
    assert [start, *(until for _, until in stretches)][:-1] == [since for since, _ in stretches]
    assert end - 4 * HOUR <= stretches[-1][1] <= end
    assert [DAY, 2 * DAY] == [(read.covered.end - read.covered.start) for read in reads][:2]
    assert A_CALL * 10 == [event["type"] for event in events]
    assert {LIVE} == {event["data"]["origin"] for event in events}


async def test_no_poll_reads_so_far_back_for_an_old_gap(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    start, _ = await open_old_gap(journal_path, clock)
    async with polling(journal_path, clock, calls) as running:
        await running.pass_time(1_200)
        polls = [window for _, window in calls.pulled if window.purpose == port.POLL]

    assert all(window.start > start + DAY for window in polls[3:])


async def test_a_gap_that_is_shown_no_better_is_asked_for_ever_more_seldom_and_holds_no_job_up(
    journal_path: Path, clock: ManualClock
) -> None:
    """
    What cannot be read must not use up what is left of the budget.
    """

    class Forgetful(CallList):
        """
        A source that shows nothing of the gap.
        """

        async def pull(self, stream: str, window: Window, names: Sequence[str] = ()) -> Pull:
            self.mend(stream)
            if window.end is not None and window.start > DEFAULT_START - DAY:
                self.cut(stream, window.end, "too_many_rows")
            return await super().pull(stream, window, names)

    start, _ = await open_old_gap(journal_path, clock)
    async with polling(journal_path, clock, Forgetful(clock)) as running:
        job = await running.job(LONG_AGO, LONG_AGO + HOUR)
        await running.pass_time(900)
        (gap,) = await running.journal.open_gaps("pbx")
        of_gap = [window for _, window in pasts(running) if window.start == start]

        assert start == gap.start
        assert DONE == (await job_of(running, job)).state
    assert 4 <= len(of_gap) <= 5


# backfills


async def test_a_backfill_tells_what_ended_before_publishing_began(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    calls.rows[USER_CALLS] = [row for day in range(4) for row in of_day(LONG_AGO + day * DAY)]
    async with polling(journal_path, clock, calls, PUBLISH_FROM) as running:
        job = await running.job(LONG_AGO + DAY, LONG_AGO + 3 * DAY)
        ended = await done(running, job)
        events = await call_events(running)

    assert A_CALL * 10 == [event["type"] for event in events]
    assert {BACKFILLED} == {event["data"]["origin"] for event in events}
    assert (DONE, 30, None) == (ended.state, ended.events, ended.reason)
    assert ended.requests == len(pasts(running))
    assert {LONG_AGO + 3 * DAY} == set(ended.read_to.values())


async def test_a_backfill_gives_the_ids_that_live_polls_would_have_given(
    tmp_path: Path, calls: CallList
) -> None:
    calls.rows = {USER_CALLS: [missed_row(), *of_day(DEFAULT_START - DAY)], QUEUE_CALLS: [queue_row()]}
    published = []
    for name, publish_from in (("live", LONG_AGO), ("late", DEFAULT_START + DAY)):
        clock = ManualClock(DEFAULT_START + HOUR)
        source = CallList(clock)
        source.rows = calls.rows
        async with polling(tmp_path / f"{name}.db", clock, source, publish_from) as running:
            await running.polls(6)
            if name == "late":
                assert [] == await call_events(running)
                await done(running, await running.job(DEFAULT_START - 2 * DAY, DEFAULT_START + HOUR))
            published.append(
                sorted((event["id"], event["subject"], event["type"]) for event in await call_events(running))
            )

    assert 2 + 3 * 5 == len(published[0])
    assert published[0] == published[1]


async def test_a_call_is_told_whole_once_every_stream_of_the_stretch_was_read(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    """
    The user's row alone would have been a missed call; the queue's row says that the caller gave up.
    """
    start = LONG_AGO + HOUR
    user = user_row(start, conversation_duration=0)
    calls.rows = {USER_CALLS: [user], QUEUE_CALLS: [queue_row(start - 5 * SECOND)]}
    async with polling(journal_path, clock, calls, PUBLISH_FROM) as running:
        await running.polls(3)
        await running.job(LONG_AGO, LONG_AGO + 2 * HOUR)
        told_with = []
        for _ in range(20):
            await running.steps(1)
            told_with.append((len({stream for stream, _ in pasts(running)}), len(await call_events(running))))
        events = await call_events(running)

    assert {(0, 0), (1, 0), (2, 0), (3, 0), (3, 2)} >= set(told_with)
    assert (3, 2) == told_with[-1]
    assert ["call.started", "call.abandoned"] == [event["type"] for event in events]
    assert 2 == len(events[-1]["data"]["legs"])


async def test_calls_that_lie_on_the_end_of_a_stretch_are_whole_as_well(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    """
    The queue's row began a second before the stretch ended, the phone rang a second after it.
    """
    edge = LONG_AGO + DAY
    calls.rows = {
        USER_CALLS: [user_row(edge + SECOND, conversation_duration=0)],
        QUEUE_CALLS: [queue_row(edge - SECOND)],
    }
    async with polling(journal_path, clock, calls, PUBLISH_FROM) as running:
        await done(running, await running.job(LONG_AGO, LONG_AGO + 2 * DAY))
        types = [event["type"] for event in await call_events(running)]

    assert ["call.started", "call.abandoned"] == types


async def test_what_was_published_live_is_not_told_again(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    calls.rows[USER_CALLS] = [user_row(), user_row(DEFAULT_START - 3 * HOUR)]
    async with polling(journal_path, clock, calls, DEFAULT_START - HOUR) as running:
        await running.polls(3)
        before = [event["id"] for event in await call_events(running)]
        ended = await done(running, await running.job(DEFAULT_START - DAY, DEFAULT_START))
        events = await call_events(running)

    assert (3, 6) == (len(before), len({event["id"] for event in events}))
    assert (3, {BACKFILLED}) == (ended.events, {event["data"]["origin"] for event in events[3:]})


async def test_polls_go_on_beside_a_backfill(journal_path: Path, clock: ManualClock, calls: CallList) -> None:
    async with polling(journal_path, clock, calls, PUBLISH_FROM) as running:
        await running.polls(3)
        job = await running.job(LONG_AGO - 300 * DAY, DEFAULT_START)
        calls.rows[USER_CALLS] = [user_row(clock.now() + 20 * SECOND)]
        await running.pass_time(90)
        events = await call_events(running)
        polls = [window for _, window in calls.pulled if window.purpose == port.POLL]

        assert 11 <= len(polls) <= 13
        assert (A_CALL, {LIVE}) == (
            [event["type"] for event in events],
            {event["data"]["origin"] for event in events},
        )
        assert DONE == (await done(running, job)).state


async def test_stretches_grow_where_little_happened(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    async with polling(journal_path, clock, calls, PUBLISH_FROM) as running:
        ended = await done(running, await running.job(LONG_AGO - 300 * DAY, LONG_AGO))
        spans = [window.end - window.start for _, window in pasts(running) if window.end is not None]

    assert max(spans) == span.LONGEST + 2 * ends.MARGIN
    assert ended.requests < 60


async def test_a_stretch_that_is_cut_is_asked_for_again_as_shorter_ones(
    journal_path: Path, clock: ManualClock
) -> None:
    """
    Of one stream no more than two hours are shown at once.
    """

    class ShortSighted(CallList):
        """
        A source that shows only the last two hours of a window of queue calls.
        """

        async def pull(self, stream: str, window: Window, names: Sequence[str] = ()) -> Pull:
            if window.end is not None and stream == QUEUE_CALLS:
                self.cut(stream, window.end - 2 * HOUR, "too_many_rows")
            pull = await super().pull(stream, window, names)
            self.mend(stream)
            return replace(pull, rows=[r for r in pull.rows if r["call_start_at"] >= str(pull.covered_from)])

    source = ShortSighted(clock)
    source.rows[QUEUE_CALLS] = [queue_row(LONG_AGO + place * HOUR) for place in range(1, 24)]
    async with polling(journal_path, clock, source, PUBLISH_FROM) as running:
        ended = await done(running, await running.job(LONG_AGO, LONG_AGO + DAY))
        told = await running.data_of("call.abandoned")

    assert (DONE, None) == (ended.state, ended.reason)
    assert 23 == len(told)


async def test_a_stretch_that_cannot_be_read_whole_is_told_with_the_job(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    async with polling(journal_path, clock, calls, PUBLISH_FROM) as running:
        calls.cut(USER_CALLS, LONG_AGO + 30 * MINUTE, "too_many_rows")
        ended = await done(running, await running.job(LONG_AGO, LONG_AGO + HOUR))

    assert (DONE, "window_overrun") == (ended.state, ended.reason)


async def test_an_answer_that_leaves_out_known_rows_is_asked_for_again_later_and_then_believed(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    """
    The phone system keeps its list for a while only: what it forgot must not stop a job for ever.
    """
    rows = of_day(DEFAULT_START - DAY)
    calls.rows[USER_CALLS] = rows
    async with polling(journal_path, clock, calls, PUBLISH_FROM) as running:
        await done(running, await running.job(DEFAULT_START - DAY, DEFAULT_START - HOUR))
        calls.rows[USER_CALLS] = []
        before, began_at = len(pasts(running)), clock.now()
        ended = await done(running, await running.job(DEFAULT_START - DAY, DEFAULT_START - HOUR))
        of_users = [window for stream, window in pasts(running)[before:] if stream == USER_CALLS]

    assert DONE == ended.state
    assert 3 == len(of_users)
    assert 120 <= (clock.now() - began_at).total_seconds() <= 200
    assert [(5,)] == query(journal_path, "SELECT count(*) FROM legs")
