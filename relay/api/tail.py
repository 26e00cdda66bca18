"""
The newest event's place, and waiting for newer ones.
"""

from __future__ import annotations

import asyncio


class EventTail:
    """
    Knows how far the journal is; whoever appends says so.
    """

    def __init__(self, newest: int) -> None:
        self._newest = newest
        self._moved = asyncio.Event()

    @property
    def newest(self) -> int:
        """
        Return the seq of the newest event.
        """
        return self._newest

    def move_to(self, seq: int) -> None:
        """
        Take notice of an event that was committed; never blocks.
        """
        if seq > self._newest:
            self._newest = seq
            self._moved.set()
            self._moved = asyncio.Event()

    async def wait_beyond(self, seq: int, timeout_s: float) -> None:
        """
        Return once there is an event after `seq`, or after `timeout_s`.
        """
        if self._newest > seq:
            return
        try:
            async with asyncio.timeout(timeout_s):
                while self._newest <= seq:
                    await self._moved.wait()
        except TimeoutError:
            return
