"""
What is going to happen on the floor, in the order of time.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count


class Agenda:
    """
    Does things when they are due; knows the time only as milliseconds since 1970.

    Things due at the same millisecond are done in the order in which they were planned.
    """

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        self._order = count()
        self._planned: list[tuple[int, int, Callable[[], None]]] = []

    def at(self, at_ms: int, action: Callable[[], None]) -> None:
        """
        Plan an action; one in the past is done at the next advance.
        """
        heapq.heappush(self._planned, (max(at_ms, self.now_ms), next(self._order), action))

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """
        Plan an action so many seconds from now.
        """
        self.at(self.now_ms + round(seconds * 1000), action)

    def advance(self, to_ms: int) -> None:
        """
        Do all that is due until then; the time never goes back.
        """
        while self._planned and self._planned[0][0] <= to_ms:
            at_ms, _, action = heapq.heappop(self._planned)
            self.now_ms = at_ms
            action()
        self.now_ms = max(self.now_ms, to_ms)
