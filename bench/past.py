"""
A backfill of many past calls: how fast it goes, and that it takes no more memory the longer it is.

The phone system is a function: it makes the rows of the days that are asked for, and forgets them.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Final

from bench.child import BenchFailed
from bench.events import EVENTS_PER_CALL, SOURCE
from bench.heartbeat import heartbeat
from bench.house import STREAM, House, open_house
from bench.pages import row_of
from bench.resident import Memory
from relay.model.source_work import BACKFILL, DONE, SourceJob
from relay.source_assembly import Surroundings, poll_of, rooms_of
from relay.sources.port import Pull, Window
from relay.sources.voipcloud.config import VoipcloudConfig

CALLS_A_DAY: Final = 1_000
NUMBERS: Final = 2_000
GAP: Final = timedelta(days=1) / CALLS_A_DAY
LAST_CALL: Final = timedelta(days=2)  # so long ago, behind what live polls read
LEVEL_AFTER: Final = 10_000
LOOK_EVERY_S: Final = 0.1
MB: Final = 1e6


class PastCalls:
    """
    A source that shows so many finished calls, one every GAP, the newest LAST_CALL ago.
    """

    def __init__(self, calls: int, now: datetime) -> None:
        self.source_id = SOURCE
        self.call_streams: tuple[str, ...] = (STREAM,)
        self.status_streams: tuple[str, ...] = ()
        self._now = now
        self.first = (now - LAST_CALL - GAP * calls).replace(microsecond=0)
        self._calls = calls

    async def pull(self, stream: str, window: Window, names: Sequence[str] = ()) -> Pull:
        """
        Return the rows of a window, newest first.
        """
        asked_at = max(self._now, window.start)
        end = window.end or asked_at
        first, last = (max(0, ceil((at - self.first) / GAP)) for at in (window.start, end))
        some = range(first, min(last, self._calls))
        rows = [row_of(call, self.first + GAP * call, NUMBERS) for call in some]
        return Pull(stream, rows[::-1], asked_at, window.start, window.start, end)

    def allow(self, polls: int | None) -> None:
        """
        Do nothing: there is no limit.
        """

    async def quota_remaining(self) -> None:
        """
        Return that there is no limit.
        """


async def backfill(params: dict[str, Any]) -> dict[str, float]:
    """
    Backfill `calls` calls; return how many a second, and memory at the start, after the first LEVEL_AFTER,
    at the most and at the end.
    """
    calls = params["calls"]
    async with open_house([]) as house:
        source = PastCalls(calls, house.clock.now())
        job_id = await _begin(house, source.first)
        gc.collect()
        memory, started = Memory(), time.perf_counter()
        memory.look()
        async with heartbeat() as heart, _polling(house, source):
            level = await _watch(house, job_id, memory)
        took_s = time.perf_counter() - started
        stats = await house.journal.stats()
    if stats.events < calls * EVENTS_PER_CALL:
        raise BenchFailed(f"{calls} calls became {stats.events} events")
    return {
        "calls_per_s": calls / took_s,
        "start_mb": memory.samples[0] / MB,
        "after_10000_mb": level / MB,
        "peak_mb": max(memory.samples) / MB,
        "end_mb": memory.samples[-1] / MB,
        "longest_step_ms": heart.longest_ms,
    }


async def _begin(house: House, start: datetime) -> int:
    now, made = house.clock.now(), []

    def answer(job: SourceJob) -> bytes:
        made.append(job.job_id)
        return b""

    await house.journal.register_source(SOURCE, "voipcloud", now, now)
    await house.journal.work.make_job(SOURCE, BACKFILL, start, now - timedelta(days=1), answer, now)
    return made[0]


@asynccontextmanager
async def _polling(house: House, source: PastCalls) -> AsyncIterator[None]:
    config = VoipcloudConfig.model_validate(
        {
            "id": SOURCE,
            "kind": "voipcloud",
            "base_url": "http://127.0.0.1:9",
            "token": "token",
            "timezone": "Australia/Sydney",
            "country": "AU",
            "streams": [STREAM],
        }
    )
    around = Surroundings(house.journal, house.ids, house.clock, house.metrics, house.hand_on)
    poll, stop = poll_of(config, source, await rooms_of(config, around), around), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(poll.run(stop), name=poll.name)
        try:
            yield
        finally:
            stop.set()


async def _watch(house: House, job_id: int, memory: Memory) -> int:
    """
    Return the level of memory after the first LEVEL_AFTER calls, once the job is done.
    """
    level = 0
    while True:
        resident = memory.look()
        job = await house.journal.reading.job(job_id)
        if job is None:
            raise BenchFailed("the backfill is gone")
        if not level and job.events >= LEVEL_AFTER * EVENTS_PER_CALL:
            level = resident
        if job.state == DONE:
            return level or resident
        await asyncio.sleep(LOOK_EVERY_S)
