"""
Time as a port: rooms that need the present take a Clock, so tests can move it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """
    Tells the time.  `now` is UTC and may jump; `monotonic` is in seconds and never goes back.
    """

    def now(self) -> datetime:
        """
        Return the present instant in UTC.
        """
        ...

    def now_ms(self) -> int:
        """
        Return the present instant in whole milliseconds since 1970: what is asked for every delivery.
        """
        ...

    def monotonic(self) -> float:
        """
        Return seconds from an arbitrary start, never going back.
        """
        ...

    async def sleep(self, seconds: float) -> None:
        """
        Return after `seconds` of this clock's time.
        """
        ...
