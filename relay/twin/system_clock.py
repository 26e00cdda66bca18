"""
The real time, for twins that run outside tests.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime


class SystemClock:
    """
    Tells this machine's time.
    """

    def now(self) -> datetime:
        """
        Return the present instant in UTC.
        """
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """
        Return seconds from an arbitrary start, never going back.
        """
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """
        Return after `seconds`.
        """
        await asyncio.sleep(seconds)
