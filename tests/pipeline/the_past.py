"""
A past to be read beside the polls, and jobs that ask for it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from relay.model.call import USER_CALLS
from relay.model.source_work import RUNNING, WAITING, SourceJob
from relay.sources import port
from relay.sources.port import Window
from relay.testing.manual_clock import DEFAULT_START, ManualClock
from tests.pipeline.polling import (
    DAY,
    HOUR,
    Polling,
    polling,
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
