"""
The longest time in which the event loop did nothing else.

uvloop does not tell how long a callback took.  So a task wakes every millisecond, and how much later than
that it wakes is how long the loop was held: by one callback, by all that were ready at once, by another
thread that had the interpreter, or by another process that had the core.  It is an upper bound of the
longest step.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

BEAT_S: Final = 0.001


class Heartbeat:
    """
    Measures while its task runs.
    """

    def __init__(self) -> None:
        self.longest_s = 0.0

    @property
    def longest_ms(self) -> float:
        """
        Return the longest step so far.
        """
        return self.longest_s * 1000

    async def beat(self) -> None:
        """
        Wake every millisecond until cancelled.
        """
        woken = time.perf_counter()
        while True:
            await asyncio.sleep(BEAT_S)
            now = time.perf_counter()
            self.longest_s = max(self.longest_s, now - woken - BEAT_S)
            woken = now


@asynccontextmanager
async def heartbeat() -> AsyncIterator[Heartbeat]:
    """
    Measure the steps of the loop inside the block.
    """
    heart = Heartbeat()
    task = asyncio.create_task(heart.beat(), name="heartbeat")
    await asyncio.sleep(2 * BEAT_S)
    heart.longest_s = 0.0
    try:
        yield heart
        await asyncio.sleep(2 * BEAT_S)  # a step that is ending now counts too
    finally:
        task.cancel()
