"""
Jobs that read the past: cancelled, interrupted, resumed; reconciliations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from relay.model.call import USER_CALLS
from relay.model.errors import SourceThrottled, SourceUnreachable
from relay.model.event import LIVE
from relay.model.event import RECONCILE as RECONCILED
from relay.model.source_work import CANCELLED, DONE, RECONCILE, SourceJob
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
    polling,
    query,
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
    pasts,
    until,
)


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
