"""
The vendor's limit: so many requests in any window of so many seconds.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True, slots=True)
class RequestCounts:
    """
    What the clients of a token did; `over_limit` of their requests were too many.
    """

    total: int
    max_in_window: int
    allowed: int
    over_limit: int
    answered_429: int


class Throttle:
    """
    Counts the requests of one token in a sliding window; refused ones count like the others.
    """

    def __init__(self, allowed: int, per_s: float) -> None:
        self._allowed = allowed
        self._per_s = per_s
        self._sent: deque[float] = deque()
        self._total = self._max_in_window = self._over_limit = self._answered_429 = 0

    def count(self, at_s: float) -> int | None:
        """
        Count a request; return None where it is within the limit, else the seconds until one will be.
        """
        while self._sent and self._sent[0] <= at_s - self._per_s:
            self._sent.popleft()
        self._sent.append(at_s)
        self._total += 1
        self._max_in_window = max(self._max_in_window, len(self._sent))
        if len(self._sent) <= self._allowed:
            return None
        self._over_limit += 1
        return max(1, ceil(self._sent[-self._allowed] + self._per_s - at_s))

    def note_429(self) -> None:
        """
        Note that a request was answered 429, whoever decided it.
        """
        self._answered_429 += 1

    def counts(self) -> RequestCounts:
        """
        Return what was counted so far.
        """
        return RequestCounts(
            self._total, self._max_in_window, self._allowed, self._over_limit, self._answered_429
        )
