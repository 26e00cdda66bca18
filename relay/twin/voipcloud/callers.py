"""
The outside world's numbers, and how callers' lines spell them.
"""

from __future__ import annotations

from collections import deque
from random import Random
from typing import Final

QUIET_S: Final = 60  # longer than any window in which two calls of one number could be taken for one
_REPEATS: Final = 0.15
_RECENT: Final = 50
_TRIES: Final = 50
_AREAS: Final = ("2", "3", "7", "8")
_MOBILES: Final = 0.7


class CallerBook:
    """
    Gives every call an outside number that no other call has, nor had in the last minute.

    Some callers call again.  A call keeps one spelling; the next call of the same number may have another.
    All numbers are of ranges kept free for fiction.
    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._quiet_until: dict[str, int] = {}
        self._recent: deque[str] = deque(maxlen=_RECENT)

    def draw(self, at: int) -> str | None:
        """
        Return the national digits of a number free at `at`; None when the world is out of numbers.
        """
        for _ in range(_TRIES):
            digits = self._pick()
            if self._quiet_until.get(digits, 0) <= at:
                return digits
        return None

    def keep(self, digits: str, ended_at: int) -> None:
        """
        Note that a number is in a call that ends at `ended_at`.
        """
        self._quiet_until[digits] = ended_at + QUIET_S
        self._recent.append(digits)

    def spell(self, digits: str) -> str:
        """
        Write a number in one of the ways that lines deliver it.
        """
        return self._rng.choice(("0", "+61", "61")) + digits

    def _pick(self) -> str:
        if self._recent and self._rng.random() < _REPEATS:
            return self._rng.choice(self._recent)
        if self._rng.random() < _MOBILES:
            return f"49157{self._rng.randrange(10_000):04}"
        return f"{self._rng.choice(_AREAS)}5550{self._rng.randrange(10_000):04}"
