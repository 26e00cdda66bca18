"""
Every wait of a loop is until a time, or until something happens: an event, or being told to stop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from relay.model.clock import Clock

T = TypeVar("T")


async def until(at: datetime, stop: asyncio.Event, clock: Clock) -> None:
    """
    Return at `at` by the clock, or as soon as `stop` is set.
    """
    await pause(clock, (at - clock.now()).total_seconds(), stop)


async def pause(clock: Clock, seconds: float, *events: asyncio.Event) -> None:
    """
    Return after some seconds of the clock, or as soon as one of the events is set.
    """
    if any(event.is_set() for event in events):
        await asyncio.sleep(0)
        return
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    sleeping = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait([sleeping, *waits], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in (sleeping, *waits):
            wait.cancel()


async def handed_on(work: Awaitable[T], hand_on: Callable[[T], None]) -> T:
    """
    Return the result of a change of the journal after handing it on, also where the caller is cancelled
    meanwhile: what is durable and never handed on would lie there until the next look.
    """
    task = asyncio.ensure_future(work)
    try:
        result = await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        if not task.cancelled() and task.exception() is None:
            hand_on(task.result())
        raise
    hand_on(result)
    return result


async def pause_until_done(task: asyncio.Task[None], stop: asyncio.Event, grace_s: float) -> None:
    """
    Return once a task is over; after `stop` is set it gets its grace and is then cancelled.
    """
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            await asyncio.wait({task}, timeout=grace_s)
    finally:
        stopping.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
