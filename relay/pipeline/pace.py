"""
How fast a source is polled: as its budget allows, slower where nothing happens, less after a refusal.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from relay.model.source_work import Allowance

IDLE_AFTER_WINDOWS: Final = 1.0  # without anything new the pauses begin to grow
IDLE_WINDOWS: Final = 2 / 15  # the longest pause between two reads of one stream: 2 minutes in 15
REGROWN_OF_100: Final = 5  # requests of a hundred that come back with each window without a refusal


@dataclass(frozen=True, slots=True)
class PaceSettings:
    """
    What the vendor allows polls: `polls` requests in `per_s` seconds; at least `least_pause_s` between two.

    `answer_s` is how long an answer may take: a place in the window is free only that long after it.
    """

    polls: int
    per_s: float
    least_pause_s: float = 0.0
    answer_s: float = 5.0

    @property
    def full_pause_s(self) -> float:
        """
        Return the pause between two polls where nothing slows them down.
        """
        return max((self.per_s + self.answer_s) / self.polls, self.least_pause_s)


class Pace:
    """
    Decides the pause between two polls of a source.

    The vendor may let us do less than it promised: others use the same key.  A 429 halves what polls use
    for a window; each window without one gives some of it back.
    """

    def __init__(self, settings: PaceSettings, streams: int, now: datetime) -> None:
        self._settings = settings
        self._streams = max(1, streams)
        self._news_at = now
        self.allowance: Allowance | None = None

    @property
    def polls(self) -> int:
        """
        Return how many requests of a window polls may use now.
        """
        return self._settings.polls if self.allowance is None else self.allowance.polls

    @property
    def window(self) -> timedelta:
        """
        Return the length of the vendor's window.
        """
        return timedelta(seconds=self._settings.per_s)

    def saw_news(self, now: datetime) -> None:
        """
        Note that something happened: a new or changed row, a push, a command.
        """
        self._news_at = now

    def pause_s(self, now: datetime) -> float:
        """
        Return how long to wait between two polls.
        """
        settings = self._settings
        pause_s = max((settings.per_s + settings.answer_s) / self.polls, settings.least_pause_s)
        idle_windows = (now - self._news_at) / self.window - IDLE_AFTER_WINDOWS
        if idle_windows <= 0:
            return pause_s
        longest_s = max(pause_s, settings.per_s * IDLE_WINDOWS / self._streams)
        return float(min(pause_s * 2 ** min(idle_windows, 16.0), longest_s))

    def refused(self, now: datetime) -> bool:
        """
        Note a 429 that relay did not expect; return whether that changes the allowance.

        Several in one window count once: requests sent before the first may be answered after it.
        """
        if self.allowance is not None and now - self.allowance.changed_at < self.window:
            return False
        self.allowance = Allowance(max(1, self.polls // 2), now)
        return True

    def recovered(self, now: datetime) -> bool:
        """
        Give back what a window without a refusal allows; return whether that changes the allowance.
        """
        allowance = self.allowance
        if allowance is None or now - allowance.changed_at < self.window:
            return False
        polls = allowance.polls + max(1, self._settings.polls * REGROWN_OF_100 // 100)
        self.allowance = None if polls >= self._settings.polls else Allowance(polls, now)
        return True
