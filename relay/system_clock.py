"""
The machine's clock.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime


class SystemClock:
    """
    The present as the operating system tells it.
    """

    def now(self) -> datetime:
        """
        Return the present instant in UTC.
        """
        return datetime.now(UTC)

    def now_ms(self) -> int:
        """
        Return the present instant in whole milliseconds since 1970.
        """
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """
        Return seconds from an arbitrary start, never going back.
        """
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """
        Return after that many seconds.
        """
        await asyncio.sleep(seconds)
