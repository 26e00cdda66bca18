"""
Every wait of a loop is until a time, or until told to stop.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

from relay.model.clock import Clock


async def until(at: datetime, stop: asyncio.Event, clock: Clock) -> None:
    """
    Return at `at` by the clock, or as soon as `stop` is set.
    """
    delay_s = (at - clock.now()).total_seconds()
    if delay_s <= 0:
        await asyncio.sleep(0)
        return
    sleeping = asyncio.ensure_future(clock.sleep(delay_s))
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({sleeping, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        sleeping.cancel()
        stopping.cancel()
