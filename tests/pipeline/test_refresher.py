"""
Refreshing: never twice at once, never forgotten, and in time for what ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from relay.pipeline.refresher import Refresher
from relay.testing.manual_clock import ManualClock


@dataclass
class Work:
    """
    What is done again and again, as often as it is allowed to end.
    """

    times: int = 0
    at_once: int = 0
    most_at_once: int = 0
    next_at: datetime | None = None
    allowed: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def do(self) -> datetime | None:
        """
        Do it once.
        """
        self.times += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.allowed.acquire()
        self.at_once -= 1
        return self.next_at

    def allow(self, times: int) -> None:
        """
        Let it end so many times more.
        """
        for _ in range(times):
            self.allowed.release()


@asynccontextmanager
async def running(work: Work, clock: ManualClock) -> AsyncIterator[Refresher]:
    """
    Run a refresher until left.
    """
    refresher, stop = Refresher(work.do, clock), asyncio.Event()
    task = asyncio.create_task(refresher.run(stop))
    yield refresher
    stop.set()
    await task
    await asyncio.wait_for(refresher.ask(), 10)  # answers, though nobody does it any more


async def test_those_who_ask_while_it_is_done_share_the_next_one(clock: ManualClock) -> None:
    work = Work()
    async with running(work, clock) as refresher:
        first = asyncio.create_task(refresher.ask())
        await turns()
        others = [asyncio.create_task(refresher.ask()) for _ in range(20)]
        await turns()
        assert (1, False) == (work.times, first.done())

        work.allow(9)
        await asyncio.wait_for(asyncio.gather(first, *others), 10)

    assert (2, 1) == (work.times, work.most_at_once)


async def test_nobody_is_answered_by_what_began_before_he_asked(clock: ManualClock) -> None:
    work = Work()
    async with running(work, clock) as refresher:
        first = asyncio.create_task(refresher.ask())
        await turns()
        second = asyncio.create_task(refresher.ask())
        work.allow(1)
        await asyncio.wait_for(first, 10)
        await turns()

        assert (2, False) == (work.times, second.done())
        work.allow(1)
        await asyncio.wait_for(second, 10)


async def test_whoever_asked_may_go_away(clock: ManualClock) -> None:
    work = Work()
    async with running(work, clock) as refresher:
        asking = asyncio.create_task(refresher.ask())
        await turns()
        asking.cancel()
        work.allow(9)
        await asyncio.wait_for(refresher.ask(), 10)

    assert 2 == work.times


@pytest.mark.parametrize("ahead_s", [30, 3_600, 24 * 3_600])
async def test_it_is_done_when_the_time_has_come_and_not_before(clock: ManualClock, ahead_s: int) -> None:
    work = Work(next_at=clock.now() + timedelta(seconds=ahead_s))
    work.allow(9)
    async with running(work, clock) as refresher:
        await refresher.ask()
        await clock.run_for(ahead_s - 1)
        assert 1 == work.times

        work.next_at = None
        await clock.run_for(1)
        assert 2 == work.times
        await clock.run_for(ahead_s)
        assert 2 == work.times


async def test_what_breaks_it_is_not_swallowed(clock: ManualClock) -> None:
    async def broken() -> None:
        raise ZeroDivisionError("a bug")

    refresher = Refresher(broken, clock)
    task = asyncio.create_task(refresher.run(asyncio.Event()))
    await asyncio.wait_for(refresher.ask(), 10)

    with pytest.raises(ZeroDivisionError):
        await task


async def turns() -> None:
    """
    Let everything run that can.
    """
    for _ in range(20):
        await asyncio.sleep(0)
