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
    What the client of a token did; `over_limit` of its requests were too many, whatever others used.
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
        self._foreign: deque[float] = deque()
        self._next_foreign_s: float | None = None
        self._total = self._max_in_window = self._over_limit = self._answered_429 = 0

    def count(self, at_s: float, foreign: int = 0) -> int | None:
        """
        Count a request; return None where it is within the limit, else the seconds until one will be.

        `foreign` is how many requests of each window another client of the token sends, evenly spread.
        """
        self._sent.append(at_s)
        self._send_foreign(at_s, foreign)
        for sent in (self._sent, self._foreign):
            while sent and sent[0] <= at_s - self._per_s:
                sent.popleft()
        self._total += 1
        self._max_in_window = max(self._max_in_window, len(self._sent))
        self._over_limit += len(self._sent) > self._allowed
        if len(self._sent) + len(self._foreign) <= self._allowed:
            return None
        in_window = sorted((*self._sent, *self._foreign))
        return max(1, ceil(in_window[-self._allowed] + self._per_s - at_s))

    def _send_foreign(self, at_s: float, foreign: int) -> None:
        if not foreign:
            self._next_foreign_s = None
            return
        next_s = at_s if self._next_foreign_s is None else max(self._next_foreign_s, at_s - self._per_s)
        while next_s <= at_s:
            self._foreign.append(next_s)
            next_s += self._per_s / foreign
        self._next_foreign_s = next_s

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
