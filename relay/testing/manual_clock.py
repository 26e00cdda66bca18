"""
A clock that stands still until a test moves it.
"""

from __future__ import annotations

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from itertools import count
from math import inf
from typing import Final

from relay.model.times import to_ms

DEFAULT_START: Final = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


class ManualClock:
    """
    Tells the time a test chose; `sleep` returns once `advance` has moved the time past its end.

    `now` and `monotonic` move together.  Sleepers wake in the order of their deadlines, equal ones in the
    order in which they went to sleep, and each of them sees the clock at its own deadline or later.
    """

    def __init__(self, start: datetime = DEFAULT_START) -> None:
        if start.tzinfo is None:
            raise ValueError("start must be an aware datetime")
        self._start = start.astimezone(UTC)
        self._elapsed = timedelta()
        self._order = count()
        self._sleepers: list[tuple[timedelta, int, asyncio.Future[None]]] = []
        self._changed = asyncio.Event()

    def now(self) -> datetime:
        """
        Return the chosen instant in UTC.
        """
        return self._start + self._elapsed

    def now_ms(self) -> int:
        """
        Return the chosen instant in milliseconds since 1970.
        """
        return to_ms(self.now())

    def monotonic(self) -> float:
        """
        Return the seconds moved since the clock was made.
        """
        return self._elapsed.total_seconds()

    @property
    def sleepers(self) -> int:
        """
        Return how many tasks sleep on this clock now.
        """
        return sum(not future.done() for _, _, future in self._sleepers)

    @property
    def next_wake_s(self) -> float:
        """
        Return in how many seconds the next sleeper wakes up; infinite where nobody sleeps.
        """
        deadlines = [deadline for deadline, _, future in self._sleepers if not future.done()]
        return (min(deadlines) - self._elapsed).total_seconds() if deadlines else inf

    async def sleep(self, seconds: float) -> None:
        """
        Return when the clock was moved by `seconds`; at once (after one turn of the loop) for 0 or less.
        """
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (self._elapsed + timedelta(seconds=seconds), next(self._order), future)
        heapq.heappush(self._sleepers, entry)
        self._changed.set()
        await future

    def advance(self, seconds: float) -> None:
        """
        Move the time and make everyone due ready to run; they run when the caller next awaits.
        """
        if seconds < 0:
            raise ValueError("time never goes back")
        self._elapsed += timedelta(seconds=seconds)
        while self._sleepers and self._sleepers[0][0] <= self._elapsed:
            _, _, future = heapq.heappop(self._sleepers)
            if not future.done():  # a cancelled sleeper is gone already
                future.set_result(None)

    async def run_for(self, seconds: float) -> None:
        """
        Move the time sleeper by sleeper, letting each run (and sleep again) before the time goes on.
        """
        end = self._elapsed + timedelta(seconds=seconds)
        await self._settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            self.advance((self._sleepers[0][0] - self._elapsed).total_seconds())
            await self._settle()
        self.advance((end - self._elapsed).total_seconds())
        await self._settle()

    async def wait_for_sleepers(self, at_least: int, timeout_s: float = 5.0) -> None:
        """
        Return once `at_least` tasks sleep on this clock.

        Raises:
            TimeoutError: they did not within `timeout_s` real seconds.
        """
        async with asyncio.timeout(timeout_s):
            while self.sleepers < at_least:
                self._changed.clear()
                await self._changed.wait()

    @staticmethod
    async def _settle() -> None:
        # Purely in-memory work between two sleeps takes few turns of the loop; real I/O is not waited for.
        for _ in range(20):
            await asyncio.sleep(0)
