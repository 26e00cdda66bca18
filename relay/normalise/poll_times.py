"""
When something happened that two polls show only as a difference.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from relay.model.times import from_ms, to_ms

_TWO_SECONDS_MS: Final = 2000


class Moment(NamedTuple):
    """
    An instant of which only the interval is known: its middle, and half its width in whole seconds, rounded
    up and at least 1.  `precision_s` is None where nothing bounds it on the older side.
    """

    at: datetime
    precision_s: int | None


class PollTimes(NamedTuple):
    """
    When a poll was asked, and the last good one before it (None: there was none).

    Both are by relay's clock; `skew` is the source's clock minus ours, as far as it is known.  A poll that
    could not be read counts as none: the next interval begins at the last good one.
    """

    asked_at: datetime
    previous_asked_at: datetime | None
    skew: timedelta = timedelta(0)

    @property
    def source_now(self) -> datetime:
        """
        Return when the poll was asked, by the source's clock.
        """
        return self.asked_at + self.skew

    def between(self, start: datetime | None, end: datetime) -> Moment:
        """
        Return the moment, by the source's clock, of what happened between two instants of relay's clock.
        """
        if start is None:
            return Moment(end + self.skew, None)
        # In milliseconds, as the journal keeps times: a restart between two polls changes no figure.
        end_ms = to_ms(end)
        width_ms = max(end_ms - to_ms(start), 0)
        return Moment(from_ms(end_ms - width_ms // 2) + self.skew, max(1, -(-width_ms // _TWO_SECONDS_MS)))


def seconds_near(start: datetime, end: datetime) -> int:
    """
    Return the whole seconds nearest to the time from `start` to `end`; 0 where a clock went back.

    Rounding down would add up to a second to an error that `precision_s` already states.
    """
    return max(0, round((end - start).total_seconds()))
