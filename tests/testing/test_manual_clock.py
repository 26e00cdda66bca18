"""
The clock that tests move: sleepers wake when their time has come, in order, and never before.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from relay.testing.manual_clock import ManualClock


def test_time_stands_still_until_it_is_moved() -> None:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))

    assert (datetime(2026, 1, 1, tzinfo=UTC), 0.0) == (clock.now(), clock.monotonic())
    clock.advance(90.5)
    assert (datetime(2026, 1, 1, 0, 1, 30, 500_000, tzinfo=UTC), 90.5) == (clock.now(), clock.monotonic())


async def test_sleepers_wake_in_the_order_of_their_deadlines() -> None:
    clock = ManualClock()
    woken: list[str] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(name)

    async with asyncio.TaskGroup() as tasks:
        for name, seconds in (("late", 20.0), ("early", 10.0), ("equal", 10.0), ("never too soon", 20.1)):
            tasks.create_task(sleeper(name, seconds))
        await clock.wait_for_sleepers(4)
        clock.advance(20)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

        assert ["early", "equal", "late"] == woken
        clock.advance(0.1)

    assert "never too soon" == woken[-1]


async def test_a_loop_that_sleeps_again_is_run_step_by_step() -> None:
    clock = ManualClock()
    begun_at = clock.now()
    ticks: list[timedelta] = []

    async def tick() -> None:
        while True:
            await clock.sleep(10)
            ticks.append(clock.now() - begun_at)

    task = asyncio.create_task(tick())
    await clock.run_for(35)
    task.cancel()

    assert [timedelta(seconds=seconds) for seconds in (10, 20, 30)] == ticks
    assert 35.0 == clock.monotonic()


async def test_a_cancelled_sleeper_is_no_sleeper() -> None:
    clock = ManualClock()
    task = asyncio.create_task(clock.sleep(10))
    await clock.wait_for_sleepers(1)

    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert 0 == clock.sleepers
    clock.advance(10)


async def test_waiting_for_sleepers_that_do_not_come_ends_in_an_error() -> None:
    with pytest.raises(TimeoutError):
        await ManualClock().wait_for_sleepers(1, timeout_s=0.01)


def test_time_never_goes_back() -> None:
    with pytest.raises(ValueError, match="never goes back"):
        ManualClock().advance(-1)
