"""
Reading the past beside the polls: old gaps, backfills and reconciliations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from relay.model.call import QUEUE_CALLS, USER_CALLS
from relay.model.errors import SourceThrottled, SourceUnreachable
from relay.model.event import BACKFILL as BACKFILLED
from relay.model.event import LIVE
from relay.model.event import RECONCILE as RECONCILED
from relay.model.source_work import CANCELLED, DONE, RECONCILE, RUNNING, WAITING, SourceJob
from relay.pipeline import past
from relay.sources import port
from relay.sources.port import Pull, Window
from relay.testing.manual_clock import DEFAULT_START, ManualClock
from relay.testing.scripted_source import ScriptedSource
from tests.pipeline.polling import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    CallList,
    Polling,
    missed_row,
    polling,
    query,
    queue_row,
    user_row,
)

LONG_AGO: Final = DEFAULT_START - 30 * DAY
PUBLISH_FROM: Final = DEFAULT_START
A_CALL: Final = ["call.started", "call.answered", "call.finished"]


def of_day(day: datetime, count: int = 5, prefix: str = "04") -> list[dict[str, Any]]:
    """
    Make finished calls of a day, four hours apart, each of another number.
    """
    return [
        user_row(day + (4 * place + 1) * HOUR, from_number=f"{prefix}{day:%m%d}{place:04d}")
        for place in range(count)
    ]


async def job_of(running: Polling, job: SourceJob) -> SourceJob:
    """
    Return a job as it stands.
    """
    found = await running.journal.reading.job(job.job_id)
    assert found is not None
    return found


async def done(running: Polling, job: SourceJob) -> SourceJob:
    """
    Return a job once it has ended.
    """
    for _ in range(500):
        found = await job_of(running, job)
        if found.state not in (WAITING, RUNNING):
            return found
        await running.steps(1)
    raise AssertionError(f"{found} does not end")


async def until(running: Polling, is_so: Callable[[], bool]) -> None:
    """
    Make steps until something is so.
    """
    for _ in range(100):
        if is_so():
            return
        await running.steps(1)
    raise AssertionError("it never came to that")


async def call_events(running: Polling) -> list[dict[str, Any]]:
    """
    Return the events of calls but those that say they are settled.
    """
    return [
        event
        for event in await running.events()
        if event["type"].startswith("call.") and event["type"] != "call.settled"
    ]


def pasts(running: Polling) -> list[tuple[str, Window]]:
    """
    Return what was asked of the past.
    """
    return [one for one in running.source.pulled if one[1].purpose == port.BACKFILL]


@pytest.fixture
def calls(clock: ManualClock) -> CallList:
    """
    Give a phone system with a call list.
    """
    return CallList(clock)


# old gaps


async def open_old_gap(path: Path, clock: ManualClock, days: int = 5) -> tuple[datetime, datetime]:
    """
    Leave a gap of user calls of some days, older than two; return its bounds.
    """
    async with polling(path, clock, publish_from=DEFAULT_START - HOUR) as running:
        await running.polls(3)
    clock.advance(timedelta(days=days).total_seconds())
    async with polling(path, clock) as running:
        end = clock.now() - HOUR
        running.source.cut(USER_CALLS, end, "too_many_rows")
        await running.pass_time(45)
        (gap,) = await running.journal.open_gaps("pbx")
        assert (USER_CALLS, end) == (gap.stream, gap.end)
    clock.advance(timedelta(days=3).total_seconds())
    return gap.start, end


async def test_a_gap_that_is_older_than_two_days_is_read_again_in_stretches_and_closed(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    start, end = await open_old_gap(journal_path, clock)
    calls.rows[USER_CALLS] = [*of_day(start), *of_day(start + 2 * DAY)]
    async with polling(journal_path, clock, calls) as running:
        await running.pass_time(120)
        stretches = [(window.start, window.end or window.start) for _, window in pasts(running)]
        reads = (await running.journal.reads("pbx", end + DAY, ["gap"]))[USER_CALLS]
        events = await call_events(running)

        assert [] == await running.journal.open_gaps("pbx")
    assert {USER_CALLS} == {stream for stream, _ in pasts(running)}
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


async def test_a_gap_that_is_shown_no_better_is_asked_for_once_a_minute_and_holds_no_job_up(
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
    assert 14 <= len(of_gap) <= 16


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

    assert max(spans) == past.LONGEST_SPAN + 2 * past.MARGIN
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


async def test_a_job_that_was_cancelled_reads_no_further(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    calls.rows[USER_CALLS] = [row for day in range(20) for row in of_day(LONG_AGO + day * DAY)]
    async with polling(journal_path, clock, calls, PUBLISH_FROM) as running:
        job = await running.job(LONG_AGO, LONG_AGO + 20 * DAY)
        await until(running, lambda: any(one.events for one in running.appended))
        await running.journal.work.cancel_job(job.job_id, clock.now())
        asked, told = len(pasts(running)), len(await call_events(running))
        await running.pass_time(600)

        assert CANCELLED == (await job_of(running, job)).state
        assert (asked, told) == (len(pasts(running)), len(await call_events(running)))


async def test_what_a_cancelled_job_has_read_is_told_where_it_ended_since_publishing_began(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    """
    A poll never saw the call, a job read it and was cancelled before it could tell.
    """
    start = DEFAULT_START - 8 * HOUR
    async with polling(journal_path, clock, calls, start - HOUR) as running:
        await running.polls(3)
        calls.rows[USER_CALLS] = [user_row(start), user_row(start - 2 * HOUR, from_number="0499999999")]
        job = await running.job(DEFAULT_START - DAY, DEFAULT_START - 5 * HOUR)
        await until(running, lambda: USER_CALLS in {stream for stream, _ in pasts(running)})
        silent = len(await call_events(running))
        await running.journal.work.cancel_job(job.job_id, clock.now())
        await running.pass_time(120)
        events = await call_events(running)

    assert 0 == silent
    assert A_CALL == [event["type"] for event in events]
    assert {start} == {datetime.fromisoformat(event["data"]["started_at"]) for event in events}


async def test_rows_beside_a_jobs_range_that_are_owed_do_not_stay_silent(
    journal_path: Path, clock: ManualClock
) -> None:
    """
    Dates are whole days: a page shows more than the stretch, among it calls that no poll has shown.
    """
    start = DEFAULT_START - 10 * HOUR
    beside = {
        "0400000001": start - 2 * HOUR,
        "0400000002": start + 30 * MINUTE,
        "0400000003": start + 90 * MINUTE,
        "0400000004": start + 5 * HOUR,  # for whoever reads that time
        "0400000005": start - 12 * HOUR,  # ended before publishing began
    }

    class WholeDays(ScriptedSource):
        """
        A source that shows polls nothing, and of the past everything it has.
        """

        async def pull(self, stream: str, window: Window, names: Sequence[str] = ()) -> Pull:
            shown = [user_row(at, from_number=number) for number, at in beside.items()]
            is_past = stream == USER_CALLS and window.purpose == port.BACKFILL
            return replace(await super().pull(stream, window, names), rows=shown if is_past else [])

    source = WholeDays("pbx", clock)
    async with polling(journal_path, clock, source, DEFAULT_START - 20 * HOUR) as running:
        await running.polls(3)
        await done(running, await running.job(start, start + HOUR))
        of_job = {event["data"]["from_raw"] for event in await call_events(running)}
        await running.pass_time(120)
        told = {event["data"]["from_raw"] for event in await call_events(running)}

    assert {"0400000002", "0400000003"} == of_job
    assert {"0400000001", "0400000002", "0400000003"} == told


async def test_a_backfill_of_long_ago_owes_nothing_of_the_time_in_between(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    async with polling(journal_path, clock, calls, PUBLISH_FROM) as running:
        await running.polls(3)
        await done(running, await running.job(LONG_AGO, LONG_AGO + DAY))
        await running.pass_time(1_200)
        types = await running.types()
        asked = len(pasts(running))

    assert not [word for word in types if word.startswith("source.gap")]
    assert 3 == asked


async def test_a_job_goes_on_after_a_restart_and_tells_nothing_twice(
    journal_path: Path, clock: ManualClock
) -> None:
    rows = [row for day in range(6) for row in of_day(LONG_AGO + day * DAY)]
    steps = 0
    job: SourceJob | None = None
    while steps < 100:
        source = CallList(clock)
        source.rows[USER_CALLS] = rows
        async with polling(journal_path, clock, source, PUBLISH_FROM) as running:
            job = job or await running.job(LONG_AGO, LONG_AGO + 6 * DAY)
            await running.steps(9 + steps % 3)
            steps += 1
            if (await job_of(running, job)).state == DONE:
                events = await call_events(running)
                break

    assert 2 < steps < 100
    assert 90 == len(events) == len({event["id"] for event in events})


async def test_a_crash_between_reading_and_telling_loses_nothing(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    calls.rows[USER_CALLS] = of_day(LONG_AGO)
    async with polling(journal_path, clock, calls, PUBLISH_FROM) as running:
        job = await running.job(LONG_AGO, LONG_AGO + DAY)
        await until(running, lambda: len({stream for stream, _ in pasts(running)}) == 3)
        legs = query(journal_path, "SELECT count(*) FROM legs")
        told = len(await call_events(running))
    async with polling(journal_path, clock, calls, PUBLISH_FROM) as running:
        ended = await done(running, job)

        assert A_CALL * 5 == [event["type"] for event in await call_events(running)]
    assert ([(5,)], 0, 15) == (legs, told, ended.events)


async def test_jobs_are_done_one_after_the_other(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    async with polling(journal_path, clock, calls, PUBLISH_FROM) as running:
        jobs = [await running.job(LONG_AGO + day * DAY, LONG_AGO + (day + 1) * DAY) for day in range(3)]
        ends = [await done(running, job) for job in jobs]
        starts = [window.start for _, window in pasts(running)]

    assert starts == sorted(starts)
    assert [DONE] * 3 == [job.state for job in ends]


async def test_a_phone_system_that_does_not_answer_is_asked_for_the_past_again_later(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    class Away(CallList):
        """
        A source whose past cannot be read for a while.
        """

        failures = 3

        async def pull(self, stream: str, window: Window, names: Sequence[str] = ()) -> Pull:
            if window.purpose == port.BACKFILL and self.failures:
                self.failures -= 1
                self.pulled.append((stream, window))
                raise SourceUnreachable("pbx", "http_5xx", "answered 503")
            return await super().pull(stream, window, names)

    source = Away(clock)
    source.rows[USER_CALLS] = of_day(LONG_AGO)
    async with polling(journal_path, clock, source, PUBLISH_FROM) as running:
        ended = await done(running, await running.job(LONG_AGO, LONG_AGO + DAY))

        assert "up" == (await running.journal.source_head("pbx")).state
    assert (DONE, 15) == (ended.state, ended.events)
    assert 3 * 60 <= (clock.now() - DEFAULT_START).total_seconds() <= 4 * 60


async def test_a_budget_that_is_spent_is_waited_for(journal_path: Path, clock: ManualClock) -> None:
    until = DEFAULT_START + 300 * SECOND

    class Spent(CallList):
        """
        A source whose budget has nothing left for the past until an instant.
        """

        async def pull(self, stream: str, window: Window, names: Sequence[str] = ()) -> Pull:
            if window.purpose == port.BACKFILL and clock.now() < until:
                self.pulled.append((stream, window))
                raise SourceThrottled("pbx", port.OWN_QUOTA, "spent", until)
            return await super().pull(stream, window, names)

    async with polling(journal_path, clock, Spent(clock), PUBLISH_FROM) as running:
        job = await running.job(LONG_AGO, LONG_AGO + DAY)
        await running.pass_time(299)
        asked = len(pasts(running))
        ended = await done(running, job)

    assert (1, DONE) == (asked, ended.state)
    assert until <= clock.now() <= until + 30 * SECOND


# reconciliations


async def test_a_reconciliation_tells_what_polls_had_missed_and_counts_it(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    day = DEFAULT_START - 12 * HOUR
    known, missed = user_row(day), user_row(day + HOUR, from_number="0499999999")
    calls.rows[USER_CALLS] = [known]
    async with polling(journal_path, clock, calls, DEFAULT_START - 2 * DAY) as running:
        await running.polls(3)
        calls.rows[USER_CALLS] = [known, missed]
        job = await running.job(DEFAULT_START - DAY, DEFAULT_START - 6 * HOUR, RECONCILE)
        ended = await done(running, job)
        events = await call_events(running)
        missing = running.sample("relay_reconcile_missing_events")
        last_run = running.sample("relay_reconcile_last_run_timestamp_seconds")

    assert (A_CALL * 2, 3) == ([event["type"] for event in events], ended.missing)
    assert [{LIVE}, {RECONCILED}] == [
        {event["data"]["origin"] for event in events[:3]},
        {event["data"]["origin"] for event in events[3:]},
    ]
    assert 3 == missing
    assert 0 <= clock.now().timestamp() - last_run <= 60


async def test_a_reconciliation_leaves_silent_what_ended_before_publishing_began(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    calls.rows[USER_CALLS] = of_day(DEFAULT_START - 2 * DAY)
    async with polling(journal_path, clock, calls, PUBLISH_FROM) as running:
        job = await running.job(DEFAULT_START - 2 * DAY, DEFAULT_START - DAY, RECONCILE)
        ended = await done(running, job)

        assert [] == await call_events(running)
    assert (DONE, 0, 5) == (ended.state, ended.missing, ended.rows)


async def test_a_reconciliation_that_finds_nothing_says_so(
    journal_path: Path, clock: ManualClock, calls: CallList
) -> None:
    calls.rows[USER_CALLS] = [user_row(DEFAULT_START - 12 * HOUR)]
    async with polling(journal_path, clock, calls, DEFAULT_START - 2 * DAY) as running:
        await running.polls(3)
        ended = await done(running, await running.job(DEFAULT_START - DAY, DEFAULT_START, RECONCILE))

        assert 0 == running.sample("relay_reconcile_missing_events")
        assert 0 < running.sample("relay_reconcile_last_run_timestamp_seconds")
    assert (DONE, 0) == (ended.state, ended.missing)
