"""
Keep what is in memory in line with the journal: when somebody asks, and when a time has come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from relay.model.clock import Clock
from relay.pipeline.waiting import pause

CHECK_S: Final = 60.0  # the clock may be set while we sleep


class Refresher:
    """
    Does one thing again and again, never twice at once.

    Args:
        refresh: does it; returns when it must be done again at the latest, or None: when somebody asks.
        clock: tells when.
    """

    def __init__(self, refresh: Callable[[], Awaitable[datetime | None]], clock: Clock) -> None:
        self._refresh = refresh
        self._clock = clock
        self._next_at: datetime | None = None
        self._asked_times = 0
        self._answered_times = 0
        self._is_over = False
        self._asked = asyncio.Event()
        self._answered = asyncio.Condition()

    async def ask(self) -> None:
        """
        Return once it was done from beginning to end after this call; at once where `run` is over.

        Those who ask while it is being done share the one after it.
        """
        self._asked_times += 1
        mine = self._asked_times
        self._asked.set()
        async with self._answered:
            await self._answered.wait_for(lambda: self._is_over or self._answered_times >= mine)

    async def step(self) -> None:
        """
        Do it once.
        """
        asked_times = self._asked_times
        self._asked.clear()
        self._next_at = await self._refresh()
        self._answered_times = asked_times
        async with self._answered:
            self._answered.notify_all()

    async def run(self, stop: asyncio.Event) -> None:
        """
        Do it whenever it must be done, until told to stop.
        """
        try:
            while not stop.is_set():
                if self._asked.is_set() or self._left_s() <= 0:
                    await self.step()
                else:
                    await pause(self._clock, self._left_s(), self._asked, stop)
        finally:
            self._is_over = True
            async with self._answered:
                self._answered.notify_all()

    def _left_s(self) -> float:
        if self._next_at is None:
            return CHECK_S
        return min((self._next_at - self._clock.now()).total_seconds(), CHECK_S)
