"""
How far the clock of a phone system is from ours, as far as its answers tell.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from statistics import median_low
from typing import Final

from relay.sources.wire import Answer

HALF_A_SECOND: Final = timedelta(seconds=0.5)
SKEW_NOISE: Final = timedelta(seconds=2)
LARGEST_SKEW: Final = timedelta(days=1)  # beyond it the header is wrong
ANSWERS_TO_BELIEVE: Final = 3
_MOST_AGE_DIGITS: Final = 8  # three years, which no clock of ours overflows by


@dataclass(frozen=True, slots=True)
class Skew:
    """
    A phone system's clock minus ours: what is `likely`, and the `least` that may be so.
    """

    likely: timedelta
    least: timedelta


class ClockSkew:
    """
    The skew of one source, by its last ANSWERS_TO_BELIEVE answers.

    One wrong Date header, or one slow answer, must not move the clock that calls are read by: likely is
    the middle one.  Nor may it prove hours as read that have not been yet: no more is proven than by the
    least.
    """

    def __init__(self) -> None:
        self._latest: deque[timedelta] = deque(maxlen=ANSWERS_TO_BELIEVE)

    def after(self, answer: Answer, now: datetime) -> Skew:
        """
        Return the skew after one more answer, which came `now`.
        """
        self._latest.append(clock_skew(answer, now))
        return Skew(median_low(self._latest), min(self._latest))


def age_of(answer: Answer) -> timedelta:
    """
    Return how long ago an answer was made, by its Age header (RFC 9111, 5.1); 0 where no cache gave it.
    """
    text = answer.headers.get("age", "").strip()
    return (
        timedelta(seconds=int(text[:_MOST_AGE_DIGITS])) if text.isascii() and text.isdigit() else timedelta(0)
    )


def clock_skew(answer: Answer, now: datetime) -> timedelta:
    """
    Return the answering clock minus ours, by the Date header (RFC 9110, 6.6.1); 0 without a good one.

    The header tells whole seconds and took its time to come: a difference below SKEW_NOISE is none.  In
    an answer from a cache it is the time when that was made.
    """
    try:
        at = parsedate_to_datetime(answer.headers.get("date", ""))
        skew = (at if at.tzinfo else at.replace(tzinfo=UTC)) + age_of(answer) + HALF_A_SECOND - now
    except (ValueError, OverflowError):
        return timedelta(0)
    return skew if SKEW_NOISE <= abs(skew) <= LARGEST_SKEW else timedelta(0)
