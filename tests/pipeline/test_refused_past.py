"""
A past that the phone system will not show: told with the job, asked for ever more seldom, in nobody's way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise, repeat
from pathlib import Path

import pytest

from relay.model.call import CALL_STREAMS, QUEUE_CALLS, USER_CALLS
from relay.model.errors import SourceAbsent, SourceError, SourceGarbled, SourceThrottled, SourceUnreachable
from relay.model.source_work import DONE, FAILED, PUSH, RUNNING, WAITING
from relay.model.times import to_ms
from relay.pipeline.asking import AGAIN
from relay.pipeline.past_jobs import REFUSALS_TO_FAIL
from relay.sources import port
from relay.sources.port import Pull, Window
from relay.testing.manual_clock import DEFAULT_START, ManualClock
from tests.pipeline.polling import DAY, HOUR, SECOND, CallList, Polling, polling, query, ringing
from tests.pipeline.the_past import (
    A_CALL,
    LONG_AGO,
    PUBLISH_FROM,
    call_events,
    done,
    job_of,
    of_day,
    open_old_gap,
)

TOO_OLD = SourceGarbled("pbx", "http_4xx", "answered 400: from_date is too long ago", "")
AWAY = SourceUnreachable("pbx", "http_5xx", "answered 503")


class Refusing(CallList):
    """
    A source that fails where it is asked for what began before an instant; `refused_at` tells when.
    """

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.refused_at: list[datetime] = []
        self._refused: tuple[Sequence[str], datetime] = ((), DEFAULT_START)
        self._errors: Iterable[SourceError] = ()

    def refuse(
        self, errors: Iterable[SourceError], before: datetime, streams: Sequence[str] = CALL_STREAMS
    ) -> None:
        """
        Fail with these errors, one after the other, then answer.
        """
        self._errors, self._refused = iter(errors), (streams, before)

    async def pull(self, stream: str, window: Window, names: Sequence[str] = ()) -> Pull:
        """
        Fail, or answer.
        """
        streams, before = self._refused
        if window.purpose == port.BACKFILL and stream in streams and window.start < before:
            for error in self._errors:
                self.pulled.append((stream, window))
                self.refused_at.append(self._clock.now())
                raise error
        return await super().pull(stream, window, names)


@pytest.fixture
def source(clock: ManualClock) -> Refusing:
    """
    Give a phone system that holds calls of a day long ago and of the day after.
    """
    made = Refusing(clock)
    made.rows[USER_CALLS] = [*of_day(LONG_AGO), *of_day(LONG_AGO + DAY)]
    return made


# jobs


@pytest.mark.parametrize(
    "error", [TOO_OLD, SourceAbsent("pbx", "http_4xx", "answered 404")], ids=["400", "404"]
)
async def test_a_job_that_is_refused_again_and_again_fails_with_its_reason_and_the_next_is_done(
    journal_path: Path, clock: ManualClock, source: Refusing, error: SourceError
) -> None:
    source.refuse(repeat(error), LONG_AGO + HOUR)
    async with polling(journal_path, clock, source, PUBLISH_FROM) as running:
        refused = await running.job(LONG_AGO, LONG_AGO + DAY)
        good = await running.job(LONG_AGO + DAY + 2 * HOUR, LONG_AGO + 2 * DAY)
        await running.pass_time(120)
        early = [(await job_of(running, job)).state for job in (refused, good)]
        ended = await done(running, refused)
        failed_at = clock.now()

        assert DONE == (await done(running, good)).state
        assert A_CALL * 4 == [event["type"] for event in await call_events(running)]
    assert [RUNNING, WAITING] == early
    assert (FAILED, "http_4xx", failed_at) == (ended.state, ended.reason, ended.finished_at)
    assert REFUSALS_TO_FAIL == len(source.refused_at)
    assert AGAIN <= min(after - before for before, after in pairwise(source.refused_at))


async def test_a_phone_system_that_is_away_for_long_fails_no_job(
    journal_path: Path, clock: ManualClock, source: Refusing
) -> None:
    """
    Nor does a garbled answer, as broken as the rest.
    """
    source.refuse([*[AWAY] * 2 * REFUSALS_TO_FAIL, TOO_OLD, AWAY], LONG_AGO + HOUR)
    async with polling(journal_path, clock, source, PUBLISH_FROM) as running:
        job = await running.job(LONG_AGO, LONG_AGO + DAY)
        await running.pass_time(600)
        meanwhile = await job_of(running, job)
        ended = await done(running, job)

    assert (RUNNING, "http_5xx") == (meanwhile.state, meanwhile.reason)
    assert (DONE, 15) == (ended.state, ended.events)


async def test_what_one_job_was_refused_does_not_count_against_another(
    journal_path: Path, clock: ManualClock, source: Refusing
) -> None:
    source.refuse([TOO_OLD] * (2 * REFUSALS_TO_FAIL - 2), LONG_AGO + 2 * DAY)
    async with polling(journal_path, clock, source, PUBLISH_FROM) as running:
        first = await running.job(LONG_AGO, LONG_AGO + DAY)
        while len(source.refused_at) < REFUSALS_TO_FAIL - 1:
            await running.steps(1)
        await running.journal.work.cancel_job(first.job_id, clock.now())
        second = await done(running, await running.job(LONG_AGO + DAY, LONG_AGO + 2 * DAY))

    assert (DONE, 15) == (second.state, second.events)


@pytest.mark.parametrize("until_s", [None, 300])
async def test_pushes_have_the_past_asked_for_no_sooner(
    journal_path: Path, clock: ManualClock, source: Refusing, until_s: float | None
) -> None:
    """
    Each one wakes the loop; what the phone system refused is asked for again after its pause all the same.
    """
    async with polling(journal_path, clock, source, PUBLISH_FROM) as running:
        await running.polls(3)
        until = clock.now() + timedelta(seconds=until_s or 0)
        throttled = SourceThrottled("pbx", "rate_limited", "answered 429", until)
        source.refuse(repeat(TOO_OLD if until_s is None else throttled), LONG_AGO + HOUR)
        await running.job(LONG_AGO, LONG_AGO + DAY)
        for place in range(40):
            await running.put_down(PUSH, ringing(clock.now(), caller_id=f"04{place:08d}"))
            await running.pass_time(5)

    assert (4 if until_s is None else 1) == len(source.refused_at)


# gaps


async def open_two_gaps(path: Path, clock: ManualClock) -> None:
    """
    Leave a gap of user calls and a little later one of queue calls, both older than two days.
    """
    async with polling(path, clock, publish_from=DEFAULT_START - HOUR) as running:
        await running.polls(3)
    clock.advance((3 * DAY).total_seconds())
    async with polling(path, clock) as running:
        for stream in (USER_CALLS, QUEUE_CALLS):
            running.source.cut(stream, clock.now() - HOUR, "too_many_rows")
        await running.pass_time(60)
        assert [USER_CALLS, QUEUE_CALLS] == await open_gaps(running)
    clock.advance((3 * DAY).total_seconds())


async def open_gaps(running: Polling) -> list[str]:
    """
    Return the streams of the gaps that are open, oldest gap first.
    """
    gaps = await running.journal.open_gaps("pbx")
    return [gap.stream for gap in sorted(gaps, key=lambda gap: gap.start)]


async def test_a_gap_that_is_refused_is_asked_for_ever_more_seldom_and_holds_up_nothing(
    journal_path: Path, clock: ManualClock
) -> None:
    await open_two_gaps(journal_path, clock)
    source = Refusing(clock)
    source.refuse(repeat(TOO_OLD), DEFAULT_START + 6 * DAY, [USER_CALLS])
    async with polling(journal_path, clock, source) as running:
        job = await running.job(DEFAULT_START + 6 * DAY + HOUR, DEFAULT_START + 6 * DAY + 2 * HOUR)
        await running.pass_time(120)
        left = await open_gaps(running)
        state = (await job_of(running, job)).state
        await running.pass_time(3_600)

    pauses = [round((after - before) / AGAIN) for before, after in pairwise(source.refused_at)]
    assert ([USER_CALLS], DONE) == (left, state)
    assert [1, 2, 4, 8, 16] == pauses


async def test_a_gap_that_is_no_longer_refused_is_closed(journal_path: Path, clock: ManualClock) -> None:
    await open_two_gaps(journal_path, clock)
    source = Refusing(clock)
    source.refuse([TOO_OLD] * 3, DEFAULT_START + 6 * DAY, [USER_CALLS])
    async with polling(journal_path, clock, source) as running:
        await running.pass_time(180)
        before = await open_gaps(running)
        await running.pass_time(600)

        assert [] == await open_gaps(running)
    assert [USER_CALLS] == before


async def test_a_budget_that_is_spent_is_no_refusal_of_a_gap(journal_path: Path, clock: ManualClock) -> None:
    await open_two_gaps(journal_path, clock)
    source = Refusing(clock)
    spent = [
        SourceThrottled("pbx", port.OWN_QUOTA, "spent", clock.now() + place * 20 * SECOND)
        for place in range(1, 10)
    ]
    source.refuse(spent, DEFAULT_START + 6 * DAY)
    async with polling(journal_path, clock, source) as running:
        await running.pass_time(300)

        assert [] == await open_gaps(running)
    assert len(spent) == len(source.refused_at)


# what is too much for one answer


class Slow(CallList):
    """
    A source that does not answer in time where it is asked for more than `longest` at once.
    """

    longest = 3 * DAY

    async def pull(self, stream: str, window: Window, names: Sequence[str] = ()) -> Pull:
        """
        Answer, or time out.
        """
        if window.purpose == port.BACKFILL and window.end - window.start > self.longest:  # type: ignore[operator] # it ends
            self.pulled.append((stream, window))
            raise SourceUnreachable("pbx", "timeout", "no answer within 30 s")
        return await super().pull(stream, window, names)


async def test_a_stretch_that_is_too_long_to_be_answered_is_asked_for_in_parts(
    journal_path: Path, clock: ManualClock
) -> None:
    source = Slow(clock)
    source.rows[USER_CALLS] = [row for day in range(40) for row in of_day(LONG_AGO - 100 * DAY + day * DAY)]
    async with polling(journal_path, clock, source, PUBLISH_FROM) as running:
        job = await running.job(LONG_AGO - 100 * DAY, LONG_AGO - 60 * DAY)
        await running.pass_time(7_200)
        ended = await job_of(running, job)

    assert (DONE, None, 600) == (ended.state, ended.reason, ended.events)


async def test_an_old_gap_that_is_too_long_to_be_answered_is_closed_in_parts(
    journal_path: Path, clock: ManualClock
) -> None:
    source = Slow(clock)
    source.longest = 6 * HOUR
    start, end = await open_old_gap(journal_path, clock)
    async with polling(journal_path, clock, source) as running:
        await running.pass_time(6 * 3_600)
        assert [] == await running.journal.open_gaps("pbx")
    gaps = query(
        journal_path, "SELECT from_ms, to_ms, closed_ms IS NULL FROM gaps WHERE stream = 'user_calls'"
    )
    old = sorted(gap for gap in gaps if gap[0] in range(to_ms(start), to_ms(end)))

    assert [0] * len(old) == [is_open for _, _, is_open in old]
    assert len(old) > 10
    # Each begins where the one before it was closed.
    assert [to for _, to, _ in old][:-1] == [since for since, _, _ in old][1:]


async def test_a_job_that_not_even_the_shortest_stretch_is_answered_of_fails_in_a_day_and_lets_others_pass(
    journal_path: Path, clock: ManualClock
) -> None:
    source = Slow(clock)
    source.longest = timedelta(0)
    async with polling(journal_path, clock, source, PUBLISH_FROM) as running:
        job = await running.job(LONG_AGO, LONG_AGO + DAY)
        await running.pass_time(20 * 3_600)
        meanwhile = await job_of(running, job)
        await running.pass_time(8 * 3_600)
        last = await job_of(running, job)

    assert [(RUNNING, "timeout"), (FAILED, "timeout")] == [
        (one.state, one.reason) for one in (meanwhile, last)
    ]


async def test_a_job_says_what_it_waits_for(journal_path: Path, clock: ManualClock) -> None:
    async with polling(journal_path, clock, publish_from=PUBLISH_FROM) as running:
        running.source.then(QUEUE_CALLS, *[AWAY] * 100)
        job = await running.job(LONG_AGO, LONG_AGO + DAY)
        await running.pass_time(600)
        waiting = await job_of(running, job)

    assert (WAITING, "http_5xx") == (waiting.state, waiting.reason)
